package agentd

import (
	"context"
	"crypto/subtle"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// output is the body of every result that is one byte string: field 1 of psapb.Output.
func output(v []byte, err error) ([]byte, error) {
	if err != nil || len(v) == 0 {
		return nil, err
	}
	b := make([]byte, 0, 1+protowire.SizeBytes(len(v)))
	b = protowire.AppendTag(b, 1, protowire.BytesType)
	b = protowire.AppendBytes(b, v)
	clear(v)
	return b, nil
}

// with returns the action that calls fn with the provider of the request, if that
// provider has the power P. It is for operations without a key.
func with[P any](fn func(ctx context.Context, p P) ([]byte, error)) action {
	return func(ctx context.Context, r *request) ([]byte, error) {
		p, ok := r.instance.provider.(P)
		if !ok {
			return nil, r.instance.lacks(r.Opcode)
		}
		return fn(ctx, p)
	}
}

// withKey returns the action that looks the request's key up and calls fn with the
// provider that holds it, if that provider has the power P.
func withKey[P any](fn func(ctx context.Context, p P, key providers.Key) ([]byte, error)) action {
	return func(ctx context.Context, r *request) ([]byte, error) {
		if _, ok := r.instance.provider.(P); !ok {
			return nil, r.instance.lacks(r.Opcode)
		}
		inst, entry, err := r.find(r.key)
		if err != nil {
			return nil, err
		}
		p, ok := inst.provider.(P)
		if !ok {
			return nil, inst.lacks(r.Opcode)
		}
		body, err := fn(ctx, p, providers.Key{ID: entry.KeyID, Attributes: entry.Attributes})
		return body, about(quoteKey(r.key), err)
	}
}

// algorithm returns the algorithm of a request: that of the original's message, or that
// of the extension, which expresses more.
func (r *request) algorithm(alg psa.Algorithm, err error) (psa.Algorithm, error) {
	if ext := r.ext.GetAlgorithm(); ext != nil {
		return agent.DecodeAlgorithm(ext)
	}
	return alg, err
}

func (r *request) decodeSign(need psa.Usage, hashed bool) (*psapb.Sign, psa.Algorithm, func(providers.Key) error, error) {
	m := &psapb.Sign{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, psa.Algorithm{}, nil, err
	}
	alg, err := r.algorithm(psa.DecodeSignature(m.GetAlg()))
	r.about(m.GetKeyName())
	return m, alg, permit(need, alg, hashed, m.GetInput()), err
}

func (r *request) decodeVerify(need psa.Usage, hashed bool) (*psapb.Verify, psa.Algorithm, func(providers.Key) error, error) {
	m := &psapb.Verify{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, psa.Algorithm{}, nil, err
	}
	alg, err := r.algorithm(psa.DecodeSignature(m.GetAlg()))
	r.about(m.GetKeyName())
	return m, alg, permit(need, alg, hashed, m.GetInput()), err
}

// permit returns the common checks of section 3.4 for a signature operation.
func permit(need psa.Usage, alg psa.Algorithm, hashed bool, hash []byte) func(providers.Key) error {
	return func(k providers.Key) error {
		if err := k.Attributes.Permit(need, alg); err != nil || !hashed {
			return err
		}
		return psa.CheckHashLength(alg, hash)
	}
}

func decodeSignHash(r *request) (action, error) {
	m, alg, permitted, err := r.decodeSign(psa.UsageSignHash, true)
	return withKey(func(ctx context.Context, p providers.HashSigner, k providers.Key) ([]byte, error) {
		if err := permitted(k); err != nil {
			return nil, err
		}
		return output(p.SignHash(ctx, k, alg, m.GetInput()))
	}), err
}

func decodeVerifyHash(r *request) (action, error) {
	m, alg, permitted, err := r.decodeVerify(psa.UsageVerifyHash, true)
	return withKey(func(ctx context.Context, p providers.HashVerifier, k providers.Key) ([]byte, error) {
		if err := permitted(k); err != nil {
			return nil, err
		}
		return nil, p.VerifyHash(ctx, k, alg, m.GetInput(), m.GetSignature())
	}), err
}

func decodeSignMessage(r *request) (action, error) {
	m, alg, permitted, err := r.decodeSign(psa.UsageSignMessage, false)
	return withKey(func(ctx context.Context, p providers.MessageSigner, k providers.Key) ([]byte, error) {
		if err := permitted(k); err != nil {
			return nil, err
		}
		return output(p.SignMessage(ctx, k, alg, m.GetInput()))
	}), err
}

func decodeVerifyMessage(r *request) (action, error) {
	m, alg, permitted, err := r.decodeVerify(psa.UsageVerifyMessage, false)
	return withKey(func(ctx context.Context, p providers.MessageVerifier, k providers.Key) ([]byte, error) {
		if err := permitted(k); err != nil {
			return nil, err
		}
		return nil, p.VerifyMessage(ctx, k, alg, m.GetInput(), m.GetSignature())
	}), err
}

// asymmetric decodes AsymmetricEncrypt and AsymmetricDecrypt.
func (r *request) asymmetric() (*psapb.AsymmetricCrypt, psa.Algorithm, error) {
	m := &psapb.AsymmetricCrypt{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, psa.Algorithm{}, err
	}
	r.about(m.GetKeyName())
	alg, err := psa.DecodeEncryption(m.GetAlg())
	return m, alg, err
}

// permitCrypt makes the checks of section 3.4 for asymmetric encryption.
func permitCrypt(k providers.Key, need psa.Usage, alg psa.Algorithm, m *psapb.AsymmetricCrypt) error {
	if err := k.Attributes.Permit(need, alg); err != nil {
		return err
	}
	if alg.Kind == psa.AlgRSAPKCS1v15Crypt && len(m.GetSalt()) > 0 {
		return wire.Errorf(wire.StatusInvalidArgument, "%s takes no salt", alg)
	}
	return notEmpty("input", m.GetInput())
}

func notEmpty(what string, b []byte) error {
	if len(b) == 0 {
		return wire.Errorf(wire.StatusInvalidArgument, "the %s is empty", what)
	}
	return nil
}

func decodeAsymmetricEncrypt(r *request) (action, error) {
	m, alg, err := r.asymmetric()
	return withKey(func(ctx context.Context, p providers.AsymmetricEncrypter, k providers.Key) ([]byte, error) {
		defer clear(m.GetInput())
		if err := permitCrypt(k, psa.UsageEncrypt, alg, m); err != nil {
			return nil, err
		}
		return output(p.AsymmetricEncrypt(ctx, k, alg, m.GetInput(), m.GetSalt()))
	}), err
}

func decodeAsymmetricDecrypt(r *request) (action, error) {
	m, alg, err := r.asymmetric()
	return withKey(func(ctx context.Context, p providers.AsymmetricDecrypter, k providers.Key) ([]byte, error) {
		if err := permitCrypt(k, psa.UsageDecrypt, alg, m); err != nil {
			return nil, err
		}
		return output(p.AsymmetricDecrypt(ctx, k, alg, m.GetInput(), m.GetSalt()))
	}), err
}

// aead decodes AeadEncrypt and AeadDecrypt.
func (r *request) aead() (providers.AEADInput, psa.Algorithm, error) {
	m := &psapb.AeadCrypt{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return providers.AEADInput{}, psa.Algorithm{}, err
	}
	r.about(m.GetKeyName())
	alg, err := psa.DecodeAEAD(m.GetAlg())
	return providers.AEADInput{Nonce: m.GetNonce(), AdditionalData: m.GetAdditionalData(), Data: m.GetInput()}, alg, err
}

// permitAEAD makes the checks of section 3.4 for authenticated encryption.
func permitAEAD(k providers.Key, need psa.Usage, alg psa.Algorithm, in providers.AEADInput) error {
	if err := k.Attributes.Permit(need, alg); err != nil {
		return err
	}
	if err := notEmpty("input", in.Data); err != nil {
		return err
	}
	return notEmpty("nonce", in.Nonce)
}

func decodeAEADEncrypt(r *request) (action, error) {
	in, alg, err := r.aead()
	return withKey(func(ctx context.Context, p providers.AEADEncrypter, k providers.Key) ([]byte, error) {
		defer clear(in.Data)
		if err := permitAEAD(k, psa.UsageEncrypt, alg, in); err != nil {
			return nil, err
		}
		return output(p.AEADEncrypt(ctx, k, alg, in))
	}), err
}

func decodeAEADDecrypt(r *request) (action, error) {
	in, alg, err := r.aead()
	return withKey(func(ctx context.Context, p providers.AEADDecrypter, k providers.Key) ([]byte, error) {
		if err := permitAEAD(k, psa.UsageDecrypt, alg, in); err != nil {
			return nil, err
		}
		return output(p.AEADDecrypt(ctx, k, alg, in))
	}), err
}

// cipher decodes CipherEncrypt and CipherDecrypt.
func (r *request) cipher() ([]byte, psa.Algorithm, error) {
	m := &psapb.CipherCrypt{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, psa.Algorithm{}, err
	}
	r.about(m.GetKeyName())
	alg, err := psa.DecodeCipher(m.GetAlg())
	return m.GetInput(), alg, err
}

func decodeCipherEncrypt(r *request) (action, error) {
	in, alg, err := r.cipher()
	return withKey(func(ctx context.Context, p providers.CipherEncrypter, k providers.Key) ([]byte, error) {
		defer clear(in)
		if err := k.Attributes.Permit(psa.UsageEncrypt, alg); err != nil {
			return nil, err
		}
		return output(p.CipherEncrypt(ctx, k, alg, in))
	}), err
}

func decodeCipherDecrypt(r *request) (action, error) {
	in, alg, err := r.cipher()
	return withKey(func(ctx context.Context, p providers.CipherDecrypter, k providers.Key) ([]byte, error) {
		if err := k.Attributes.Permit(psa.UsageDecrypt, alg); err != nil {
			return nil, err
		}
		return output(p.CipherDecrypt(ctx, k, alg, in))
	}), err
}

func decodeMACCompute(r *request) (action, error) {
	m := &psapb.MacCompute{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	r.about(m.GetKeyName())
	alg, err := psa.DecodeMAC(m.GetAlg())
	return withKey(func(ctx context.Context, p providers.MACComputer, k providers.Key) ([]byte, error) {
		if err := k.Attributes.Permit(psa.UsageSignMessage, alg); err != nil {
			return nil, err
		}
		return output(p.MACCompute(ctx, k, alg, m.GetInput()))
	}), err
}

func decodeMACVerify(r *request) (action, error) {
	m := &psapb.MacVerify{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	r.about(m.GetKeyName())
	alg, err := psa.DecodeMAC(m.GetAlg())
	return withKey(func(ctx context.Context, p providers.MACVerifier, k providers.Key) ([]byte, error) {
		if err := k.Attributes.Permit(psa.UsageVerifyMessage, alg); err != nil {
			return nil, err
		}
		return nil, p.MACVerify(ctx, k, alg, m.GetInput(), m.GetMac())
	}), err
}

func decodeRawKeyAgreement(r *request) (action, error) {
	m := &psapb.RawKeyAgreement{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	r.about(m.GetPrivateKeyName())
	alg, err := psa.DecodeRawAgreement(m.GetAlg())
	return withKey(func(ctx context.Context, p providers.KeyAgreer, k providers.Key) ([]byte, error) {
		if err := k.Attributes.Permit(psa.UsageDerive, alg); err != nil {
			return nil, err
		}
		return output(p.RawKeyAgreement(ctx, k, alg, m.GetPeerKey()))
	}), err
}

func decodeHashCompute(r *request) (action, error) {
	m := &psapb.HashCompute{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	alg, err := psa.DecodeHash(m.GetAlg())
	return with(func(ctx context.Context, p providers.HashComputer) ([]byte, error) {
		return output(p.HashCompute(ctx, alg, m.GetInput()))
	}), err
}

func decodeHashCompare(r *request) (action, error) {
	m := &psapb.HashCompare{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	alg, err := psa.DecodeHash(m.GetAlg())
	return with(func(ctx context.Context, p providers.HashComputer) ([]byte, error) {
		sum, err := p.HashCompute(ctx, alg, m.GetInput())
		if err == nil && subtle.ConstantTimeCompare(sum, m.GetHash()) != 1 {
			err = wire.Errorf(wire.StatusInvalidSignature, "the hash differs")
		}
		return nil, err
	}), err
}

func decodeGenerateRandom(r *request) (action, error) {
	m := &psapb.GenerateRandom{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	limit := r.backend.config.Core.BufferSizeLimit
	return with(func(ctx context.Context, p providers.Randomizer) ([]byte, error) {
		if m.GetSize() > uint64(limit) {
			return nil, wire.Errorf(wire.StatusResponseTooLarge, "%d random bytes are more than the limit of %d", m.GetSize(), limit)
		}
		b := make([]byte, m.GetSize())
		return output(b, p.Random(ctx, b))
	}), nil
}

func decodeCanDoCrypto(r *request) (action, error) {
	m := &psapb.CanDoCrypto{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	check, err := psa.DecodeCheck(m.GetCheckType())
	if err != nil {
		return nil, err
	}
	attrs, err := r.attributes(m.GetAttributes())
	return with(func(_ context.Context, p providers.Advisor) ([]byte, error) {
		return nil, p.CanDo(providers.Capability{Check: check, Attributes: attrs, Original: !r.flagged})
	}), err
}
