package interop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

// pkcs11Table is the table of a PKCS#11 provider over SoftHSM2.
func pkcs11Table(manager string) string {
	return fmt.Sprintf(`
[[provider]]
provider_type = "Pkcs11"
key_info_manager = %q
library_path = %q
user_pin = "str:%s"
`, manager, tokentest.Library, tokentest.PIN)
}

// pkcs11Env is what an agent needs for it.
func pkcs11Env(t *testing.T, h *tokentest.SoftHSM) []string {
	t.Helper()
	return []string{"SOFTHSM2_CONF=" + h.Config, pkcs11.HelperVariable + "=" + tokentest.Helper(t)}
}

// startWithToken starts an agent with a software provider and a SoftHSM2 token.
func startWithToken(t *testing.T, dir string) *agentdtest.Agent {
	t.Helper()
	h := tokentest.New(t)
	h.Token("interop")
	return agentdtest.Start(t, agentdtest.Options{
		Dir: dir, Config: agentdtest.Config(dir) + pkcs11Table("sqlite"), Env: pkcs11Env(t, h),
	})
}

// pkcs11Intended are the exchanges that a row of Differences makes different.
var pkcs11Intended = map[string]struct {
	row    string
	status wire.Status
}{
	"list_opcodes_pkcs11":                 {"pkcs11-opcodes", wire.StatusSuccess},
	"pkcs11_rsa_pss_sign_not_supported":   {"pkcs11-pss", wire.StatusSuccess},
	"pkcs11_import_private_not_supported": {"pkcs11-import-private", wire.StatusSuccess},
}

// TestPKCS11Vectors replays the recorded exchanges with the PKCS#11 provider.
func TestPKCS11Vectors(t *testing.T) {
	if os.Getuid() != 0 {
		needRoot(t)
		t.Skip("asking as another user takes root")
	}
	a := startWithToken(t, agentdtest.Dir(t))
	r := &replay{t: t, socket: a.Socket, bodies: map[string][]byte{}}
	played, different := 0, 0
	for _, v := range vectors(t) {
		if v.Group != "pkcs11" && v.Name != "list_opcodes_pkcs11" {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			played++
			if r.playPKCS11(t, v) {
				different++
			}
		})
	}
	if played != 15 || different != len(pkcs11Intended) {
		t.Errorf("%d exchanges, %d different on purpose", played, different)
	}
	for name, d := range pkcs11Intended {
		if row, ok := Lookup(d.row); !ok || !strings.Contains(fmt.Sprint(row.Shown), name) {
			t.Errorf("row %q of Differences does not name the exchange %s", d.row, name)
		}
	}
}

// playPKCS11 makes one exchange and says whether it is different on purpose.
func (r *replay) playPKCS11(t *testing.T, v vector) bool {
	frame := r.request(t, v)
	if v.Name == "pkcs11_verify_hash" {
		m := &psapb.Verify{}
		frame = r.rebuild(t, frame, m, func() { m.Signature = r.output(t, "pkcs11_sign_hash") })
	}
	raw, err := socket.Raw(t.Context(), r.socket, v.ClientUID, frame, v.HalfClose)
	got := socket.Parse(raw, err)
	if got.Err != nil {
		t.Fatal(got)
	}
	r.bodies[v.Name] = got.Body
	if d, ok := pkcs11Intended[v.Name]; ok {
		if got.Status != d.status {
			t.Errorf("status %v, want %v as row %s says", got.Status, d.status, d.row)
		}
		return true
	}
	want := socket.Parse(unhex(t, v.Response), nil)
	switch v.Compare {
	case "verify_signature":
		s := socket.Session{Path: r.socket, UID: v.ClientUID, Provider: wire.ProviderPKCS11}
		checkP256(t, s, "p11", sha256OfVector(t, frame), output(t, got.Body))
	case "status":
		if got.Status != want.Status {
			t.Errorf("status %v, want %v", got.Status, want.Status)
		}
	default:
		r.compare(t, v, want, got)
	}
	return false
}

// sha256OfVector returns the hash that a SignHash request has.
func sha256OfVector(t *testing.T, frame []byte) []byte {
	t.Helper()
	q, err := wire.NewReader(bytes.NewReader(frame), wire.DefaultBodyLimit).ReadRequest()
	if err != nil {
		t.Fatal(err)
	}
	in := &psapb.Sign{}
	if err := psa.Unmarshal(q.Body, in); err != nil {
		t.Fatal(err)
	}
	return in.GetInput()
}

// checkP256 verifies a signature with the standard library and the public half that the
// service exports.
func checkP256(t *testing.T, s socket.Session, name string, hash, sig []byte) {
	t.Helper()
	public := &psapb.Output{}
	if err := s.Do(t.Context(), wire.OpExportPublicKey, &psapb.KeyRef{KeyName: name}, public); err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), public.GetOutput())
	if err != nil {
		t.Fatal(err)
	}
	if len(sig) != 64 || !ecdsa.Verify(key, hash, new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		t.Errorf("the signature %x of %s is wrong", sig, name)
	}
}

// TestPKCS11RecordedRow uses the row p11ecc of testdata/parsec-kim.json: a key under its
// CKA_ID, made by another program, is served, and when it is gone the row stays.
func TestPKCS11RecordedRow(t *testing.T) {
	if os.Getuid() != 0 {
		needRoot(t)
		t.Skip("the recorded key belongs to uid 0")
	}
	dir := agentdtest.Dir(t)
	file := loadKIM(t)
	file.Keys = nil // their files are not wanted here
	file.database(t, dir+"/kim.sqlite3")
	h := tokentest.New(t)
	h.Token("interop")
	h.Tool("--login", "--pin", tokentest.PIN, "--token-label", "interop", "--keypairgen", "--key-type", "EC:prime256v1", "--id", "d405a1b1")
	a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: agentdtest.Config(dir) + pkcs11Table("sqlite"), Env: pkcs11Env(t, h)})
	s := socket.Session{Path: a.Socket, Provider: wire.ProviderPKCS11}
	alg, err := psa.EncodeSignature(psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256})
	if err != nil {
		t.Fatal(err)
	}
	hash := bytes.Repeat([]byte{7}, 32)
	sign := func() ([]byte, error) {
		out := &psapb.Output{}
		err := s.Do(t.Context(), wire.OpSignHash, &psapb.Sign{KeyName: "p11ecc", Alg: alg, Input: hash}, out)
		return out.GetOutput(), err
	}
	sig, err := sign()
	if err != nil {
		t.Fatal(err)
	}
	checkP256(t, s, "p11ecc", hash, sig)

	a.Stop()
	h.Tool("--login", "--pin", tokentest.PIN, "--token-label", "interop", "--delete-object", "--type", "privkey", "--id", "d405a1b1")
	h.Tool("--login", "--pin", tokentest.PIN, "--token-label", "interop", "--delete-object", "--type", "pubkey", "--id", "d405a1b1")
	a.Start()
	if _, err := sign(); wire.StatusOf(err) != wire.StatusDoesNotExist {
		t.Errorf("a key whose object is gone: %v", err)
	}
	list := &psapb.ListKeysResult{}
	if err := s.Do(t.Context(), wire.OpListKeys, nil, list); err != nil || !strings.Contains(fmt.Sprint(list.GetKeys()), "p11ecc") {
		t.Errorf("the row of a key whose object is gone is not kept: %v, %v", list.GetKeys(), err)
	}
}
