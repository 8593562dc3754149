package authn

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/agentd/internal/peer"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

type vector struct {
	Name      string
	ClientUID uint32 `json:"client_uid"`
	Request   string `json:"request_hex"`
	Response  string `json:"response_hex"`
	Status    wire.Status
}

func vectors(t *testing.T) []vector {
	t.Helper()
	b, err := os.ReadFile("../../testdata/parsec-service.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	return file.Vectors
}

// Every recorded exchange with the original passes or fails at authentication as the
// original's answer says.
func TestRecordedExchanges(t *testing.T) {
	set := newSet(t, Options{Members: []Member{{Authenticator: UnixPeer{}}}})
	ours := map[wire.Status]bool{wire.StatusAuthenticationError: true, wire.StatusAuthenticatorNotRegistered: true}
	passed, refused := 0, 0
	for _, v := range vectors(t) {
		raw, err := hex.DecodeString(v.Request)
		if err != nil {
			t.Fatal(err)
		}
		req, err := wire.NewReader(bytes.NewReader(raw), wire.DefaultBodyLimit).ReadRequest()
		if err != nil {
			continue // it never comes so far
		}
		id, err := set.Authenticate(t.Context(), &peer.Peer{UID: v.ClientUID}, req.AuthType, req.Auth)
		switch {
		case ours[v.Status]:
			refused++
			if got := wire.StatusOf(err); got != v.Status {
				t.Errorf("%s: status %d, want %d", v.Name, got, v.Status)
			}
		case err != nil:
			t.Errorf("%s: refused: %v", v.Name, err)
		case id.Auth != req.AuthType:
			t.Errorf("%s: identity %+v for authentication type %s", v.Name, id, req.AuthType)
		default:
			passed++
		}
	}
	if refused != 5 || passed < 100 {
		t.Errorf("%d refused, %d passed: the recording has 5 refusals and 100 others at least", refused, passed)
	}
}

// The description of the authenticator is the original's, word for word.
func TestRecordedDescription(t *testing.T) {
	for _, v := range vectors(t) {
		if v.Name != "list_authenticators" {
			continue
		}
		raw, err := hex.DecodeString(v.Response)
		if err != nil {
			t.Fatal(err)
		}
		m := &psapb.ListAuthenticatorsResult{}
		if err := proto.Unmarshal(raw[wire.HeaderSize:], m); err != nil {
			t.Fatal(err)
		}
		a := m.GetAuthenticators()[0]
		want := Info{
			Type: wire.AuthType(a.GetId()), Description: a.GetDescription(),
			Major: a.GetVersionMaj(), Minor: a.GetVersionMin(), Revision: a.GetVersionRev(),
		}
		if got := (UnixPeer{}).Info(); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		return
	}
	t.Error("the recording has no list of authenticators")
}
