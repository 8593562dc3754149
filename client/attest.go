package client

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// AttestationSubject is what a verifier needs to make a credential challenge for a key,
// as a TPM returns it.
type AttestationSubject struct {
	Name, Public, AttestingKeyPublic []byte
}

// PrepareKeyAttestation returns what a verifier needs to challenge a key. An empty
// attesting key is the provider's own.
func (c *Client) PrepareKeyAttestation(ctx context.Context, attested, attesting psa.KeyName) (AttestationSubject, error) {
	q, err := c.crypto(ctx, wire.OpPrepareKeyAttestation, keyObject(attested))
	if err != nil {
		return AttestationSubject{}, err
	}
	q.in = &psapb.PrepareKeyAttestation{Parameters: &psapb.PrepareKeyAttestation_Params{
		Mechanism: &psapb.PrepareKeyAttestation_Params_ActivateCredential_{
			ActivateCredential: &psapb.PrepareKeyAttestation_Params_ActivateCredential{
				AttestedKeyName: string(attested), AttestingKeyName: string(attesting),
			},
		},
	}}
	var m psapb.PrepareKeyAttestationResult
	err = c.do(ctx, q, &m)
	out := m.GetOutput().GetActivateCredential()
	return AttestationSubject{Name: out.GetName(), Public: out.GetPublic(), AttestingKeyPublic: out.GetAttestingKeyPub()}, err
}

// AttestKey answers a credential challenge: it returns the credential that only the
// device that holds both keys can uncover.
func (c *Client) AttestKey(ctx context.Context, attested, attesting psa.KeyName, credentialBlob, secret []byte) ([]byte, error) {
	q, err := c.crypto(ctx, wire.OpAttestKey, keyObject(attested))
	if err != nil {
		return nil, err
	}
	q.in = &psapb.AttestKey{
		AttestedKeyName: string(attested), AttestingKeyName: string(attesting),
		Parameters: &psapb.AttestKey_Params{Mechanism: &psapb.AttestKey_Params_ActivateCredential_{
			ActivateCredential: &psapb.AttestKey_Params_ActivateCredential{CredentialBlob: credentialBlob, Secret: secret},
		}},
	}
	var m psapb.AttestKeyResult
	err = c.do(ctx, q, &m)
	return m.GetOutput().GetActivateCredential().GetCredential(), err
}
