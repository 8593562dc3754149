package agentd

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// socketPair returns both ends of a connection.
func socketPair(t *testing.T) (server, client *net.UnixConn) {
	t.Helper()
	addr := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"}
	ln, err := net.ListenUnix("unix", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.DialUnix("unix", nil, addr); err != nil {
		t.Fatal(err)
	}
	if server, err = ln.AcceptUnix(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Close()
		_ = client.Close()
	})
	return server, client
}

// TestLateLook: a request that arrived in time counts, also when nobody ran to read it
// before the deadline; one that did not come does not.
func TestLateLook(t *testing.T) {
	server, client := socketPair(t)
	c := &conn{net: server, reader: wire.NewReader(server, 1<<10)}
	past := func() {
		t.Helper()
		if err := server.SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	past()
	if err := c.look(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nothing came: %v", err)
	}
	if _, err := client.Write(wire.Header{Opcode: wire.OpPing}.Append(nil)); err != nil {
		t.Fatal(err)
	}
	past()
	if err := c.reader.Await(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a read behind its deadline: %v", err)
	}
	if err := c.look(); err != nil || !c.reader.Whole() {
		t.Errorf("a whole request lies there: %v, whole is %t", err, c.reader.Whole())
	}
}
