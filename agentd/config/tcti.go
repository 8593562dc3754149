package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// parseTCTI reads `device[:path]`, `mssim[:host=H,port=P]`, `swtpm[:host=H,port=P]`,
// `swtpm:path=SOCKET` or `tabrmd[:bus_name=N,bus_type=session|system]`.
func parseTCTI(s string) (TCTI, error) {
	kind, rest, given := strings.Cut(s, ":")
	if given && rest == "" {
		return TCTI{}, fmt.Errorf("nothing follows %q", kind+":")
	}
	t := TCTI{Kind: kind}
	var set func(name, value string) (known bool, err error)
	switch kind {
	case "device":
		t.Path = "/dev/tpm0"
		if given {
			t.Path = rest
		}
		if !filepath.IsAbs(t.Path) {
			return TCTI{}, errors.New("the device is not an absolute path")
		}
		return t, nil
	case "mssim", "swtpm":
		t.Host, t.Port = "localhost", 2321
		set = func(name, value string) (bool, error) { return setSocket(&t, name, value) }
	case "tabrmd":
		t.BusName, t.BusType = "com.intel.tss2.Tabrmd", "system"
		set = func(name, value string) (bool, error) { return setBus(&t, name, value) }
	default:
		return TCTI{}, errors.New(`expected "device", "swtpm", "mssim" or "tabrmd"`)
	}
	if !given {
		return t, nil
	}
	for pair := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(pair, "=")
		known, err := set(name, value)
		if err != nil {
			return TCTI{}, err
		}
		if !known || value == "" {
			return TCTI{}, fmt.Errorf("%q is not an option of %q", pair, kind)
		}
	}
	if t.Kind == "swtpm" && t.Path != "" {
		if strings.Contains(rest, "host=") || strings.Contains(rest, "port=") {
			return TCTI{}, errors.New("a Unix socket has no host and no port")
		}
		t.Host, t.Port = "", 0
	}
	return t, nil
}

func setSocket(t *TCTI, name, value string) (bool, error) {
	switch name {
	case "host":
		t.Host = value
	case "port":
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil || n == 0 {
			return true, fmt.Errorf("%q is not a port from 1 to 65535", value)
		}
		t.Port = uint16(n)
	case "path":
		if t.Kind != "swtpm" {
			return false, nil
		}
		if !filepath.IsAbs(value) {
			return true, fmt.Errorf("the socket %q is not an absolute path", value)
		}
		t.Path = value
	default:
		return false, nil
	}
	return true, nil
}

func setBus(t *TCTI, name, value string) (bool, error) {
	switch name {
	case "bus_name":
		t.BusName = value
	case "bus_type":
		if value != "session" && value != "system" {
			return true, fmt.Errorf("%q is neither session nor system", value)
		}
		t.BusType = value
	default:
		return false, nil
	}
	return true, nil
}
