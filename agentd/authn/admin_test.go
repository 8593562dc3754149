package authn

import (
	"os/user"
	"slices"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/internal/peer"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// authenticate makes p authenticate by its uid, or as app by Direct.
func authenticate(t *testing.T, set *Set, p *peer.Peer, app string) Identity {
	t.Helper()
	auth, field := wire.AuthUnixPeer, wire.AppendUID(nil, p.UID)
	if app != "" {
		auth, field = wire.AuthDirect, []byte(app)
	}
	id, err := set.Authenticate(t.Context(), p, auth, field)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestAdminsAreNamesOfOneAuthenticator(t *testing.T) {
	set := newSet(t, Options{Members: []Member{
		{Authenticator: UnixPeer{}, Admins: []string{"1000"}},
		{Authenticator: Direct{}, Admins: []string{"boss", "1001"}},
	}})
	for name, c := range map[string]struct {
		uid  uint32
		app  string
		want bool
	}{
		"uid":                          {1000, "", true},
		"another uid":                  {1001, "", false},
		"uid with the name as prefix":  {10000, "", false},
		"root":                         {0, "", false},
		"name":                         {5, "boss", true},
		"name in other case":           {5, "Boss", false},
		"name with a NUL":              {5, "boss\x00", false},
		"uid by another authenticator": {5, "1000", false},
		"name equal to a uid":          {5, "1001", true},
	} {
		t.Run(name, func(t *testing.T) {
			id := authenticate(t, set, &peer.Peer{UID: c.uid}, c.app)
			if id.Admin != c.want || (id.AdminBy == AdminByName) != c.want {
				t.Errorf("got %+v", id)
			}
		})
	}
}

func TestAdminsByGroup(t *testing.T) {
	p := self(t)
	groups, err := p.Groups()
	if err != nil {
		t.Fatal(err)
	}
	mine := slices.DeleteFunc(append(slices.Clone(groups), p.GID), func(g uint32) bool { return g == overflowID })
	foreign := uint32(77777)
	for slices.Contains(mine, foreign) {
		foreign++
	}
	members := []Member{{Authenticator: UnixPeer{}}}
	for _, gid := range mine {
		set := newSet(t, Options{Members: members, Groups: []uint32{foreign, gid}})
		if id := authenticate(t, set, p, ""); !id.Admin || id.AdminBy != AdminByGroup {
			t.Errorf("in group %d: %+v", gid, id)
		}
		if id, err := set.Authenticate(t.Context(), p, wire.AuthNone, nil); err != nil || id.Admin {
			t.Errorf("unauthenticated: %+v, %v", id, err)
		}
	}
	set := newSet(t, Options{Members: members, Groups: []uint32{foreign}})
	if id := authenticate(t, set, p, ""); id.Admin {
		t.Errorf("in no such group: %+v", id)
	}
}

// Groups that the kernel does not tell make no administrator.
func TestAdminsByGroupFailClosed(t *testing.T) {
	set := newSet(t, Options{Members: []Member{{Authenticator: UnixPeer{}}}, Groups: []uint32{8}})
	if id := authenticate(t, set, &peer.Peer{UID: 1, GID: 2}, ""); id.Admin {
		t.Errorf("without an answer of the kernel: %+v", id)
	}
	if id := authenticate(t, set, &peer.Peer{UID: 1, GID: 8}, ""); !id.Admin {
		t.Errorf("by the primary group: %+v", id)
	}
}

func TestAdminByOwnUID(t *testing.T) {
	own := uint32(1000)
	set := newSet(t, Options{Members: []Member{{Authenticator: UnixPeer{}}, {Authenticator: Direct{}}}, OwnUID: &own})
	if id := authenticate(t, set, &peer.Peer{UID: own}, ""); !id.Admin || id.AdminBy != AdminByUID {
		t.Errorf("own uid: %+v", id)
	}
	if id := authenticate(t, set, &peer.Peer{UID: own}, "app"); !id.Admin {
		t.Errorf("own uid, another authenticator: %+v", id)
	}
	for _, uid := range []uint32{0, 1001} {
		if id := authenticate(t, set, &peer.Peer{UID: uid}, "1000"); id.Admin {
			t.Errorf("uid %d claiming to be %d: %+v", uid, own, id)
		}
	}
}

func TestWarnings(t *testing.T) {
	const overflow = "65534"
	set, warnings, err := NewSet(Options{
		Members: []Member{
			{Authenticator: UnixPeer{}, Admins: []string{"0", "root", "007", overflow, "", "4294967296", "-1"}},
			{Authenticator: fake{auth: wire.AuthJWTSVID, app: "spiffe://a/b"}, Admins: []string{"spiffe://a/b", "b"}},
			{Authenticator: Direct{}, Admins: []string{"any name"}},
		},
		Groups: []uint32{overflowID, peer.NoID, 4},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`"root"`, `"007"`, `"65534"`, `"" of authenticator UnixPeer`, `"4294967296"`, `"-1"`, `"b"`,
		"any administrator", "group 65534", "group 4294967295",
	}
	if len(warnings) != len(want) {
		t.Errorf("%d warnings, want %d: %q", len(warnings), len(want), warnings)
	}
	for i := range min(len(warnings), len(want)) {
		if !strings.Contains(warnings[i], want[i]) {
			t.Errorf("warning %q does not name %s", warnings[i], want[i])
		}
	}
	if id := authenticate(t, set, &peer.Peer{UID: overflowID, GID: overflowID}, ""); id.Admin {
		t.Errorf("everybody that the namespace does not know is an administrator: %+v", id)
	}
	id, err := set.Authenticate(t.Context(), &peer.Peer{UID: 1}, wire.AuthJWTSVID, []byte("x"))
	if err != nil || !id.Admin {
		t.Errorf("SPIFFE ID: %+v, %v", id, err)
	}
}

func TestLookupGroups(t *testing.T) {
	g, err := user.LookupGroupId("0") // every system names it
	if err != nil {
		t.Fatal(err)
	}
	gids, warnings := LookupGroups([]string{g.Name, "12345", "no such group\n", "", "-1", "4294967296"})
	if !slices.Equal(gids, []uint32{0, 12345}) {
		t.Errorf("gids %v", gids)
	}
	if len(warnings) != 4 || !strings.Contains(warnings[0], `"no such group\n"`) {
		t.Errorf("warnings %q", warnings)
	}
}

// A request on a kept connection costs at most the text of its identity.
func BenchmarkAuthenticate(b *testing.B) {
	set, _, err := NewSet(Options{Members: []Member{{Authenticator: UnixPeer{}, Admins: []string{"0"}}}})
	if err != nil {
		b.Fatal(err)
	}
	p, field := &peer.Peer{UID: 1000}, wire.AppendUID(nil, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := set.Authenticate(b.Context(), p, wire.AuthUnixPeer, field); err != nil {
			b.Fatal(err)
		}
	}
}
