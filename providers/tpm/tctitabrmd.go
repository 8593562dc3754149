package tpm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/seed-73b3884f/parsec-agent/providers/tpm/internal/bus"
)

// The access broker on D-Bus. Its methods Cancel and SetLocality are not called: tpm2-abrmd
// answers both with "not implemented", and gives every connection locality 0.
const (
	brokerPath      = "/com/intel/tss2/Tabrmd/Tcti"
	brokerInterface = "com.intel.tss2.TctiTabrmd"
)

// dialTabrmd asks the access broker for a connection: a socket for bare commands, whose
// objects and sessions the broker keeps apart from those of others. The bus is needed no
// more then.
func dialTabrmd(ctx context.Context, t TCTI) (link, error) {
	find := bus.System
	if t.BusType == "session" {
		find = bus.Session
	}
	sockets, err := find()
	if err != nil {
		return nil, err
	}
	conn, err := bus.Dial(ctx, sockets)
	if err != nil {
		return nil, fmt.Errorf("%w; see whether the %s bus runs and lets the agent's account in", err, t.BusType)
	}
	files, err := conn.Call(ctx, bus.Method{Destination: t.BusName, Path: brokerPath, Interface: brokerInterface, Member: "CreateConnection"})
	_ = conn.Close() // what it was for is done
	if err != nil {
		return nil, brokerError(t, err)
	}
	defer func() {
		for _, f := range files {
			_ = f.Close() // the connection has a descriptor of its own
		}
	}()
	return brokered(files)
}

// brokered makes a link of what the broker passed.
func brokered(files []*os.File) (link, error) {
	if len(files) != 1 {
		return nil, fmt.Errorf("the access broker passed %d descriptors, one was expected", len(files))
	}
	c, err := net.FileConn(files[0])
	if err != nil {
		return nil, fmt.Errorf("the access broker passed no socket: %w", err)
	}
	return &socket{Conn: c}, nil
}

// brokerError adds what to do about an error that the bus or the broker answered.
func brokerError(t TCTI, err error) error {
	const kernel = "or use the kernel's resource manager: tcti = \"device:/dev/tpmrm0\""
	e, ok := errors.AsType[*bus.Error](err)
	if !ok {
		return err
	}
	switch e.Name {
	case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner":
		return fmt.Errorf("no access broker has the name %s on the %s bus (%w); start tpm2-abrmd, %s", t.BusName, t.BusType, err, kernel)
	case "org.freedesktop.DBus.Error.AccessDenied":
		return fmt.Errorf("the %s bus does not let the agent's account call %s (%w); add it to the group tss, %s", t.BusType, t.BusName, err, kernel)
	default:
		return fmt.Errorf("the access broker %s gives no connection: %w", t.BusName, err)
	}
}
