package authn

import (
	"context"
	"errors"
	"math"
	"net"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/agentd/internal/peer"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func newSet(t *testing.T, opts Options) *Set {
	t.Helper()
	set, _, err := NewSet(opts)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// self returns this process as a peer, as the kernel reports it.
func self(t *testing.T) *peer.Peer {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fds[1]) })
	f := os.NewFile(uintptr(fds[0]), "socket")
	defer func() { _ = f.Close() }()
	c, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	uc, ok := c.(*net.UnixConn)
	if !ok {
		t.Fatalf("%T", c)
	}
	p, err := peer.FromConn(uc)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestUnixPeer(t *testing.T) {
	for name, c := range map[string]struct {
		uid   uint32
		field []byte
		app   string
	}{
		"own uid":          {1000, []byte{0xe8, 3, 0, 0}, "1000"},
		"root":             {0, []byte{0, 0, 0, 0}, "0"},
		"large":            {4294967294, []byte{0xfe, 0xff, 0xff, 0xff}, "4294967294"},
		"another uid":      {1000, []byte{0xe9, 3, 0, 0}, ""},
		"claims root":      {1000, []byte{0, 0, 0, 0}, ""},
		"big-endian":       {1000, []byte{0, 0, 3, 0xe8}, ""},
		"empty":            {0, nil, ""},
		"short":            {1000, []byte{0xe8, 3, 0}, ""},
		"long":             {1000, []byte{0xe8, 3, 0, 0, 0}, ""},
		"no uid":           {math.MaxUint32, []byte{0xff, 0xff, 0xff, 0xff}, ""},
		"eight bytes":      {1000, []byte{0xe8, 3, 0, 0, 0, 0, 0, 0}, ""},
		"decimal text":     {1000, []byte("1000"), ""},
		"largest possible": {1000, make([]byte, wire.MaxAuthLen), ""},
	} {
		t.Run(name, func(t *testing.T) {
			app, err := UnixPeer{}.Authenticate(t.Context(), &peer.Peer{UID: c.uid}, c.field)
			check(t, app, err, c.app)
		})
	}
	if _, err := (UnixPeer{}).Authenticate(t.Context(), nil, make([]byte, 4)); wire.StatusOf(err) != wire.StatusAuthenticationError {
		t.Errorf("without a peer: %v", err)
	}
}

func TestDirect(t *testing.T) {
	for name, c := range map[string]struct{ field, app string }{
		"name":             {"app", "app"},
		"non-ASCII":        {"ä/漢\x00\n", "ä/漢\x00\n"},
		"longest":          {strings.Repeat("a", wire.MaxAuthLen), strings.Repeat("a", wire.MaxAuthLen)},
		"empty":            {"", ""},
		"not UTF-8":        {"a\xff", ""},
		"surrogate":        {"\xed\xa0\x80", ""},
		"overlong":         {"\xc0\xaf", ""},
		"truncated suffix": {"a\xe6\xbc", ""},
	} {
		t.Run(name, func(t *testing.T) {
			app, err := Direct{}.Authenticate(t.Context(), &peer.Peer{}, []byte(c.field))
			check(t, app, err, c.app)
		})
	}
}

// check asserts an identity, or with want "" a refusal with the original's status.
func check(t *testing.T, app string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && wire.StatusOf(err) != wire.StatusAuthenticationError:
		t.Errorf("got %q, %v; want status 11", app, err)
	case want == "" && app != "":
		t.Errorf("refused, but with the identity %q", app)
	case want != "" && (err != nil || app != want):
		t.Errorf("got %q, %v; want %q", app, err, want)
	}
}

func TestSetSelectsByNumber(t *testing.T) {
	set := newSet(t, Options{Members: []Member{{Authenticator: UnixPeer{}}, {Authenticator: Direct{}}}})
	p := &peer.Peer{UID: 1000}
	unix1000 := []byte{0xe8, 3, 0, 0}
	for name, c := range map[string]struct {
		auth   wire.AuthType
		field  []byte
		want   Identity
		status wire.Status
	}{
		"none":            {wire.AuthNone, []byte("ignored"), Identity{}, 0},
		"unix":            {wire.AuthUnixPeer, unix1000, Identity{Auth: wire.AuthUnixPeer, App: "1000"}, 0},
		"direct":          {wire.AuthDirect, []byte("1000"), Identity{Auth: wire.AuthDirect, App: "1000"}, 0},
		"refused":         {wire.AuthUnixPeer, []byte{1, 2, 3, 4}, Identity{}, wire.StatusAuthenticationError},
		"not implemented": {wire.AuthJWT, nil, Identity{}, wire.StatusAuthenticatorNotRegistered},
		"not configured":  {wire.AuthJWTSVID, nil, Identity{}, wire.StatusAuthenticatorNotRegistered},
		"internal":        {wire.AuthInternal, []byte("parsec"), Identity{}, wire.StatusAuthenticatorNotRegistered},
		"beyond":          {5, nil, Identity{}, wire.StatusAuthenticatorNotRegistered},
	} {
		t.Run(name, func(t *testing.T) {
			id, err := set.Authenticate(t.Context(), p, c.auth, c.field)
			if id != c.want || (err != nil) != (c.status != 0) || err != nil && wire.StatusOf(err) != c.status {
				t.Errorf("got %+v, %v; want %+v, status %d", id, err, c.want, c.status)
			}
			if id.Authenticated() != (c.want.App != "") {
				t.Errorf("authenticated: %v", id.Authenticated())
			}
		})
	}
}

func TestSetLists(t *testing.T) {
	set := newSet(t, Options{Members: []Member{{Authenticator: UnixPeer{}}, {Authenticator: Direct{}}}})
	if l := set.List(false); len(l) != 1 || l[0].Type != wire.AuthUnixPeer {
		t.Errorf("callers of the original's world see %+v", l)
	}
	if l := set.List(true); len(l) != 2 || l[0].Type != wire.AuthUnixPeer || l[1].Type != wire.AuthDirect {
		t.Errorf("callers that asked see %+v", l)
	}
	if set.Primary().Type() != wire.AuthUnixPeer {
		t.Errorf("primary is %s", set.Primary().Type())
	}
}

// fake is an authenticator of any number that gives any identity.
type fake struct {
	auth   wire.AuthType
	app    string
	closed *int
	err    error
}

func (f fake) Type() wire.AuthType { return f.auth }
func (f fake) Info() Info          { return Info{Type: f.auth} }
func (f fake) Authenticate(context.Context, *peer.Peer, []byte) (string, error) {
	return f.app, nil
}

func (f fake) Close() error {
	*f.closed++
	return f.err
}

func TestNewSetRefuses(t *testing.T) {
	for name, members := range map[string][]Member{
		"none":         nil,
		"twice":        {{Authenticator: Direct{}}, {Authenticator: UnixPeer{}}, {Authenticator: Direct{}}},
		"type none":    {{Authenticator: fake{auth: wire.AuthNone}}},
		"internal":     {{Authenticator: fake{auth: wire.AuthInternal}}},
		"unknown type": {{Authenticator: fake{auth: 5}}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := NewSet(Options{Members: members}); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestSetRefusesAnEmptyIdentity(t *testing.T) {
	set := newSet(t, Options{Members: []Member{{Authenticator: fake{auth: wire.AuthJWTSVID}, Admins: []string{""}}}})
	id, err := set.Authenticate(t.Context(), &peer.Peer{}, wire.AuthJWTSVID, []byte("x"))
	if id != (Identity{}) || wire.StatusOf(err) != wire.StatusAuthenticationError {
		t.Errorf("got %+v, %v", id, err)
	}
}

func TestSetCloses(t *testing.T) {
	closed, broken := 0, errors.New("broken")
	set := newSet(t, Options{Members: []Member{
		{Authenticator: UnixPeer{}}, {Authenticator: fake{auth: wire.AuthJWTSVID, closed: &closed, err: broken}},
	}})
	if err := set.Close(); !errors.Is(err, broken) || closed != 1 {
		t.Errorf("closed %d times, %v", closed, err)
	}
}

// FuzzField: whatever a field holds, an identity is UTF-8, not empty, and with Unix peer
// credentials the kernel's.
func FuzzField(f *testing.F) {
	f.Add(uint32(1000), byte(wire.AuthUnixPeer), []byte{0xe8, 3, 0, 0})
	f.Add(uint32(1000), byte(wire.AuthUnixPeer), []byte{0xe9, 3, 0, 0})
	f.Add(uint32(0), byte(wire.AuthDirect), []byte("app"))
	f.Add(uint32(0), byte(wire.AuthDirect), []byte{0xff})
	f.Add(uint32(0), byte(wire.AuthNone), []byte("ignored"))
	f.Add(uint32(math.MaxUint32), byte(wire.AuthUnixPeer), []byte{0xff, 0xff, 0xff, 0xff})
	set, _, err := NewSet(Options{
		Members: []Member{{Authenticator: UnixPeer{}, Admins: []string{"0"}}, {Authenticator: Direct{}, Admins: []string{"boss"}}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, uid uint32, auth byte, field []byte) {
		p := &peer.Peer{UID: uid}
		id, err := set.Authenticate(t.Context(), p, wire.AuthType(auth), field)
		switch {
		case err != nil && id != Identity{}:
			t.Errorf("refused with identity %+v", id)
		case err != nil:
			if s := wire.StatusOf(err); s != wire.StatusAuthenticationError && s != wire.StatusAuthenticatorNotRegistered {
				t.Errorf("status %d", s)
			}
		case wire.AuthType(auth) == wire.AuthNone:
			if id != (Identity{}) {
				t.Errorf("identity %+v without authentication", id)
			}
		case id.App == "" || !utf8.ValidString(id.App) || id.Auth != wire.AuthType(auth):
			t.Errorf("identity %+v", id)
		case id.Auth == wire.AuthUnixPeer && string(wire.AppendUID(nil, uid)) != string(field):
			t.Errorf("uid %d passed for %d", field, uid)
		case id.Admin != (id.Auth == wire.AuthUnixPeer && uid == 0 || id.Auth == wire.AuthDirect && id.App == "boss"):
			t.Errorf("administrator: %+v", id)
		}
	})
}
