package bus

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

const (
	sessionVariable = "DBUS_SESSION_BUS_ADDRESS"
	systemVariable  = "DBUS_SYSTEM_BUS_ADDRESS"
	runtimeVariable = "XDG_RUNTIME_DIR"
	systemSocket    = "/run/dbus/system_bus_socket"
)

// System returns the sockets of the system bus, in the order to try.
func System() ([]string, error) {
	if a := os.Getenv(systemVariable); a != "" {
		return sockets(a)
	}
	return []string{systemSocket}, nil
}

// Session returns the sockets of the session bus, in the order to try.
func Session() ([]string, error) {
	if a := os.Getenv(sessionVariable); a != "" {
		return sockets(a)
	}
	if dir := os.Getenv(runtimeVariable); dir != "" {
		return []string{filepath.Join(dir, "bus")}, nil
	}
	return nil, fmt.Errorf("there is no session bus: neither %s nor %s is set", sessionVariable, runtimeVariable)
}

// sockets reads a list of server addresses, such as "unix:path=/run/bus;unix:abstract=bus".
// Other transports than Unix sockets cannot pass descriptors and are left out.
func sockets(addresses string) ([]string, error) {
	var names []string
	for address := range strings.SplitSeq(addresses, ";") {
		transport, list, ok := strings.Cut(address, ":")
		if !ok || transport != "unix" {
			continue
		}
		for pair := range strings.SplitSeq(list, ",") {
			key, value, _ := strings.Cut(pair, "=")
			name, err := url.PathUnescape(value)
			switch {
			case err != nil || strings.ContainsRune(name, 0):
				return nil, fmt.Errorf("the bus address %q is not valid", address)
			case key == "path" && name != "":
				names = append(names, name)
			case key == "abstract" && name != "":
				names = append(names, "@"+name)
			}
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("the bus address %q names no Unix socket", addresses)
	}
	return names, nil
}
