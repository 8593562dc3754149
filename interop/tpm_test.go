package interop

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"testing"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
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
