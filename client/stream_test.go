package client_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// archiver keeps what was uploaded on each connection, as the agent does.
type archiver struct {
	mu     sync.Mutex
	upload map[int64][]byte
	got    []byte
}

func (a *archiver) answer(r request) reply {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch r.Opcode {
	case agent.OpBackup:
		return ok(&agentpb.Chunk{Data: []byte("one,")}, &agentpb.Chunk{Data: []byte("two,")}, &agentpb.Chunk{Data: []byte("three")})
	case agent.OpRestoreChunk:
		var m agentpb.Chunk
		if psa.Unmarshal(r.body, &m) != nil || r.AuthType != wire.AuthUnixPeer {
			return reply{status: wire.StatusDeserializingBody}
		}
		a.upload[r.conn] = append(a.upload[r.conn], m.GetData()...)
		return ok(nil)
	case agent.OpRestore:
		a.got = a.upload[r.conn]
		delete(a.upload, r.conn)
		return ok(
			&agentpb.Progress{Done: 1, Total: 3, Object: "a"},
			&agentpb.Progress{Done: 2, Total: 3, Object: "b", Problem: "the name is taken", Skipped: true},
			&agentpb.Progress{Done: 3, Total: 3, Object: "c", Problem: "no room"},
			&agentpb.Progress{Done: 3, Total: 3, Final: true},
		)
	default:
		return reply{}
	}
}

func TestBackup(t *testing.T) {
	s := newServer(t, (&archiver{}).answer)
	c := s.dial(client.Options{})
	var out bytes.Buffer
	if err := c.Backup(t.Context(), []byte("secret"), &out); err != nil || out.String() != "one,two,three" {
		t.Errorf("got %q, %v", &out, err)
	}
	ping(t, c)
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestBackupIntoFullDisk(t *testing.T) {
	s := newServer(t, (&archiver{}).answer)
	c := s.dial(client.Options{})
	if err := c.Backup(t.Context(), []byte("secret"), broken{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %v", err)
	}
	// The rest of the archive lies in that connection: it must not answer this request.
	ping(t, c)
}

func TestRestore(t *testing.T) {
	for _, size := range []int{0, 1, 256 << 10, 256<<10 + 1, 700000} {
		a := &archiver{upload: map[int64][]byte{}}
		s := newServer(t, a.answer)
		c := s.dial(client.Options{})
		archive := bytes.Repeat([]byte("archive!"), size/8+1)[:size]
		var seen []client.Progress
		err := c.Restore(t.Context(), client.RestoreRequest{Passphrase: []byte("p")}, bytes.NewReader(archive), func(p client.Progress) {
			seen = append(seen, p)
		})
		if err != nil || !bytes.Equal(a.got, archive) {
			t.Fatalf("%d bytes: arrived %d, %v", size, len(a.got), err)
		}
		if len(seen) != 4 || seen[0].Skipped || !seen[1].Skipped || seen[2].Skipped || seen[2].Problem != "no room" || seen[3].Object != "" {
			t.Errorf("progress %+v", seen)
		}
		ping(t, c)
	}
}

func TestRestoreFromBrokenFile(t *testing.T) {
	a := &archiver{upload: map[int64][]byte{}}
	s := newServer(t, a.answer)
	c := s.dial(client.Options{})
	file := io.MultiReader(strings.NewReader(strings.Repeat("x", 300<<10)), iotest.ErrReader(io.ErrUnexpectedEOF))
	cause := errors.New("bad sector")
	file = io.MultiReader(strings.NewReader(strings.Repeat("x", 300<<10)), iotest.ErrReader(cause), file)
	if err := c.Restore(t.Context(), client.RestoreRequest{}, file, nil); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if n := len(s.seen(agent.OpRestore)); n != 0 {
		t.Error("half an archive was restored")
	}
	ping(t, c)
}

func TestStreamOfHostileService(t *testing.T) {
	progress := func(m proto.Message) func(request) reply {
		return func(r request) reply {
			if r.Opcode == agent.OpProtect {
				return ok(&agentpb.Progress{Done: 1}, m)
			}
			return reply{}
		}
	}
	bad := &agentpb.ErrorDetail{Object: "this is no progress"}
	c := newServer(t, progress(bad)).dial(client.Options{})
	err := c.Protect(t.Context(), client.ProtectRequest{Form: "encrypted", Names: []psa.KeyName{"k"}}, nil)
	if _, is := errors.AsType[*client.ProtocolError](err); !is {
		t.Errorf("got %v", err)
	}
	ping(t, c)
	// A single answer where none of several frames is expected.
	s := newServer(t, func(r request) reply {
		if r.Opcode == wire.OpListClients {
			return ok(nil, nil)
		}
		return reply{}
	})
	c = s.dial(client.Options{})
	if _, err := c.ListClients(t.Context()); err == nil {
		t.Error("an answer that announces more was taken as whole")
	}
	ping(t, c)
}

func TestFailureWithinStream(t *testing.T) {
	frames := func(status wire.Status, m ...proto.Message) (b []byte) {
		for i, m := range m {
			body, err := psa.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			h := wire.Header{Opcode: agent.OpBackup, Flags: wire.FlagPersistent | wire.FlagMore}
			if i == 2 {
				h.Flags, h.Status = wire.FlagPersistent, status
			}
			b, _ = wire.AppendResponse(b, h, body)
		}
		return b
	}
	s := newServer(t, func(r request) reply {
		if r.Opcode == agent.OpBackup {
			return reply{raw: frames(wire.StatusStorageFailure, &agentpb.Chunk{Data: []byte("a")}, &agentpb.Chunk{}, &agentpb.ErrorDetail{Reason: "disk"})}
		}
		return reply{}
	})
	c := s.dial(client.Options{})
	var out bytes.Buffer
	err := c.Backup(t.Context(), nil, &out)
	if !errors.Is(err, wire.StatusStorageFailure) || err.Error() != "disk" {
		t.Errorf("got %v", err)
	}
	ping(t, c)
	if got := slices.Max([]int64{s.accepted.Load()}); got > 2 {
		t.Errorf("%d connections", got)
	}
}
