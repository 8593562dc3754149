package agentd

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// noAttestingKey refuses an attesting key: the endorsement key is the only one.
func noAttestingKey(name string) error {
	if name == "" {
		return nil
	}
	return wire.Errorf(wire.StatusNotSupported, "the attesting key cannot be chosen")
}

func errNoMechanism() error {
	return wire.Errorf(wire.StatusInvalidEncoding, "the attestation mechanism is missing")
}

func decodeAttestKey(r *request) (action, error) {
	m := &psapb.AttestKey{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	r.about(m.GetAttestedKeyName())
	params := m.GetParameters().GetActivateCredential()
	if params == nil {
		return nil, errNoMechanism()
	}
	return withKey(func(ctx context.Context, p providers.Attester, k providers.Key) ([]byte, error) {
		if err := noAttestingKey(m.GetAttestingKeyName()); err != nil {
			return nil, err
		}
		secret, err := p.AttestKey(ctx, k, providers.Credential{Blob: params.GetCredentialBlob(), Secret: params.GetSecret()})
		if err != nil {
			return nil, err
		}
		defer clear(secret)
		return psa.Marshal(&psapb.AttestKeyResult{Output: &psapb.AttestKeyResult_Output{
			Mechanism: &psapb.AttestKeyResult_Output_ActivateCredential_{
				ActivateCredential: &psapb.AttestKeyResult_Output_ActivateCredential{Credential: secret},
			},
		}})
	}), nil
}

func decodePrepareKeyAttestation(r *request) (action, error) {
	m := &psapb.PrepareKeyAttestation{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	params := m.GetParameters().GetActivateCredential()
	r.about(params.GetAttestedKeyName())
	if params == nil {
		return nil, errNoMechanism()
	}
	return withKey(func(ctx context.Context, p providers.Attester, k providers.Key) ([]byte, error) {
		if err := noAttestingKey(params.GetAttestingKeyName()); err != nil {
			return nil, err
		}
		a, err := p.PrepareKeyAttestation(ctx, k)
		if err != nil {
			return nil, err
		}
		return psa.Marshal(&psapb.PrepareKeyAttestationResult{Output: &psapb.PrepareKeyAttestationResult_Output{
			Mechanism: &psapb.PrepareKeyAttestationResult_Output_ActivateCredential_{
				ActivateCredential: &psapb.PrepareKeyAttestationResult_Output_ActivateCredential{
					Name: a.Name, Public: a.Public, AttestingKeyPub: a.AttestingKey,
				},
			},
		}})
	}), nil
}
