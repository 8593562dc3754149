//go:build interop

package interop

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/cardtest"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

// TestAdoptedCardKeysWithTheOriginalsTool is the complaint of TestAdoptedKeysWithTheOriginalsTool
// with a smart card: keys of a provisioned PIV card, one of which wants the PIN for each use,
// are seen, adopted, and used by the original's own tool; the card keeps every object as it was.
func TestAdoptedCardKeysWithTheOriginalsTool(t *testing.T) {
	tree := openTree(t)
	card := cardtest.New(cardtest.Options{})
	certificates := map[string]*x509.Certificate{
		"id:01": card.Put(t, cardtest.Authentication, cardtest.P256, x509.KeyUsageDigitalSignature),
		"id:02": card.Put(t, cardtest.Signature, cardtest.RSA2048, x509.KeyUsageDigitalSignature),
	}
	reader := cardtest.NewReader(t)
	daemon := cardtest.Start(t, map[string]*cardtest.Reader{cardtest.AnyReader: reader})
	reader.Insert(0, card)
	card.Await(t)
	dir := sharedDir(t, tree, 0)
	s := original.Settings{Dir: dir, More: fmt.Sprintf("\n[[provider]]\nprovider_type = \"Pkcs11\"\nkey_info_manager = \"manager\"\nlibrary_path = %q\nuser_pin = \"str:%s\"\n",
		cardtest.OpenSC(t), cardtest.PIN)}
	a := agentdtest.Start(t, agentdtest.Options{
		Dir: dir, Config: s.Config(), Env: []string{daemon.Env(), pkcs11.HelperVariable + "=" + tokentest.Helper(t)},
	})
	provider := wire.ProviderPKCS11
	c, err := client.Dial(t.Context(), client.Options{Endpoint: a.Socket, Provider: &provider})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	u := &tool{t: t, tree: tree, dir: dir, used: map[string]bool{}}
	before := card.Objects()

	found, failures, err := c.ListUnnamed(t.Context())
	if err != nil || len(failures) > 0 || len(found) != len(certificates) {
		t.Fatalf("without a name: %+v, %v, %v", found, failures, err)
	}
	for _, f := range found {
		want := certificates[f.Locator]
		if want == nil || f.Problem != "" || !bytes.Equal(f.Certificate, want.Raw) {
			t.Fatalf("without a name: %+v", f)
		}
	}
	for locator, algorithm := range map[string]string{"id:01": "ecdsa-with-SHA256", "id:02": "sha256WithRSAEncryption"} {
		name := "card-" + locator[len("id:"):]
		if _, err := c.AdoptKey(t.Context(), psa.KeyName(name), client.Adoption{Locator: locator}); err != nil {
			t.Fatalf("adopt %s: %v", locator, err)
		}
		u.useWith(name, certificates[locator].RawSubjectPublicKeyInfo, algorithm)
		u.must("-p", "2", "delete-key", "-k", name)
	}
	if found, _, err := c.ListUnnamed(t.Context()); err != nil || len(found) != len(certificates) {
		t.Errorf("after deleting the names: %+v, %v", found, err)
	}
	if !bytes.Equal(card.Objects(), before) {
		t.Error("the card has changed")
	}
	if n := card.Counts(); n.Refused != 0 || card.Tries() != 3 {
		t.Errorf("the card refused %d PINs and has %d tries left", n.Refused, card.Tries())
	}
}
