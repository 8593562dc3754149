package interop

import (
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

// foreignToken starts an agent with a token on which pkcs11-tool made two keys.
func foreignToken(t *testing.T) *agentdtest.Agent {
	t.Helper()
	dir := agentdtest.Dir(t)
	h := tokentest.New(t)
	h.Token("foreign")
	for _, id := range []string{"01", "02"} {
		h.Tool("--login", "--pin", tokentest.PIN, "--keypairgen", "--key-type", "EC:prime256v1", "--id", id, "--label", "of others")
	}
	return agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: agentdtest.Config(dir) + pkcs11Table("sqlite"), Env: pkcs11Env(t, h)})
}

// ask makes one flagged request as a user.
func ask(t *testing.T, s socket.Session, op wire.Opcode, in, out proto.Message) error {
	t.Helper()
	c, err := s.Keep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.Do(t.Context(), op, in, out)
}

// TestAdoptionIsForAdministrators: others neither see what lies on a token nor take it; what an
// administrator adopts for them they use, and cannot remove from the token.
func TestAdoptionIsForAdministrators(t *testing.T) {
	if os.Getuid() != 0 {
		needRoot(t)
		t.Skip("asking as another user takes root")
	}
	a := foreignToken(t)
	admin, user := socket.Session{Path: a.Socket}, socket.Session{Path: a.Socket, UID: 1000}
	wants := func(what string, err error, want wire.Status) {
		t.Helper()
		if wire.StatusOf(err) != want {
			t.Errorf("%s: %v, want status %d", what, err, want)
		}
	}
	list := &agentpb.ListUnnamedResult{}
	adopt := &agentpb.Adopt{KeyName: "web", Locator: "id:01"}
	wants("list", ask(t, user, agent.OpListUnnamed, &agentpb.ListUnnamed{}, list), wire.StatusAdminOperation)
	wants("adopt", ask(t, user, agent.OpAdopt, adopt, nil), wire.StatusAdminOperation)
	wants("list without our flag", admin.Do(t.Context(), agent.OpListUnnamed, &agentpb.ListUnnamed{}, nil), wire.StatusOpcodeDoesNotExist)
	wants("list as administrator", ask(t, admin, agent.OpListUnnamed, &agentpb.ListUnnamed{}, list), wire.StatusSuccess)
	if len(list.GetObjects()) != 2 || len(list.GetFailures()) != 0 {
		t.Fatalf("the list is %v", list)
	}
	adopt.Application = "somebody"
	wants("for nobody", ask(t, admin, agent.OpAdopt, adopt, nil), wire.StatusInvalidArgument)
	adopt.Application = "1000"
	wants("for a user", ask(t, admin, agent.OpAdopt, adopt, nil), wire.StatusSuccess)

	user.Provider, admin.Provider = wire.ProviderPKCS11, wire.ProviderPKCS11
	k := &adoptedKey{name: "web"}
	wants("sign as the user", k.sign(t, user), wire.StatusSuccess)
	wants("sign as the administrator", k.sign(t, admin), wire.StatusDoesNotExist)
	wants("remove as the user", ask(t, user, wire.OpDestroyKey, k.destroying(), nil), wire.StatusAdminOperation)
	wants("sign after it", k.sign(t, user), wire.StatusSuccess)
	wants("delete the name as the user", user.Do(t.Context(), wire.OpDestroyKey, &psapb.KeyRef{KeyName: "web"}, nil), wire.StatusSuccess)
	wants("sign without a name", k.sign(t, user), wire.StatusDoesNotExist)
	admin.Provider = wire.ProviderCore
	wants("list again", ask(t, admin, agent.OpListUnnamed, &agentpb.ListUnnamed{}, list), wire.StatusSuccess)
	if len(list.GetObjects()) != 2 {
		t.Errorf("the key is gone: %v", list)
	}
}

// adoptedKey is an adopted P-256 key.
type adoptedKey struct{ name string }

func (k *adoptedKey) sign(t *testing.T, s socket.Session) error {
	t.Helper()
	alg, err := psa.EncodeSignature(psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256})
	if err != nil {
		t.Fatal(err)
	}
	out := &psapb.Output{}
	if err := s.Do(t.Context(), wire.OpSignHash, &psapb.Sign{KeyName: k.name, Alg: alg, Input: make([]byte, 32)}, out); err != nil {
		return err
	}
	checkP256(t, s, k.name, make([]byte, 32), out.GetOutput())
	return nil
}

// destroying is the body of a DestroyKey that says destroy.
func (k *adoptedKey) destroying() proto.Message {
	m := &psapb.KeyRef{KeyName: k.name}
	m.ProtoReflect().SetUnknown([]byte{0xd8, 0x3e, 0x01}) // field 1003, varint 1
	return m
}

// TestOneAdoptionOfAnObject: of many adoptions of one object at a time one succeeds, and of many
// under one name.
func TestOneAdoptionOfAnObject(t *testing.T) {
	a := foreignToken(t)
	s := socket.Session{Path: a.Socket, UID: uint32(os.Getuid())}
	const callers = 8
	for what, request := range map[string]func(i int) *agentpb.Adopt{
		"one object": func(i int) *agentpb.Adopt { return &agentpb.Adopt{KeyName: string(rune('a' + i)), Locator: "id:01"} },
		"one name":   func(int) *agentpb.Adopt { return &agentpb.Adopt{KeyName: "name", Locator: "id:02"} },
	} {
		var won, lost atomic.Int32
		var wait sync.WaitGroup
		for i := range callers {
			wait.Go(func() {
				switch err := ask(t, s, agent.OpAdopt, request(i), nil); wire.StatusOf(err) {
				case wire.StatusSuccess:
					won.Add(1)
				case wire.StatusAlreadyExists:
					lost.Add(1)
				default:
					t.Errorf("%s: %v", what, err)
				}
			})
		}
		wait.Wait()
		if won.Load() != 1 || lost.Load() != callers-1 {
			t.Errorf("%s: %d adopted it, %d were refused", what, won.Load(), lost.Load())
		}
	}
}
