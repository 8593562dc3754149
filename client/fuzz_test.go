package client_test

import (
	"encoding/hex"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// hostile returns a connection whose other end answers the first bytes that it gets with
// data and closes.
func hostile(data []byte, done chan<- struct{}) (*net.UnixConn, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	var ends [2]*net.UnixConn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "pair")
		c, err := net.FileConn(f)
		_ = f.Close()
		if err != nil {
			return nil, err
		}
		u, isUnix := c.(*net.UnixConn)
		if !isUnix {
			return nil, errors.New("not a Unix socket")
		}
		ends[i] = u
	}
	go func() {
		defer func() { done <- struct{}{} }()
		defer ends[1].Close()
		var b [4096]byte
		if _, err := ends[1].Read(b[:]); err == nil {
			_, _ = ends[1].Write(data)
		}
	}()
	return ends[0], nil
}

// FuzzResponse has a service answer anything: the client returns an error of its own
// kinds or a result, in bounded memory, and never uses a connection again on which bytes
// are left over.
func FuzzResponse(f *testing.F) {
	frame := func(op wire.Opcode, flags uint16, status wire.Status, body []byte) []byte {
		b, _ := wire.AppendResponse(nil, wire.Header{Opcode: op, Flags: flags, Status: status}, body)
		return b
	}
	marshal := func(m proto.Message) []byte {
		b, err := psa.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	f.Add(uint8(0), frame(wire.OpPing, 1, 0, marshal(&psapb.PingResult{WireProtocolVersionMaj: 1})))
	f.Add(uint8(0), append(frame(wire.OpPing, 1, 0, nil), frame(wire.OpPing, 1, 0, nil)...))
	f.Add(uint8(1), frame(wire.OpListProviders, 0, 0, marshal(&psapb.ListProvidersResult{Providers: []*psapb.ListProvidersResult_ProviderInfo{{Id: 1}}})))
	f.Add(uint8(2), frame(agent.OpInfo, 1, wire.StatusNotAuthenticated, marshal(&agentpb.ErrorDetail{Object: "x", Reason: "y"})))
	f.Add(uint8(3), append(frame(agent.OpProtect, 3, 0, marshal(&agentpb.Progress{Done: 1})), frame(agent.OpProtect, 1, 0, nil)...))
	f.Add(uint8(4), frame(wire.OpListKeys, 1, 0, []byte{0x0a, 0x02, 0x08, 0x01}))
	f.Add(uint8(5), frame(wire.OpGenerateRandom, 1, 0, []byte{0x0a, 0x04, 1, 2, 3, 4}))
	f.Add(uint8(0), []byte{})
	f.Add(uint8(0), []byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	for _, v := range []string{"10a7c05e1e000100000000000000000000000000000002000000000001000000000000000801", "10a7c05e1e00010000000000000000000000000000ffffffffffff0100000000000000"} {
		if b, err := hex.DecodeString(v); err == nil {
			f.Add(uint8(1), b)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		done := make(chan struct{}, 8)
		dials := 0
		c := client.NewTestOnlyClient(client.Options{Anonymous: true, MaxResponse: 64 << 10, Timeout: 10 * time.Second, Provider: new(wire.ProviderMbedCrypto)},
			func() (*net.UnixConn, error) {
				dials++
				return hostile(data, done)
			})
		err := ask(t, c, which)
		if err != nil && !known(err) {
			t.Errorf("an error of an unknown kind: %v (%T)", err, err)
		}
		_ = c.Close()
		for range dials {
			<-done
		}
	})
}

func ask(t *testing.T, c *client.Client, which uint8) error {
	t.Helper()
	var err error
	switch which % 6 {
	case 0:
		_, err = c.Ping(t.Context())
	case 1:
		_, err = c.ListProviders(t.Context())
	case 2:
		_, err = c.Info(t.Context())
	case 3:
		err = c.Protect(t.Context(), client.ProtectRequest{}, nil)
	case 4:
		_, err = c.ListKeys(t.Context())
	case 5:
		var b []byte
		b, err = c.GenerateRandom(t.Context(), 4)
		if err == nil && len(b) != 4 {
			t.Errorf("%d random bytes for 4", len(b))
		}
	}
	return err
}

func known(err error) bool {
	_, service := errors.AsType[*wire.Error](err)
	_, protocol := errors.AsType[*client.ProtocolError](err)
	_, connection := errors.AsType[*client.ConnectionError](err)
	return service || protocol || connection
}
