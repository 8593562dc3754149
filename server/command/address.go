package command

import (
	"net"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// address is the server's for links: the one that was given, else where it listens, if that is one that others on this machine can use. It is nil
// where the server listens everywhere and nobody says how it is called.
func (o *runOptions) address(listening net.Addr) (*trust.ServerAddress, error) {
	if o.serverAddr != "" {
		a, err := trust.ParseServerAddress(o.serverAddr)
		if err != nil {
			return nil, usagef("--server-addr %q: %w: parsec3://HOST[:PORT] is expected", o.serverAddr, err)
		}
		return &a, nil
	}
	tcp, ok := listening.(*net.TCPAddr)
	if !ok || tcp.IP.IsUnspecified() {
		return nil, nil
	}
	native := "parsec3://" + listening.String()
	if o.certFile == "" {
		native += "?no_ssl=true"
	}
	a, err := trust.ParseServerAddress(native)
	return &a, err
}
