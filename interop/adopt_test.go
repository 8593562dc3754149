//go:build interop

package interop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

// adoption is a token with keys and a certificate that pkcs11-tool made, an agent that adopts
// them, and the real parsec-tool.
type adoption struct {
	*tool
	token  *tokentest.SoftHSM
	client *client.Client
	agent  *agentdtest.Agent
}

// newAdoption makes the keys id:01 (P-256, with a certificate) and id:02 (RSA-2048).
func newAdoption(t *testing.T, s original.Settings, tree *original.Tree) *adoption {
	t.Helper()
	h := tokentest.New(t)
	h.Move(filepath.Join(s.Dir, "softhsm"))
	h.Token("foreign")
	a := &adoption{tool: &tool{t: t, tree: tree, dir: s.Dir, used: map[string]bool{}}, token: h}
	a.pkcs11("--keypairgen", "--key-type", "EC:prime256v1", "--id", "01", "--label", "web server")
	a.pkcs11("--keypairgen", "--key-type", "rsa:2048", "--id", "02", "--label", "legacy")
	certificate := a.certify(a.public("01"))
	a.pkcs11("--write-object", a.file("cert.der", certificate), "--type", "cert", "--id", "01", "--label", "web server")
	a.agent = agentdtest.Start(t, agentdtest.Options{Dir: s.Dir, Config: s.Config(), Env: pkcs11Env(t, h)})
	a.connect()
	return a
}

func (a *adoption) connect() {
	a.t.Helper()
	var err error
	if a.client, err = client.Dial(a.t.Context(), client.Options{Endpoint: a.agent.Socket}); err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { _ = a.client.Close() })
	a.client = a.client.WithProvider(wire.ProviderPKCS11)
}

// pkcs11 runs pkcs11-tool, logged in.
func (a *adoption) pkcs11(args ...string) string {
	a.t.Helper()
	return a.token.Tool(append([]string{"--login", "--pin", tokentest.PIN}, args...)...)
}

// public reads a public key from the token, as SubjectPublicKeyInfo.
func (a *adoption) public(id string) []byte {
	a.t.Helper()
	path := filepath.Join(a.dir, "public-"+id)
	a.pkcs11("--read-object", "--type", "pubkey", "--id", id, "--output-file", path)
	der, err := os.ReadFile(path)
	if err != nil {
		a.t.Fatal(err)
	}
	return der
}

// certify makes a certificate for a public key, signed by an authority of the test's own.
func (a *adoption) certify(spki []byte) []byte {
	a.t.Helper()
	public, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		a.t.Fatal(err)
	}
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "provisioned elsewhere"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, authority)
	if err != nil {
		a.t.Fatal(err)
	}
	return der
}

// state stands for every byte of every object on the token. SoftHSM2 has a file for each, and
// one for the token itself, which every login changes.
func (a *adoption) state() string {
	a.t.Helper()
	var out strings.Builder
	root := filepath.Join(a.dir, "softhsm", "tokens")
	objects := 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".object") || e.Name() == "token.object" {
			return err
		}
		objects++
		b, err := os.ReadFile(path)
		fmt.Fprintf(&out, "%s %x\n", strings.TrimPrefix(path, root), sha256.Sum256(b))
		return err
	})
	if err != nil || objects < 5 { // two pairs and a certificate
		a.t.Fatalf("%d objects: %v", objects, err)
	}
	return out.String()
}

// same fails if the token is not as it was.
func (a *adoption) same(what, before string) {
	a.t.Helper()
	if after := a.state(); after != before {
		a.t.Errorf("%s: the token is\n%s\nand was\n%s", what, after, before)
	}
}

// unnamed lists the locators of what has no name, with the certificates.
func (a *adoption) unnamed() map[string]client.Unnamed {
	a.t.Helper()
	found, failures, err := a.client.ListUnnamed(a.t.Context())
	if err != nil || len(failures) > 0 {
		a.t.Fatalf("the list: %v, %v", failures, err)
	}
	all := map[string]client.Unnamed{}
	for _, u := range found {
		all[u.Locator] = u
	}
	return all
}

func (a *adoption) adopt(name, locator string) client.KeyInfo {
	a.t.Helper()
	k, err := a.client.AdoptKey(a.t.Context(), psa.KeyName(name), client.Adoption{Locator: locator})
	if err != nil {
		a.t.Fatalf("adopt %s: %v", locator, err)
	}
	return k
}

// use signs and makes a request with the real parsec-tool, and has openssl verify both.
func (a *adoption) use(key, id, algorithm string) {
	a.t.Helper()
	a.useWith(key, a.public(id), algorithm)
}

// useWith is use for the key of a SubjectPublicKeyInfo.
func (u *tool) useWith(key string, spki []byte, algorithm string) {
	u.t.Helper()
	public := u.file("adopted.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
	const text = "what is signed"
	sig := u.file("sig", u.decode(u.must("-p", "2", "sign", "-k", key, text)))
	u.wants(u.openssl("dgst", "-sha256", "-verify", public, "-signature", sig, u.file("message", []byte(text))), "Verified OK")
	csr := u.must("-p", "2", "create-csr", "-k", key, "--cn", "adopted.example", "--san", "www.adopted.example")
	u.wants(u.openssl("req", "-in", u.file("csr", []byte(csr)), "-verify", "-noout", "-text"), "verify OK", "CN=adopted.example",
		"DNS:www.adopted.example", algorithm)
	block, _ := pem.Decode([]byte(csr))
	if block == nil {
		u.t.Fatalf("no PEM: %s", csr)
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || !bytes.Equal(request.RawSubjectPublicKeyInfo, spki) {
		u.t.Errorf("the request is not for the adopted key: %v", err)
	}
}

// TestAdoptedKeysWithTheOriginalsTool is the best-known complaint, cured: a key and certificate
// made by another program are seen, get a name, and are used by the original's own tool. No byte
// of any object on the token changes, not when the name is deleted either.
func TestAdoptedKeysWithTheOriginalsTool(t *testing.T) {
	tree := openTree(t)
	for _, manager := range []string{"SQLite", "OnDisk"} {
		t.Run(manager, func(t *testing.T) {
			dir := sharedDir(t, tree, 0)
			s := original.Settings{Dir: dir, Manager: manager, More: pkcs11Table("manager")}
			a := newAdoption(t, s, tree)
			before := a.state()
			list := a.unnamed()
			web := list["id:01"]
			if len(list) != 2 || web.Label != "web server" || web.Problem != "" || !strings.Contains(string(web.Certificate), "provisioned elsewhere") {
				t.Fatalf("without a name: %+v", list)
			}
			if k := a.adopt("web/tls", "id:01"); !bytes.Equal(k.Certificate, web.Certificate) {
				t.Error("the adopted key has lost its certificate")
			}
			a.adopt("legacy", "id:02")
			a.wants(a.must("list-keys"), "* web/tls (PKCS #11 provider, EccKeyPair { curve_family: SecpR1 }, 256 bits",
				"* legacy (PKCS #11 provider, RsaKeyPair, 2048 bits")
			a.use("web/tls", "01", "ecdsa-with-SHA256")
			a.use("legacy", "02", "sha256WithRSAEncryption")
			a.same("after use", before)
			if left := a.unnamed(); len(left) > 0 {
				t.Errorf("adopted keys have no name: %v", left)
			}

			// The original's tool deletes a name, and another start of the agent knows the other.
			a.must("-p", "2", "delete-key", "-k", "legacy")
			if _, err := a.run("-p", "2", "sign", "-k", "legacy", "text"); err == nil {
				t.Error("a name that was deleted signs")
			}
			a.same("after deleting a name", before)
			if left := a.unnamed(); len(left) != 1 || left["id:02"].Problem != "" {
				t.Errorf("without a name: %v", left)
			}
			a.agent.Stop()
			a.agent.Start()
			a.use("web/tls", "01", "ecdsa-with-SHA256")
			a.adopt("again", "id:02")
			a.use("again", "02", "sha256WithRSAEncryption")
			a.must("delete-client", "-c", "0")
			a.same("after deleting the client", before)

			// Only when it is said is the key removed.
			a.adopt("gone", "id:02")
			removed, err := a.client.DestroyAdopted(t.Context(), "gone")
			if err != nil || fmt.Sprint(removed) != "[private key id:02 public key id:02/label:legacy]" {
				t.Errorf("removed %q: %v", removed, err)
			}
			if text := a.pkcs11("--list-objects"); strings.Contains(text, "legacy") || strings.Count(text, "web server") != 3 {
				t.Errorf("the token has\n%s", text)
			}
		})
	}
}

// TestOriginalIgnoresAdoptedKeys: the original starts on a state with adopted keys, shows its
// own keys only, deletes nothing, and the adopted key works when our agent is back.
func TestOriginalIgnoresAdoptedKeys(t *testing.T) {
	tree := openTree(t)
	if err := tree.Need(t.Context(), tokentest.Library, "softhsm2"); err != nil {
		t.Fatal(err)
	}
	for _, manager := range []string{"SQLite", "OnDisk"} {
		t.Run(manager, func(t *testing.T) {
			dir := sharedDir(t, tree, 0)
			s := original.Settings{Dir: dir, Manager: manager, IdleSleep: 1, More: pkcs11Table("manager")}
			a := newAdoption(t, s, tree)
			s.Env = []string{"SOFTHSM2_CONF=" + a.token.Config}
			a.must("-p", "2", "create-ecc-key", "-k", "common")
			before := a.state()
			a.adopt("web/tls", "id:01")
			a.agent.Stop()

			p, err := tree.Start(t.Context(), s, 0, nil)
			if err != nil {
				t.Fatal(err)
			}
			if out := a.must("list-keys"); !strings.Contains(out, "* common") || strings.Contains(out, "web/tls") {
				t.Errorf("the original lists\n%s", out)
			}
			a.must("-p", "2", "sign", "-k", "common", "text")
			if err := p.Stop(); err != nil {
				t.Errorf("the original: %v", err)
			}
			a.same("after the original", before)
			a.agent.Start()
			a.use("web/tls", "01", "ecdsa-with-SHA256")
			a.wants(a.must("list-keys"), "* common", "* web/tls")
		})
	}
}
