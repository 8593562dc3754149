package interop

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// tpmConfig is a provider over a software TPM, for both services.
func tpmConfig(manager string, t tpm.TCTI) string {
	return fmt.Sprintf(`
[[provider]]
provider_type = "Tpm"
key_info_manager = %q
tcti = %q
owner_hierarchy_auth = ""
`, manager, t)
}

// attested is the secret that the recording's verifier sent.
const attested = "0123456789abcdef0123456789abcdef"

// makeCredential is a verifier: it encrypts a secret so that only the TPM that has both the
// endorsement key and the attested key can tell it.
func makeCredential(t *testing.T, prepared, secret []byte) *psapb.AttestKey_Params {
	t.Helper()
	m := &psapb.PrepareKeyAttestationResult{}
	if err := psa.Unmarshal(prepared, m); err != nil {
		t.Fatal(err)
	}
	out := m.GetOutput().GetActivateCredential()
	ek, err := x509.ParsePKCS1PublicKey(out.GetAttestingKeyPub())
	if err != nil {
		t.Fatal(err)
	}
	public := tpm2.RSAEKTemplate
	public.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgRSA, &tpm2.TPM2BPublicKeyRSA{Buffer: ek.N.Bytes()})
	key, err := tpm2.ImportEncapsulationKey(&public)
	if err != nil {
		t.Fatal(err)
	}
	blob, seed, err := tpm2.CreateCredential(rand.Reader, key, out.GetName(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return &psapb.AttestKey_Params{Mechanism: &psapb.AttestKey_Params_ActivateCredential_{
		ActivateCredential: &psapb.AttestKey_Params_ActivateCredential{CredentialBlob: blob, Secret: seed},
	}}
}

// attestation checks the answers of both attestation operations.
func attestation(t *testing.T, name string, body []byte) {
	t.Helper()
	if name == "tpm_attest_key_activate_credential" {
		m := &psapb.AttestKeyResult{}
		if err := psa.Unmarshal(body, m); err != nil {
			t.Fatal(err)
		}
		if got := m.GetOutput().GetActivateCredential().GetCredential(); string(got) != attested {
			t.Errorf("the TPM told %q", got)
		}
		return
	}
	m := &psapb.PrepareKeyAttestationResult{}
	if err := psa.Unmarshal(body, m); err != nil {
		t.Fatal(err)
	}
	out := m.GetOutput().GetActivateCredential()
	sum := sha256.Sum256(out.GetPublic())
	if !bytes.Equal(out.GetName(), append([]byte{0, 0x0b}, sum[:]...)) {
		t.Errorf("Name %x of %x", out.GetName(), out.GetPublic())
	}
	if k, err := x509.ParsePKCS1PublicKey(out.GetAttestingKeyPub()); err != nil || k.N.BitLen() != 2048 {
		t.Errorf("endorsement key: %v", err)
	}
	public, err := tpm2.Unmarshal[tpm2.TPMTPublic](out.GetPublic())
	if err != nil || !public.ObjectAttributes.FixedTPM || !public.ObjectAttributes.SensitiveDataOrigin {
		t.Errorf("public area %x: %v", out.GetPublic(), err)
	}
}

// TestTPMRecordedRows serves the TPM rows of testdata/parsec-kim.json. Their TPM is gone: on
// another one the agent does not start over their root key; without that row it tells their
// public halves, refuses to use them, and keeps the rows.
func TestTPMRecordedRows(t *testing.T) {
	if os.Getuid() != 0 {
		needRoot(t)
		t.Skip("the recorded keys belong to uid 0")
	}
	file := loadKIM(t)
	file.Keys = nil // their files are not wanted here
	config := func(dir string) string { return agentdtest.Config(dir) + tpmConfig("sqlite", tpmtest.Start(t).TCTI()) }

	dir := agentdtest.Dir(t)
	file.database(t, dir+"/kim.sqlite3")
	err := agentdtest.New(t, agentdtest.Options{Dir: dir, Config: config(dir)}).Try()
	if err == nil || !strings.Contains(err.Error(), "the keys belong to another TPM") {
		t.Errorf("start on another TPM: %v", err)
	}
	file.unchanged(t, original.Settings{Dir: dir})

	root := slices.IndexFunc(file.Other, func(r row) bool { return r.KeyName == "RootKeyTPM" })
	file.Other = slices.Delete(file.Other, root, root+1)
	dir = agentdtest.Dir(t)
	file.database(t, dir+"/kim.sqlite3")
	a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: config(dir)})
	s := socket.Session{Path: a.Socket, Provider: wire.ProviderTPM}
	for name, bits := range map[string]int{"tpmecc": 256, "tpmrsa": 1024} {
		public := &psapb.Output{}
		if err := s.Do(t.Context(), wire.OpExportPublicKey, &psapb.KeyRef{KeyName: name}, public); err != nil {
			t.Errorf("export %s: %v", name, err)
		}
		i := slices.IndexFunc(file.Other, func(r row) bool { return r.KeyName == name })
		if !recordedPublic(t, unhex(t, file.Other[i].KeyID), bits, public.GetOutput()) {
			t.Errorf("%s has the public half %x, which is not in its row", name, public.GetOutput())
		}
	}
	alg, err := psa.EncodeSignature(psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Do(t.Context(), wire.OpSignHash, &psapb.Sign{KeyName: "tpmecc", Alg: alg, Input: make([]byte, 32)}, nil)
	if wire.StatusOf(err) != wire.StatusDataCorrupt {
		t.Errorf("sign with a key of another TPM: %v", err)
	}
	a.Stop()
	file.Other = append(file.Other, row{}) // the new TPM's root key
	file.unchanged(t, original.Settings{Dir: dir})
}

// recordedPublic reports whether a public key is that of a recorded key id.
func recordedPublic(t *testing.T, id []byte, bits int, public []byte) bool {
	t.Helper()
	if bits == 256 {
		n := 32
		return len(public) == 1+2*n && bytes.Contains(id, public[1:1+n]) && bytes.Contains(id, public[1+n:])
	}
	k, err := x509.ParsePKCS1PublicKey(public)
	return err == nil && k.N.BitLen() == bits && bytes.Contains(id, k.N.Bytes())
}
