package client

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
	"fmt"
	"io"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Key is a key pair of the service as the standard library sees one: a crypto.Signer and
// crypto.Decrypter for crypto/x509 and crypto/tls. The private half stays in the service.
// It may be used by several goroutines at once.
type Key struct {
	client *Client
	info   KeyInfo
	public crypto.PublicKey
	ctx    context.Context //nolint:containedctx // crypto.Signer has no context; see WithContext
}

var (
	_ crypto.Signer        = (*Key)(nil)
	_ crypto.MessageSigner = (*Key)(nil)
	_ crypto.Decrypter     = (*Key)(nil)
)

// Key opens a key pair by name. ctx bounds the opening only.
func (c *Client) Key(ctx context.Context, name psa.KeyName) (*Key, error) {
	info, err := c.FindKey(ctx, name)
	if err != nil {
		return nil, err
	}
	view := c.WithProvider(info.Provider)
	data, err := view.ExportPublicKey(ctx, name)
	if err != nil {
		return nil, err
	}
	public, err := PublicKey(info.Attributes, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyObject(name), err)
	}
	return &Key{client: view, info: info, public: public, ctx: context.WithoutCancel(ctx)}, nil
}

// WithContext returns the key with a context for Sign, SignMessage and Decrypt. Without
// one they are bounded by Options.Timeout only.
func (k *Key) WithContext(ctx context.Context) *Key {
	view := *k
	view.ctx = ctx
	return &view
}

// Info returns what the service lists about the key.
func (k *Key) Info() KeyInfo { return k.info }

// Public returns the public half.
func (k *Key) Public() crypto.PublicKey { return k.public }

// Sign signs a digest; for Ed25519 the digest is the message and opts.HashFunc is 0. The
// random source is not used. The key's policy decides what is possible: a hash or a scheme
// that it does not permit is StatusNotPermitted.
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	alg, err := k.Algorithm(opts)
	if err != nil {
		return nil, err
	}
	if alg.Kind == psa.AlgPureEdDSA {
		return k.client.SignMessage(k.ctx, k.info.Name, alg, digest)
	}
	if err := psa.CheckHashLength(alg, digest); err != nil {
		return nil, err
	}
	return k.finish(k.client.SignHash(k.ctx, k.info.Name, alg, digest))
}

// SignMessage hashes a message here, or has it signed whole for Ed25519.
func (k *Key) SignMessage(r io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if h := opts.HashFunc(); h != 0 {
		if !h.Available() {
			return nil, wire.Errorf(wire.StatusNotSupported, "the hash %s is not linked into this program", h)
		}
		sum := h.New()
		sum.Write(message)
		message = sum.Sum(nil)
	}
	return k.Sign(r, message, opts)
}

// finish converts an ECDSA signature to ASN.1.
func (k *Key) finish(signature []byte, err error) ([]byte, error) {
	if err != nil || !k.info.Attributes.Type.ECC() {
		return signature, err
	}
	der, err := ECDSAToASN1(signature)
	if err != nil {
		return nil, &ProtocolError{k.client.endpoint, err.Error()}
	}
	return der, nil
}

// Algorithm returns the algorithm of an operation with the options of crypto.Signer.
func (k *Key) Algorithm(opts crypto.SignerOpts) (psa.Algorithm, error) {
	alg := k.info.Attributes.Alg
	var h crypto.Hash
	if opts != nil {
		h = opts.HashFunc()
	}
	pss, isPSS := opts.(*rsa.PSSOptions)
	switch {
	case !alg.Kind.Signature():
		return alg, k.refuse("the key is for %s, not for signatures", alg)
	case alg.Kind == psa.AlgPureEdDSA && h != 0:
		return alg, k.refuse("an Ed25519 key signs messages, not hashes")
	case isPSS != (alg.Kind == psa.AlgRSAPSS) && alg.Kind != psa.AlgPureEdDSA:
		return alg, k.refuse("the key's policy permits %s only", alg)
	case isPSS && pss.SaltLength > 0 && pss.SaltLength != h.Size():
		return alg, k.refuse("the service's PSS salt is as long as the hash, not %d bytes", pss.SaltLength)
	}
	hash, known := HashOf(h)
	switch {
	case alg.Hash == psa.HashNone:
		return alg, nil // Ed25519, ECDSA of any hash, PKCS #1 of bare bytes
	case !known:
		return alg, k.refuse("the protocol has no number for the hash %s", h)
	case alg.Hash == psa.HashAny:
		alg.Hash = hash
	case alg.Hash != hash:
		return alg, k.refuse("the key's policy permits the hash %s, not %s", alg.Hash, hash)
	}
	return alg, nil
}

func (k *Key) refuse(format string, args ...any) error {
	e := wire.Errorf(wire.StatusNotPermitted, format, args...)
	e.Object = keyObject(k.info.Name)
	return e
}

// HashOf returns the protocol's number of a hash of the standard library.
func HashOf(h crypto.Hash) (psa.Hash, bool) {
	for p := psa.HashMD2; p <= psa.HashSHA3512; p++ {
		if h != 0 && p.Std() == h {
			return p, true
		}
	}
	return psa.HashNone, false
}

// Decrypt decrypts with an RSA key. With a SessionKeyLen in rsa.PKCS1v15DecryptOptions,
// a text that cannot be decrypted gives a random key of that length instead of an error,
// as in crypto/rsa. MGFHash of rsa.OAEPOptions must be the hash or 0.
func (k *Key) Decrypt(_ io.Reader, ciphertext []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	alg := k.info.Attributes.Alg
	switch o := opts.(type) {
	case *rsa.OAEPOptions:
		hash, _ := HashOf(o.Hash)
		if alg != (psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: hash}) || o.MGFHash != 0 && o.MGFHash != o.Hash {
			return nil, k.refuse("the key's policy permits %s only", alg)
		}
		return k.client.AsymmetricDecrypt(k.ctx, k.info.Name, alg, ciphertext, o.Label)
	case *rsa.PKCS1v15DecryptOptions, nil: //nolint:staticcheck // keys of this scheme exist, TLS names it
		if alg.Kind != psa.AlgRSAPKCS1v15Crypt {
			return nil, k.refuse("the key's policy permits %s only", alg)
		}
		n := 0
		if o, ok := opts.(*rsa.PKCS1v15DecryptOptions); ok { //nolint:staticcheck // as above
			n = o.SessionKeyLen
		}
		return k.decryptPKCS1(ciphertext, n)
	default:
		return nil, k.refuse("decryption options of type %T are unknown", opts)
	}
}

func (k *Key) decryptPKCS1(ciphertext []byte, sessionKeyLen int) ([]byte, error) {
	plain, err := k.client.AsymmetricDecrypt(k.ctx, k.info.Name, psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Crypt}, ciphertext, nil)
	if sessionKeyLen <= 0 {
		return plain, err
	}
	if s := wire.StatusOf(err); err != nil && s != wire.StatusInvalidPadding && s != wire.StatusInvalidArgument {
		return nil, err
	}
	key := make([]byte, sessionKeyLen)
	_, _ = rand.Read(key)                                                    // never fails
	if subtle.ConstantTimeEq(int32(len(plain)), int32(sessionKeyLen)) == 1 { //nolint:gosec // a response is smaller
		copy(key, plain)
	}
	clear(plain)
	return key, nil
}
