package tpm

import (
	"context"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/attestation"
)

// attestationTemplate is the attestation key that this TPM can make.
func (c *call) attestationTemplate() tpm2.TPMTPublic {
	if c.can.curves[tpm2.TPMECCNistP256] && c.can.algorithms[tpm2.TPMAlgECDSA] {
		return attestation.ECCTemplate()
	}
	return attestation.RSATemplate()
}

// CertifyKey lets the TPM's attestation key state what the key is.
func (p *Provider) CertifyKey(ctx context.Context, key providers.Key, r providers.CertifyRequest) ([]byte, error) {
	if err := attestable(key); err != nil {
		return nil, err
	}
	switch {
	case len(r.Nonce) > attestation.MaxNonce:
		return nil, wire.Errorf(wire.StatusInvalidArgument, "a nonce has at most %d bytes, not %d", attestation.MaxNonce, len(r.Nonce))
	case len(r.Name) > attestation.MaxKeyName:
		return nil, wire.Errorf(wire.StatusNotSupported, "a statement has room for names of %d bytes, not %d", attestation.MaxKeyName, len(r.Name))
	}
	s := &attestation.Statement{Nonce: r.Nonce, KeyName: r.Name, AgentVersion: r.AgentVersion}
	err := p.do(ctx, func(c *call) error {
		c.cache.clear(c)
		who, err := p.introduce(c)
		if err != nil {
			return err
		}
		ak, err := p.primaryOf(c, c.attestationTemplate())
		if err != nil {
			return err
		}
		defer c.flush(ak.handle)
		l, err := c.load(key)
		if err != nil {
			return err
		}
		s.EndorsementKey, s.Certificates = who.public, who.certificates
		s.AttestationKey, s.Key = tpm2.Marshal(*ak.public), tpm2.Marshal(*l.public)
		return c.certify(l, ak, s)
	})
	if err != nil {
		return nil, err
	}
	b, err := s.Encode()
	if err != nil {
		return nil, wire.Errorf(wire.StatusNotSupported, "the TPM's statement has no room in the format: %w", err)
	}
	return b, nil
}

// identity is who the TPM is: its endorsement key with the certificates of it.
type identity struct {
	template     tpm2.TPMTPublic
	public       []byte
	certificates [][]byte
}

// introduce returns the identity. It is kept as long as the connection, for making an RSA
// key takes a TPM seconds.
func (p *Provider) introduce(c *call) (*identity, error) {
	if c.identity != nil {
		return c.identity, nil
	}
	template, certificates, err := c.endorsement()
	if err != nil {
		return nil, err
	}
	ek, err := p.primaryOf(c, template)
	if err != nil {
		return nil, err
	}
	c.flush(ek.handle) // it takes one of the few places
	c.identity = &identity{template, tpm2.Marshal(*ek.public), certificates}
	return c.identity, nil
}

// certify lets the attestation key sign the key's Name. Both objects authorize it; the
// attestation key's authorisation value is empty, and the session of the other covers all.
func (c *call) certify(l loaded, ak endorsement, s *attestation.Statement) error {
	rsp, err := run(c, command[tpm2.CertifyResponse](tpm2.Certify{
		ObjectHandle: l.authorized(c, encryptNone), SignHandle: authorized(ak.handle, ak.name, tpm2.PasswordAuth(nil)),
		QualifyingData: tpm2.TPM2BData{Buffer: s.QualifyingData()}, InScheme: tpm2.TPMTSigScheme{Scheme: tpm2.TPMAlgNull},
	}))
	if err != nil {
		return err
	}
	s.Attest, s.Signature = rsp.CertifyInfo.Bytes(), tpm2.Marshal(rsp.Signature)
	return nil
}

// AnswerChallenge shows that the attestation key lies beside the endorsement key.
func (p *Provider) AnswerChallenge(ctx context.Context, challenge []byte) ([]byte, error) {
	ch, err := attestation.DecodeChallenge(challenge)
	if err != nil {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "%w", err)
	}
	answer := &attestation.Answer{ID: ch.ID}
	err = p.do(ctx, func(c *call) error {
		c.cache.clear(c)
		template, _, err := c.endorsement()
		if err != nil {
			return err
		}
		ek, err := p.primaryOf(c, template)
		if err != nil {
			return err
		}
		defer c.flush(ek.handle)
		ak, err := p.primaryOf(c, c.attestationTemplate())
		if err != nil {
			return err
		}
		defer c.flush(ak.handle)
		answer.Secret, err = p.activate(c, object{handle: ak.handle, name: ak.name}, nil, ek,
			providers.Credential{Blob: ch.Credential, Secret: ch.Secret})
		return err
	})
	if err != nil {
		return nil, err
	}
	defer clear(answer.Secret)
	return answer.Encode(), nil
}
