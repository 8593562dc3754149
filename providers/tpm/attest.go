package tpm

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"math/big"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// endorsement is the endorsement key, made anew for every use as the original does: it
// takes one of the few places for objects.
type endorsement struct {
	handle tpm2.TPMHandle
	name   []byte
	public *tpm2.TPMTPublic
}

// primaryOf makes a primary key of the endorsement hierarchy. The caller flushes it.
func (p *Provider) primaryOf(c *call, template tpm2.TPMTPublic) (endorsement, error) {
	rsp, err := p.inHierarchy(c, tpm2.TPMRHEndorsement, p.options.EndorsementAuth, func(s *session) (*tpm2.CreatePrimaryResponse, error) {
		return run(c, command[tpm2.CreatePrimaryResponse](tpm2.CreatePrimary{
			PrimaryHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHEndorsement, Auth: s}, InPublic: tpm2.New2B(template),
		}))
	})
	if err != nil {
		return endorsement{}, hierarchyRefusal(err)
	}
	e := endorsement{handle: rsp.ObjectHandle}
	if e.public, err = rsp.OutPublic.Contents(); err == nil {
		e.name, err = nameOf(e.public)
	}
	if err != nil {
		c.flush(rsp.ObjectHandle)
		return endorsement{}, wire.Errorf(wire.StatusCommunicationFailure, "TPM2_CreatePrimary: %w", err)
	}
	return e, nil
}

// attestable refuses keys that are not in the TPM.
func attestable(key providers.Key) error {
	if key.Attributes.Type.Public() {
		return wire.Errorf(wire.StatusInvalidArgument, "a public key is not in the TPM and cannot be attested")
	}
	return nil
}

// withEndorsement calls f with the default RSA-2048 endorsement key, and with both it and
// the attested key loaded.
func (p *Provider) withEndorsement(ctx context.Context, key providers.Key, f func(*call, loaded, endorsement) error) error {
	if err := attestable(key); err != nil {
		return err
	}
	return p.do(ctx, func(c *call) error {
		c.cache.clear(c)
		ek, err := p.primaryOf(c, tpm2.RSAEKTemplate)
		if err != nil {
			return err
		}
		defer c.flush(ek.handle)
		l, err := c.load(key)
		if err != nil {
			return err
		}
		return f(c, l, ek)
	})
}

// hierarchyRefusal gives a wrong authorisation of the endorsement hierarchy the status that
// the original gives it: it is no matter of the caller's permission.
func hierarchyRefusal(err error) error {
	return as(wire.StatusGenericError, err, tpm2.TPMRCBadAuth, tpm2.TPMRCAuthFail)
}

// PrepareKeyAttestation returns the key's Name and public area, and the public half of the
// endorsement key to which a credential is to be encrypted.
func (p *Provider) PrepareKeyAttestation(ctx context.Context, key providers.Key) (providers.Attestable, error) {
	var a providers.Attestable
	err := p.withEndorsement(ctx, key, func(_ *call, l loaded, ek endorsement) error {
		modulus, err := ek.public.Unique.RSA()
		if err != nil {
			return wire.Errorf(wire.StatusCommunicationFailure, "the endorsement key is no RSA key: %w", err)
		}
		a = providers.Attestable{
			Name: l.name, Public: tpm2.Marshal(*l.public),
			AttestingKey: x509.MarshalPKCS1PublicKey(&rsa.PublicKey{N: new(big.Int).SetBytes(modulus.Buffer), E: exponent}),
		}
		return nil
	})
	return a, err
}

// AttestKey returns the secret in a credential that was made for this key and this TPM.
func (p *Provider) AttestKey(ctx context.Context, key providers.Key, credential providers.Credential) ([]byte, error) {
	if len(credential.Blob) == 0 || len(credential.Secret) == 0 {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the credential is empty")
	}
	var secret []byte
	err := p.withEndorsement(ctx, key, func(c *call, l loaded, ek endorsement) error {
		var err error
		secret, err = p.activate(c, l.object, l.auth, ek, credential)
		return err
	})
	return secret, err
}

// activate lets the TPM open a credential that was made for an object and its endorsement
// key.
func (p *Provider) activate(c *call, o object, auth []byte, ek endorsement, credential providers.Credential) ([]byte, error) {
	policy, done, err := tpm2.PolicySession(c, tpm2.TPMAlgSHA256, 16)
	if err != nil {
		return nil, startError(err)
	}
	defer c.flush(policy.Handle())
	_ = done // flush also works when the caller has given up
	if err := p.endorse(c, policy); err != nil {
		return nil, hierarchyRefusal(err)
	}
	rsp, err := run(c, command[tpm2.ActivateCredentialResponse](tpm2.ActivateCredential{
		ActivateHandle: authorized(o.handle, o.name, c.session.with(auth, encryptBoth)), KeyHandle: authorized(ek.handle, ek.name, policy),
		CredentialBlob: tpm2.TPM2BIDObject{Buffer: credential.Blob}, Secret: tpm2.TPM2BEncryptedSecret{Buffer: credential.Secret},
	}))
	if err != nil {
		return nil, c.notOurs(err)
	}
	return rsp.CertInfo.Buffer, nil
}

// endorse satisfies the endorsement key's policy: knowledge of the hierarchy's
// authorisation value.
func (p *Provider) endorse(c *call, policy tpm2.Session) error {
	return useSecret(p.options.EndorsementAuth, func(auth []byte) error {
		_, err := run(c, command[tpm2.PolicySecretResponse](tpm2.PolicySecret{
			AuthHandle:    tpm2.AuthHandle{Handle: tpm2.TPMRHEndorsement, Auth: c.session.with(auth, encryptNone)},
			PolicySession: policy.Handle(), NonceTPM: policy.NonceTPM(),
		}))
		return err
	})
}

// notOurs explains why a credential is refused.
func (c *call) notOurs(err error) error {
	if !refused(err, tpm2.TPMRCValue, tpm2.TPMRCSize, tpm2.TPMRCIntegrity, tpm2.TPMRCInsufficient) && !c.spurious(err) {
		return err
	}
	return &wire.Error{
		Status: wire.StatusInvalidArgument, Err: err,
		Reason: "the credential was not made for this key and this TPM, or was changed: " + err.Error(),
		Remedy: "ask the verifier for a new credential, made from a new answer of PrepareKeyAttestation",
	}
}
