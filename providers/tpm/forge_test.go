package tpm_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/providers/tpm/attestation"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// forge makes what a TPM would, with a key in software.
func forge(t *testing.T, ak *ecdsa.PrivateKey, s *attestation.Statement) (attest, signature []byte) {
	t.Helper()
	name := func(area []byte) []byte {
		sum := sha256.Sum256(area)
		return append([]byte{0, 11}, sum[:]...)
	}
	qualified := sha256.Sum256(append(binary.BigEndian.AppendUint32(nil, uint32(tpm2.TPMRHEndorsement)), name(s.AttestationKey)...))
	attest = tpm2.Marshal(tpm2.TPMSAttest{
		Magic: 0xff544347, Type: tpm2.TPMSTAttestCertify, QualifiedSigner: tpm2.TPM2BName{Buffer: append([]byte{0, 11}, qualified[:]...)},
		ExtraData: tpm2.TPM2BData{Buffer: s.QualifyingData()},
		Attested: tpm2.NewTPMUAttest(tpm2.TPMSTAttestCertify, &tpm2.TPMSCertifyInfo{
			Name: tpm2.TPM2BName{Buffer: name(s.Key)}, QualifiedName: tpm2.TPM2BName{Buffer: name(s.Key)},
		}),
	})
	sum := sha256.Sum256(attest)
	r, v, err := ecdsa.Sign(rand.Reader, ak, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return attest, tpm2.Marshal(tpm2.TPMTSignature{SigAlg: tpm2.TPMAlgECDSA, Signature: tpm2.NewTPMUSignature(tpm2.TPMAlgECDSA, &tpm2.TPMSSignatureECC{
		Hash: tpm2.TPMAlgSHA256, SignatureR: tpm2.TPM2BECCParameter{Buffer: r.Bytes()}, SignatureS: tpm2.TPM2BECCParameter{Buffer: v.Bytes()},
	})})
}

// public shows that a TPM certifies no object whose public part alone was loaded, which is
// what the judgement of attributes rests on.
func public(t *testing.T, v *tpmtest.TPM, area []byte) {
	t.Helper()
	conn, err := v.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw := tpmtest.Raw(conn)
	loaded, err := tpm2.LoadExternal{InPublic: tpm2.BytesAs2B[tpm2.TPMTPublic](area), Hierarchy: tpm2.TPMRHEndorsement}.Execute(raw)
	if err != nil {
		t.Logf("the TPM does not even load it: %v", err)
		return
	}
	ak, err := tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHEndorsement, InPublic: tpm2.New2B(attestation.ECCTemplate())}.Execute(raw)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tpm2.Certify{
		ObjectHandle: tpm2.AuthHandle{Handle: loaded.ObjectHandle, Name: loaded.Name, Auth: tpm2.PasswordAuth(nil)},
		SignHandle:   tpm2.AuthHandle{Handle: ak.ObjectHandle, Name: ak.Name, Auth: tpm2.PasswordAuth(nil)},
		InScheme:     tpm2.TPMTSigScheme{Scheme: tpm2.TPMAlgNull},
	}.Execute(raw)
	if err == nil {
		t.Error("the TPM certifies a key of which it has the public half only")
	}
	t.Logf("refused: %v", err)
}
