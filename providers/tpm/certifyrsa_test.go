package tpm_test

import (
	"errors"
	"testing"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/providers/tpm/attestation"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// TestRSAAttestationKey lets the attestation key of TPMs without P-256 certify.
func TestRSAAttestationKey(t *testing.T) {
	conn, err := tpmtest.Start(t).Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw := tpmtest.Raw(conn)
	primary := func(template tpm2.TPMTPublic) (tpm2.AuthHandle, []byte) {
		rsp, err := tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHEndorsement, InPublic: tpm2.New2B(template)}.Execute(raw)
		if err != nil {
			t.Fatal(err)
		}
		return tpm2.AuthHandle{Handle: rsp.ObjectHandle, Name: rsp.Name, Auth: tpm2.PasswordAuth(nil)}, rsp.OutPublic.Bytes()
	}
	signing := attestation.ECCTemplate()
	signing.ObjectAttributes.Restricted = false
	s := &attestation.Statement{KeyName: "k", AgentVersion: "1"}
	var key, ak tpm2.AuthHandle
	key, s.Key = primary(signing)
	ak, s.AttestationKey = primary(attestation.RSATemplate())
	_, s.EndorsementKey = primary(tpm2.ECCEKTemplate)
	certify := tpm2.Certify{
		ObjectHandle: key, SignHandle: ak, QualifyingData: tpm2.TPM2BData{Buffer: s.QualifyingData()},
		InScheme: tpm2.TPMTSigScheme{Scheme: tpm2.TPMAlgNull},
	}
	rsp, err := certify.Execute(raw)
	for n := 0; errors.Is(err, tpm2.TPMRCRetry) && n < 100; n++ {
		rsp, err = certify.Execute(raw)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Attest, s.Signature = rsp.CertifyInfo.Bytes(), tpm2.Marshal(rsp.Signature)
	states := map[string]attestation.State{}
	for _, c := range attestation.Verify(encoded(t, s), attestation.Options{}).Checks {
		states[c.What] = c.State
	}
	for what, want := range map[string]attestation.State{
		"attestation key": attestation.Proven, "signature": attestation.Proven, "certification": attestation.Proven, "key": attestation.Proven,
		"endorsement certificate": attestation.Wrong, "endorsement key": attestation.Wrong, "residence": attestation.Unproven,
	} {
		if states[what] != want {
			t.Errorf("%s: %q, want %q", what, states[what], want)
		}
	}
	s.Signature[len(s.Signature)-1] ^= 1
	refuse(t, encoded(t, s), attestation.Options{}, "has none")
}
