package providertest

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	_ "crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"crypto/x509"
	"math/big"

	_ "golang.org/x/crypto/ripemd160" //nolint:staticcheck // providers may have it

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// The checks against the standard library, for the kinds that it knows.

// standardCurve returns the curve of the standard library, nil if it has none.
func standardCurve(a psa.Attributes) elliptic.Curve {
	if !a.Type.ECC() || a.Curve != psa.CurveSECPR1 {
		return nil
	}
	return map[uint64]elliptic.Curve{
		224: elliptic.P224(), 256: elliptic.P256(), 384: elliptic.P384(), 521: elliptic.P521(),
	}[a.Bits]
}

// standardPublic decodes an exported public half, nil if the standard library cannot.
func (u user) standardPublic(public []byte) crypto.PublicKey {
	u.t.Helper()
	a := u.key.Attributes
	switch curve := standardCurve(a); {
	case curve != nil:
		k, err := ecdsa.ParseUncompressedPublicKey(curve, public)
		if u.status("parse the public half", err, wire.StatusSuccess) {
			return k
		}
	case a.Type.RSA():
		k, err := x509.ParsePKCS1PublicKey(public)
		if u.status("parse the public half", err, wire.StatusSuccess) {
			return k
		}
	case a.Curve == psa.CurveEdwards && len(public) == ed25519.PublicKeySize:
		return ed25519.PublicKey(public)
	}
	return nil
}

func (u user) checkPublic(public []byte) {
	u.t.Helper()
	if k, ok := u.standardPublic(public).(*rsa.PublicKey); ok && u.key.Attributes.Bits != 0 && uint64(k.N.BitLen()) != u.key.Attributes.Bits {
		u.t.Errorf("%s: the modulus has %d bits", u.name, k.N.BitLen())
	}
	if len(public) == 0 {
		u.t.Errorf("%s: the public half is empty", u.name)
	}
}

func (u user) ownPublic() crypto.PublicKey {
	u.t.Helper()
	e, ok := u.p.(providers.PublicExporter)
	if !ok {
		return nil
	}
	public, err := e.ExportPublicKey(u.t.Context(), u.key)
	if !u.status("export public", err, wire.StatusSuccess) {
		return nil
	}
	return u.standardPublic(public)
}

// agreeWithStandard agrees with a key of the standard library, where it has the curve.
func (u user) agreeWithStandard(agreer providers.KeyAgreer, alg psa.Algorithm) {
	u.t.Helper()
	curve := map[uint64]ecdh.Curve{256: ecdh.P256(), 384: ecdh.P384(), 521: ecdh.P521()}[u.key.Attributes.Bits]
	k, ok := u.ownPublic().(*ecdsa.PublicKey)
	if !ok || curve == nil {
		return
	}
	own, err := k.ECDH()
	if !u.status("read the public half for an agreement", err, wire.StatusSuccess) {
		return
	}
	peer, err := curve.GenerateKey(rand.Reader)
	if !u.status("make a peer", err, wire.StatusSuccess) {
		return
	}
	want, err := peer.ECDH(own)
	if !u.status("the peer's agreement", err, wire.StatusSuccess) {
		return
	}
	got, err := agreer.RawKeyAgreement(u.t.Context(), u.key, alg, peer.PublicKey().Bytes())
	if u.status("agree with the standard library", err, wire.StatusSuccess) {
		u.equal("the secret shared with the standard library", got, want)
	}
}

func (u user) checkSignature(alg psa.Algorithm, hash, signature []byte) {
	u.t.Helper()
	ok := true
	switch k := u.ownPublic().(type) {
	case *ecdsa.PublicKey:
		half := len(signature) / 2
		r, s := new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])
		ok = len(signature) == 2*((k.Curve.Params().BitSize+7)/8) && ecdsa.Verify(k, hash, r, s)
	case *rsa.PublicKey:
		ok = len(signature) == k.Size() && verifyRSA(k, alg, hash, signature) == nil
	}
	if !ok {
		u.t.Errorf("%s: the standard library refuses the signature %x of %x", u.name, signature, hash)
	}
}

func verifyRSA(k *rsa.PublicKey, alg psa.Algorithm, hash, signature []byte) error {
	if alg.Kind == psa.AlgRSAPSS {
		return rsa.VerifyPSS(k, alg.Hash.Std(), hash, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	return rsa.VerifyPKCS1v15(k, alg.Hash.Std(), hash, signature) // hash 0 is the raw variant
}

func (u user) checkMessageSignature(alg psa.Algorithm, message, signature []byte) {
	u.t.Helper()
	if k, ok := u.ownPublic().(ed25519.PublicKey); ok {
		if !ed25519.Verify(k, message, signature) {
			u.t.Errorf("%s: the standard library refuses the signature", u.name)
		}
		return
	}
	if std := alg.Hash.Std(); std != 0 && std.Available() {
		h := std.New()
		h.Write(message)
		u.checkSignature(alg, h.Sum(nil), signature)
	}
}
