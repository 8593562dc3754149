package pkcs11

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// operate does a single-part operation with an object of the key.
func (p *Provider) operate(ctx context.Context, key providers.Key, class uint64, r *frame.Request) ([]byte, error) {
	ref, err := parseReference(key.ID)
	if err != nil {
		return nil, err
	}
	c, err := p.link.connect(ctx)
	if err == nil && ref.adopted != nil {
		err = p.recognise(ctx, c, ref.adopted, key)
	}
	if err != nil {
		return nil, err
	}
	r.Object = ref.selector(c.profile, class)
	do := p.link.do
	if class == ck.ClassPrivateKey && r.Op != frame.OpDerive {
		wants, err := p.wantsPIN(ctx, key.ID, r.Object)
		if err != nil {
			return nil, err
		}
		if wants {
			do = p.link.doWithPIN
		}
	}
	out, err := do(ctx, r, freely)
	if err != nil {
		return nil, err
	}
	return out.Data, nil
}

// modulus returns the length of an RSA key in bytes, 0 for other keys.
func (p *Provider) modulus(ctx context.Context, key providers.Key) (int, error) {
	if !key.Attributes.Type.RSA() {
		return 0, nil
	}
	if bits := key.Attributes.Bits; bits != 0 && bits <= maxModulus {
		return int(bits+7) / 8, nil
	}
	k, err := p.public(ctx, key)
	if err != nil {
		return 0, err
	}
	return (k.n.BitLen() + 7) / 8, nil
}

// sized returns the attributes with the size that the key has, for a key that was imported
// without one.
func (p *Provider) sized(ctx context.Context, key providers.Key) (psa.Attributes, error) {
	a := key.Attributes
	if a.Bits != 0 {
		return a, nil
	}
	k, err := p.public(ctx, key)
	if err != nil {
		return a, err
	}
	a.Bits = k.bits()
	return a, nil
}

// signature returns the request for a signature operation, and the length of signatures.
func (p *Provider) signature(ctx context.Context, key providers.Key, alg psa.Algorithm, hash []byte) (*frame.Request, int, error) {
	a, err := p.sized(ctx, key)
	if err != nil {
		return nil, 0, err
	}
	size, err := p.modulus(ctx, providers.Key{ID: key.ID, Attributes: a})
	if err != nil {
		return nil, 0, err
	}
	m, data, err := signature(a, alg, size, hash)
	if a.Type.ECC() {
		size = 2 * (int(a.Bits+7) / 8) //nolint:gosec // a known curve
	}
	return &frame.Request{Mechanism: m, Data: data}, size, err
}

// SignHash signs a hash.
func (p *Provider) SignHash(ctx context.Context, key providers.Key, alg psa.Algorithm, hash []byte) ([]byte, error) {
	if key.Attributes.Type.Public() {
		return nil, wire.Errorf(wire.StatusNotPermitted, "a public key cannot sign")
	}
	r, size, err := p.signature(ctx, key, alg, hash)
	if err != nil {
		return nil, err
	}
	r.Op = frame.OpSign
	sig, err := p.operate(ctx, key, ck.ClassPrivateKey, r)
	if err == nil && len(sig) != size {
		return nil, wire.Errorf(wire.StatusHardwareFailure, "the token made a signature of %d bytes, %d were expected", len(sig), size)
	}
	return sig, err
}

// VerifyHash verifies the signature of a hash: on the token, or in the agent if it is
// configured so or the token does not have the public half as an object.
func (p *Provider) VerifyHash(ctx context.Context, key providers.Key, alg psa.Algorithm, hash, sig []byte) error {
	if alg.Kind == psa.AlgDeterministicECDSA { // how it was made does not show
		alg.Kind = psa.AlgECDSA
	}
	if done, err := p.verifyLacked(ctx, key, alg, hash, sig); done {
		return err
	}
	r, size, err := p.signature(ctx, key, alg, hash)
	if err != nil {
		return err
	}
	if len(sig) != size {
		return wire.Errorf(wire.StatusInvalidSignature, "the signature has %d bytes, those of this key have %d", len(sig), size)
	}
	if p.publicHere(key) {
		if done, err := p.verifyHere(ctx, key, alg, hash, sig); done {
			return err
		}
	}
	r.Op, r.Signature = frame.OpVerify, sig
	_, err = p.operate(ctx, key, ck.ClassPublicKey, r)
	if publicMissing(key, err) {
		if done, here := p.verifyHere(ctx, key, alg, hash, sig); done {
			return here
		}
	}
	return err
}

// publicHere reports whether public operations with the key are the agent's: because it is
// configured so; because the library does them itself, and worse; or because the public half
// of an adopted key is in its id, and an object of the token may be another's.
func (p *Provider) publicHere(key providers.Key) bool {
	c := p.link.last()
	return p.o.SoftwarePublicOperations || c != nil && c.profile.publicHere || isAdopted(key.ID)
}

// publicMissing reports whether the token has no public object for a pair.
func publicMissing(key providers.Key, err error) bool {
	return key.Attributes.Type.Pair() && wire.StatusOf(err) == wire.StatusDoesNotExist
}

// AsymmetricEncrypt encrypts to the public half.
func (p *Provider) AsymmetricEncrypt(ctx context.Context, key providers.Key, alg psa.Algorithm, plaintext, salt []byte) ([]byte, error) {
	if err := p.checkPlaintext(ctx, key, alg, len(plaintext)); err != nil {
		return nil, err
	}
	c, err := p.link.connect(ctx)
	if err != nil {
		return nil, err
	}
	if p.publicHere(key) || c.foreignOAEP(alg, salt) {
		if out, done, err := p.encryptHere(ctx, key, alg, plaintext, salt); done {
			return out, err
		}
	}
	if c.foreignOAEP(alg, salt) {
		return nil, wire.Errorf(wire.StatusNotSupported, "neither the token nor the agent has %s for this key", alg)
	}
	m, err := encryption(alg, salt)
	if err != nil {
		return nil, err
	}
	out, err := p.operate(ctx, key, ck.ClassPublicKey, &frame.Request{Op: frame.OpEncrypt, Mechanism: m, Data: plaintext})
	if publicMissing(key, err) {
		if out, done, here := p.encryptHere(ctx, key, alg, plaintext, salt); done {
			return out, here
		}
	}
	return out, err
}

// AsymmetricDecrypt decrypts with the private half.
func (p *Provider) AsymmetricDecrypt(ctx context.Context, key providers.Key, alg psa.Algorithm, ciphertext, salt []byte) ([]byte, error) {
	if key.Attributes.Type.Public() {
		return nil, wire.Errorf(wire.StatusNotPermitted, "a public key cannot decrypt")
	}
	size, err := p.modulus(ctx, key)
	if err != nil {
		return nil, err
	}
	if len(ciphertext) != size {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the ciphertext has %d bytes, those of this key have %d", len(ciphertext), size)
	}
	c, err := p.link.connect(ctx)
	if err != nil {
		return nil, err
	}
	if c.foreignOAEP(alg, salt) {
		return p.decryptHere(ctx, key, alg, ciphertext, salt)
	}
	m, err := encryption(alg, salt)
	if err != nil {
		return nil, err
	}
	out, err := p.operate(ctx, key, ck.ClassPrivateKey, &frame.Request{Op: frame.OpDecrypt, Mechanism: m, Data: ciphertext})
	return out, p.padding(err)
}

// padding gives a decryption that failed for its padding its status, also for tokens that
// call it a general error.
func (p *Provider) padding(err error) error {
	c := p.link.last()
	failed, ok := errors.AsType[*callError](err)
	if c == nil || !c.profile.vaguePadding || !ok || failed.result != ck.RVGeneralError || failed.function != "C_Decrypt" {
		return err
	}
	return &wire.Error{Status: wire.StatusInvalidPadding, Err: err}
}

// RawKeyAgreement computes the shared secret with a peer's public key.
func (p *Provider) RawKeyAgreement(ctx context.Context, key providers.Key, alg psa.Algorithm, peer []byte) ([]byte, error) {
	if alg.Kind != psa.AlgECDH {
		return nil, wire.Errorf(wire.StatusNotSupported, "%s is not available on tokens", alg)
	}
	if key.Attributes.Type.Public() {
		return nil, wire.Errorf(wire.StatusNotPermitted, "a public key cannot agree")
	}
	a, err := p.sized(ctx, key)
	if err != nil {
		return nil, err
	}
	c, err := curveOf(a)
	if err != nil {
		return nil, err
	}
	if err := c.check(peer); err != nil {
		return nil, err
	}
	n := uint64(c.size()) //nolint:gosec // 66 at most
	secret, err := p.operate(ctx, key, ck.ClassPrivateKey, &frame.Request{
		Op: frame.OpDerive, Mechanism: frame.Mechanism{Type: ck.MechECDH1Derive, Parameter: frame.ParameterECDH, Bytes: peer},
		Template: []frame.Attribute{
			frame.Number(ck.AttrClass, ck.ClassSecretKey), frame.Number(ck.AttrKeyType, ck.KeyGenericSecret),
			frame.Bool(ck.AttrToken, false), frame.Bool(ck.AttrSensitive, false), frame.Bool(ck.AttrExtractable, true),
			frame.Number(ck.AttrValueLen, n),
		},
	})
	if err == nil && uint64(len(secret)) != n {
		return nil, wire.Errorf(wire.StatusHardwareFailure, "the token derived %d bytes, %d were expected", len(secret), n)
	}
	return secret, err
}
