package requesttest

import (
	"crypto/rand"
	"crypto/x509"

	"github.com/google/go-tpm/tpm2"
	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
)

// learnAttestation takes the answer of PrepareKeyAttestation.
func (k *Key) learnAttestation(result []byte) {
	m := &psapb.PrepareKeyAttestationResult{}
	if k.Shared && psa.Unmarshal(result, m) == nil {
		k.attestable = m.GetOutput().GetActivateCredential()
	}
}

// prepare draws a request of PrepareKeyAttestation.
func (s *Source) prepare(uid uint32) proto.Message {
	in := &psapb.PrepareKeyAttestation_Params_ActivateCredential{AttestedKeyName: string(s.someKey(uid).Name)}
	if chance(s.r, 8) {
		in.AttestingKeyName = string(s.someKey(uid).Name)
	}
	if chance(s.r, 5) {
		return &psapb.PrepareKeyAttestation{}
	}
	return &psapb.PrepareKeyAttestation{Parameters: &psapb.PrepareKeyAttestation_Params{
		Mechanism: &psapb.PrepareKeyAttestation_Params_ActivateCredential_{ActivateCredential: in},
	}}
}

// attest draws a request of AttestKey, with a credential that was made for the key where
// that is known.
func (s *Source) attest(uid uint32) proto.Message {
	k := s.known(uid, func(k *Key) bool { return k.attestable != nil })
	if k == nil || chance(s.r, 20) {
		k = s.someKey(uid)
	}
	m := &psapb.AttestKey_Params_ActivateCredential{CredentialBlob: randomBytes(s.r, pick(s.r, 0, 1, 50)), Secret: randomBytes(s.r, pick(s.r, 0, 1, 256))}
	if k.attestable != nil && chance(s.r, 90) {
		m.CredentialBlob, m.Secret = s.credential(k.attestable)
	}
	return &psapb.AttestKey{AttestedKeyName: string(k.Name), Parameters: &psapb.AttestKey_Params{
		Mechanism: &psapb.AttestKey_Params_ActivateCredential_{ActivateCredential: m},
	}}
}

// credential makes a credential as a verifier does, and spoils it in some cases.
func (s *Source) credential(a *psapb.PrepareKeyAttestationResult_Output_ActivateCredential) (blob, seed []byte) {
	ek, err := x509.ParsePKCS1PublicKey(a.GetAttestingKeyPub())
	if err != nil {
		return nil, nil
	}
	public := tpm2.RSAEKTemplate
	public.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgRSA, &tpm2.TPM2BPublicKeyRSA{Buffer: ek.N.Bytes()})
	key, err := tpm2.ImportEncapsulationKey(&public)
	if err != nil {
		return nil, nil
	}
	// What is random here does not change which requests follow.
	blob, seed, err = tpm2.CreateCredential(rand.Reader, key, a.GetName(), randomBytes(s.r, pick(s.r, 1, 16, 32)))
	if err != nil {
		return nil, nil
	}
	switch s.r.IntN(10) {
	case 0:
		blob[s.r.IntN(len(blob))] ^= 1 << s.r.IntN(8)
	case 1:
		seed[s.r.IntN(len(seed))] ^= 1 << s.r.IntN(8)
	case 2:
		blob = blob[:s.r.IntN(len(blob))]
	case 3:
		seed = seed[:s.r.IntN(len(seed))]
	}
	return blob, seed
}
