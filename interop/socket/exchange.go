package socket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Wait bounds one exchange, far above what any operation takes.
const Wait = 60 * time.Second

// maxAnswer bounds the body of an answer, in bytes.
const maxAnswer = 16 << 20

// Answer is what came back.
type Answer struct {
	wire.Header
	Body []byte
	// Raw is everything that was read, Err what is wrong with it: no whole answer, or
	// more than one.
	Raw []byte
	Err error
}

// String shortens an answer for a message.
func (a Answer) String() string {
	if a.Err != nil {
		return fmt.Sprintf("%v after %d bytes %x", a.Err, len(a.Raw), a.Raw[:min(len(a.Raw), 64)])
	}
	return fmt.Sprintf("%v, %d bytes", a.Status, len(a.Body))
}

// Frame makes a request of user uid, or without authentication if auth is AuthNone.
func Frame(h wire.Header, uid uint32, body []byte) []byte {
	var auth []byte
	if h.AuthType == wire.AuthUnixPeer {
		auth = wire.AppendUID(nil, uid)
	}
	frame, err := wire.AppendRequest(nil, h, body, auth)
	if err != nil {
		panic(err) // lengths are ours
	}
	return frame
}

// Raw makes one connection as uid, sends bytes, shuts the sending side down if half is
// set, and reads to the end.
func Raw(ctx context.Context, path string, uid uint32, frame []byte, half bool) ([]byte, error) {
	conn, err := Dial(ctx, path, uid)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(Wait))
	// A service may answer and close while the request is still being written.
	_, sendErr := conn.Write(frame)
	if half && sendErr == nil {
		sendErr = conn.CloseWrite()
	}
	raw, err := io.ReadAll(io.LimitReader(conn, maxAnswer))
	if len(raw) == 0 {
		err = errors.Join(sendErr, err)
	}
	return raw, err
}

// Parse takes an answer apart. A reset behind a whole answer is none of its faults.
func Parse(raw []byte, err error) Answer {
	a := Answer{Raw: raw}
	r := wire.NewReader(bytes.NewReader(raw), maxAnswer)
	h, body, bad := r.ReadResponse()
	switch {
	case bad != nil:
		a.Err = errors.Join(bad, err)
	case len(raw) != wire.HeaderSize+len(body):
		a.Err = fmt.Errorf("%d bytes behind the answer", len(raw)-wire.HeaderSize-len(body))
	}
	a.Header, a.Body = h, body
	return a
}

// Exchange makes one request on a connection of its own, as the original's clients do.
func Exchange(ctx context.Context, path string, uid uint32, frame []byte) Answer {
	return Parse(Raw(ctx, path, uid, frame, false))
}

// Session makes requests of one user.
type Session struct {
	Path string
	UID  uint32
	// Provider is where key operations go.
	Provider wire.ProviderID
}

// Do makes a request with a message as body, nil for none, on a connection of its own.
// A result other than nil takes the body of a successful answer. It returns the status
// as an error, or what else went wrong.
func (s Session) Do(ctx context.Context, op wire.Opcode, in, result proto.Message) error {
	frame, err := s.frame(op, 0, in)
	if err != nil {
		return err
	}
	return unpack(Exchange(ctx, s.Path, s.UID, frame), result)
}

func (s Session) frame(op wire.Opcode, flags uint16, in proto.Message) ([]byte, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = psa.Marshal(in); err != nil {
			return nil, err
		}
	}
	h := wire.Header{Provider: s.Provider, Opcode: op, AuthType: wire.AuthUnixPeer, Flags: flags}
	if core[op] || op >= wire.FirstAgentOpcode {
		h.Provider = wire.ProviderCore
	}
	return Frame(h, s.UID, body), nil
}

// core are the original's operations on provider 0.
var core = map[wire.Opcode]bool{
	wire.OpPing: true, wire.OpListProviders: true, wire.OpListOpcodes: true, wire.OpListAuthenticators: true,
	wire.OpListKeys: true, wire.OpListClients: true, wire.OpDeleteClient: true,
}

func unpack(a Answer, result proto.Message) error {
	switch {
	case a.Err != nil:
		return a.Err
	case a.Status != wire.StatusSuccess:
		return a.Status
	case result == nil:
		return nil
	}
	return psa.Unmarshal(a.Body, result)
}
