package interop

import (
	"bytes"
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// using uses the recorded keys and checks every result with other code than the agent's.
type using struct {
	t       *testing.T
	session socket.Session
}

// use does with a key what its policy permits, and finds refused what it does not.
func (u *using) use(t *testing.T, k storedKey) {
	m := &psapb.KeyAttributes{}
	if err := psa.Unmarshal(unhex(t, k.Attributes), m); err != nil {
		t.Fatal(err)
	}
	a, err := psa.DecodeAttributes(m)
	if err != nil {
		t.Fatal(err)
	}
	key := &usedKey{u: u, t: t, name: k.Name, attrs: a, data: unhex(t, k.Data), policy: m.GetKeyPolicy().GetKeyAlgorithm()}
	key.export()
	switch {
	case a.Type.RSA():
		key.rsa()
	case a.Type.ECC():
		key.ecc()
	case a.Alg.Kind.AEAD():
		key.aead()
	case a.Alg.Kind.MAC():
		key.mac()
	case a.Alg.Kind.Cipher():
		key.cipher()
	}
	key.refused()
}

// usedKey is a key in use, with its data.
type usedKey struct {
	u      *using
	t      *testing.T
	name   string
	attrs  psa.Attributes
	data   []byte
	policy *psapb.Algorithm
}

func (k *usedKey) do(op wire.Opcode, in proto.Message) ([]byte, error) {
	out := &psapb.Output{}
	err := k.u.session.Do(k.t.Context(), op, in, out)
	return out.GetOutput(), err
}

// must is do for what has to succeed.
func (k *usedKey) must(op wire.Opcode, in proto.Message) []byte {
	k.t.Helper()
	out, err := k.do(op, in)
	if err != nil {
		k.t.Fatalf("%v: %v", op, err)
	}
	return out
}

func (k *usedKey) refuse(op wire.Opcode, in proto.Message, want wire.Status) {
	k.t.Helper()
	if _, err := k.do(op, in); !errors.Is(err, want) {
		k.t.Errorf("%v: %v, want %v", op, err, want)
	}
}

func (k *usedKey) ref() *psapb.KeyRef { return &psapb.KeyRef{KeyName: k.name} }

// export takes the key out, if it may be: what is public always may.
func (k *usedKey) export() {
	if !k.attrs.Usage.Has(psa.UsageExport) && !k.attrs.Type.Public() {
		k.refuse(wire.OpExportKey, k.ref(), wire.StatusNotPermitted)
		return
	}
	if got := k.must(wire.OpExportKey, k.ref()); !bytes.Equal(got, k.data) {
		k.t.Errorf("exported %x, imported %x", got, k.data)
	}
}

// refused: what no key may do without its flag or with another algorithm.
func (k *usedKey) refused() {
	other := &psapb.AsymmetricSignature{Variant: &psapb.AsymmetricSignature_Ecdsa{Ecdsa: withHash(psa.HashSHA3512)}}
	if k.attrs.Alg.Hash != psa.HashAny {
		k.refuse(wire.OpSignHash, &psapb.Sign{KeyName: k.name, Alg: other, Input: make([]byte, 64)}, wire.StatusNotPermitted)
	}
}

func withHash(h psa.Hash) *psapb.AsymmetricSignature_WithSignHash {
	return &psapb.AsymmetricSignature_WithSignHash{HashAlg: &psapb.AsymmetricSignature_SignHash{
		Variant: &psapb.AsymmetricSignature_SignHash_Specific{Specific: int32(h)},
	}}
}

// operation returns the signature algorithm of the policy with a hash that an operation
// may name.
func (k *usedKey) operation() (*psapb.AsymmetricSignature, psa.Algorithm) {
	a := k.attrs.Alg
	if a.Hash == psa.HashAny {
		a.Hash = psa.HashSHA384
	}
	m, err := psa.EncodeSignature(a)
	if err != nil {
		k.t.Fatal(err)
	}
	return m, a
}

func (k *usedKey) rsa() {
	key, err := x509.ParsePKCS1PrivateKey(k.data)
	if err != nil {
		k.t.Fatal(err)
	}
	if got := k.must(wire.OpExportPublicKey, k.ref()); !bytes.Equal(got, x509.MarshalPKCS1PublicKey(&key.PublicKey)) {
		k.t.Errorf("public key %x", got)
	}
	if k.attrs.Alg.Kind.Encryption() {
		k.rsaCrypt(key)
		return
	}
	alg, a := k.operation()
	digest := make([]byte, max(a.Hash.Size(), 32))
	for i := range digest {
		digest[i] = byte(i)
	}
	sig := k.must(wire.OpSignHash, &psapb.Sign{KeyName: k.name, Alg: alg, Input: digest})
	if a.Kind == psa.AlgRSAPSS {
		err = rsa.VerifyPSS(&key.PublicKey, a.Hash.Std(), digest, sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	} else {
		var want []byte
		want, err = rsa.SignPKCS1v15(nil, key, a.Hash.Std(), digest)
		if !bytes.Equal(sig, want) {
			k.t.Errorf("signature %x, want %x", sig, want)
		}
	}
	if err != nil {
		k.t.Error(err)
	}
	k.verifies(alg, digest, sig)
}

// verifies has the service verify a signature, and refuse it for another digest. A changed signature would not do: the
// original may find that of PSS out of range, row software-signature-range.
func (k *usedKey) verifies(alg *psapb.AsymmetricSignature, digest, sig []byte) {
	k.t.Helper()
	if k.attrs.Usage.Has(psa.UsageVerifyHash) {
		k.must(wire.OpVerifyHash, &psapb.Verify{KeyName: k.name, Alg: alg, Input: digest, Signature: sig})
		other := bytes.Clone(digest)
		other[0] ^= 1
		k.refuse(wire.OpVerifyHash, &psapb.Verify{KeyName: k.name, Alg: alg, Input: other, Signature: sig}, wire.StatusInvalidSignature)
	}
}

func (k *usedKey) rsaCrypt(key *rsa.PrivateKey) {
	alg, err := psa.EncodeEncryption(k.attrs.Alg)
	if err != nil {
		k.t.Fatal(err)
	}
	plain, label := []byte("a message"), []byte(nil)
	var made []byte
	if k.attrs.Alg.Kind == psa.AlgRSAOAEP {
		label = []byte("label")
		made, err = rsa.EncryptOAEP(k.attrs.Alg.Hash.Std().New(), rand.Reader, &key.PublicKey, plain, label)
	} else {
		made, err = rsa.EncryptPKCS1v15(rand.Reader, &key.PublicKey, plain) //nolint:staticcheck // the contract has it
	}
	if err != nil {
		k.t.Fatal(err)
	}
	if got := k.must(wire.OpAsymmetricDecrypt, &psapb.AsymmetricCrypt{KeyName: k.name, Alg: alg, Input: made, Salt: label}); !bytes.Equal(got, plain) {
		k.t.Errorf("decrypts to %q", got)
	}
	ours := k.must(wire.OpAsymmetricEncrypt, &psapb.AsymmetricCrypt{KeyName: k.name, Alg: alg, Input: plain, Salt: label})
	var back []byte
	if label != nil {
		back, err = rsa.DecryptOAEP(k.attrs.Alg.Hash.Std().New(), nil, key, ours, label)
	} else {
		back, err = rsa.DecryptPKCS1v15(nil, key, ours) //nolint:staticcheck // the contract has it
	}
	if err != nil || !bytes.Equal(back, plain) {
		k.t.Errorf("what it encrypted is %q, %v", back, err)
	}
}

// public returns the public key, computed without the agent; nil for public keys.
func (k *usedKey) public() []byte {
	switch {
	case k.attrs.Type.Public():
		return k.data
	case k.attrs.Curve == psa.CurveSECPK1:
		return secp256k1.public(k.data)
	case k.attrs.Curve == psa.CurveBrainpoolPR1:
		return brainpoolP256r1.public(k.data)
	}
	key, err := k.dh().NewPrivateKey(k.data)
	if err != nil {
		k.t.Fatal(err)
	}
	return key.PublicKey().Bytes()
}

func (k *usedKey) dh() ecdh.Curve {
	switch {
	case k.attrs.Curve == psa.CurveMontgomery:
		return ecdh.X25519()
	case len(k.data) == 48:
		return ecdh.P384()
	default:
		return ecdh.P256()
	}
}

func (k *usedKey) ecc() {
	public := k.must(wire.OpExportPublicKey, k.ref())
	if want := k.public(); !bytes.Equal(public, want) {
		k.t.Fatalf("public key %x, want %x", public, want)
	}
	switch {
	case k.attrs.Alg.Kind == psa.AlgECDH:
		k.agree()
	case k.attrs.Type.Public():
		alg, a := k.operation()
		k.refuse(wire.OpVerifyHash, &psapb.Verify{
			KeyName: k.name, Alg: alg, Input: make([]byte, a.Hash.Size()), Signature: make([]byte, 64),
		}, wire.StatusInvalidSignature)
		k.refuse(wire.OpSignHash, &psapb.Sign{KeyName: k.name, Alg: alg, Input: make([]byte, a.Hash.Size())}, wire.StatusNotPermitted)
	default:
		k.ecdsa(public)
	}
}

func (k *usedKey) ecdsa(public []byte) {
	alg, a := k.operation()
	digest := bytes.Repeat([]byte{0x5a}, max(a.Hash.Size(), 32))
	in := &psapb.Sign{KeyName: k.name, Alg: alg, Input: digest}
	sig := k.must(wire.OpSignHash, in)
	if a.Kind == psa.AlgDeterministicECDSA {
		k.deterministic(digest, sig)
	}
	var good bool
	switch k.attrs.Curve {
	case psa.CurveSECPK1:
		good = secp256k1.verify(public, digest, sig)
	case psa.CurveBrainpoolPR1:
		good = brainpoolP256r1.verify(public, digest, sig)
	default:
		curve := elliptic.P256()
		if len(public) == 97 {
			curve = elliptic.P384()
		}
		key, err := ecdsa.ParseUncompressedPublicKey(curve, public)
		if err != nil {
			k.t.Fatal(err)
		}
		half := len(sig) / 2
		good = ecdsa.Verify(key, digest, new(big.Int).SetBytes(sig[:half]), new(big.Int).SetBytes(sig[half:]))
	}
	if !good {
		k.t.Errorf("signature %x is wrong", sig)
	}
	k.verifies(alg, digest, sig)
}

// deterministic compares with RFC 6979 as the standard library does it.
func (k *usedKey) deterministic(digest, sig []byte) {
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), k.data)
	if err != nil {
		k.t.Fatal(err)
	}
	der, err := key.Sign(nil, digest, crypto.SHA256)
	if err != nil {
		k.t.Fatal(err)
	}
	// SEQUENCE { INTEGER r, INTEGER s }: both numbers are within.
	if r := bytes.TrimLeft(sig[:32], "\x00"); !bytes.Contains(der, r) || !bytes.HasSuffix(der, bytes.TrimLeft(sig[32:], "\x00")) {
		k.t.Errorf("signature %x, want that of %x", sig, der)
	}
}

func (k *usedKey) agree() {
	peer, err := k.dh().GenerateKey(rand.Reader)
	if err != nil {
		k.t.Fatal(err)
	}
	in := &psapb.RawKeyAgreement{
		Alg: psa.EncodeRawAgreement(psa.Algorithm{Kind: psa.AlgECDH}), PrivateKeyName: k.name, PeerKey: peer.PublicKey().Bytes(),
	}
	if k.attrs.Alg.KDF != psa.AlgNone {
		k.refuse(wire.OpRawKeyAgreement, in, wire.StatusNotPermitted)
		return
	}
	own, err := k.dh().NewPublicKey(k.public())
	if err != nil {
		k.t.Fatal(err)
	}
	want, err := peer.ECDH(own)
	if err != nil {
		k.t.Fatal(err)
	}
	if got := k.must(wire.OpRawKeyAgreement, in); !bytes.Equal(got, want) {
		k.t.Errorf("shared secret %x, want %x", got, want)
	}
}

func (k *usedKey) aead() {
	alg, err := psa.EncodeAEAD(k.attrs.Alg)
	if err != nil {
		k.t.Fatal(err)
	}
	in := &psapb.AeadCrypt{KeyName: k.name, Alg: alg, Nonce: []byte("twelve bytes"), AdditionalData: []byte("more"), Input: []byte("a message")}
	made := k.must(wire.OpAEADEncrypt, in)
	if known := k.standard(); known != nil {
		if want := known.Seal(nil, in.GetNonce(), in.GetInput(), in.GetAdditionalData()); !bytes.Equal(made, want) {
			k.t.Errorf("ciphertext %x, want %x", made, want)
		}
	}
	plain := in.GetInput()
	in.Input = made
	if got := k.must(wire.OpAEADDecrypt, in); !bytes.Equal(got, plain) {
		k.t.Errorf("decrypts to %q", got)
	}
	in.Input = bytes.Clone(made)
	in.Input[0] ^= 1
	k.refuse(wire.OpAEADDecrypt, in, wire.StatusInvalidSignature)
}

// standard returns the standard library's cipher for a key, nil if it has none.
func (k *usedKey) standard() cipher.AEAD {
	var out cipher.AEAD
	var err error
	switch {
	case k.attrs.Type == psa.KeyChaCha20:
		out, err = chacha20poly1305.New(k.data)
	case k.attrs.Type == psa.KeyAES && k.attrs.Alg.Kind == psa.AlgGCM:
		var block cipher.Block
		if block, err = aes.NewCipher(k.data); err == nil {
			out, err = cipher.NewGCM(block)
		}
	}
	if err != nil {
		k.t.Fatal(err)
	}
	return out
}

// mac uses a MAC key, which callers that asked may.
func (k *usedKey) mac() {
	conn, err := k.u.session.Keep(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	defer conn.Close()
	alg, err := psa.EncodeMAC(k.attrs.Alg)
	if err != nil {
		k.t.Fatal(err)
	}
	out := &psapb.Output{}
	in := &psapb.MacCompute{KeyName: k.name, Alg: alg, Input: []byte("a message")}
	if err := conn.Do(k.t.Context(), wire.OpMACCompute, in, out); err != nil {
		k.t.Fatal(err)
	}
	if k.attrs.Alg.Kind == psa.AlgHMAC {
		h := hmac.New(sha256.New, k.data)
		h.Write(in.GetInput())
		if !hmac.Equal(out.GetOutput(), h.Sum(nil)) {
			k.t.Errorf("code %x", out.GetOutput())
		}
	}
	if err := k.verifyMAC(k.t.Context(), conn, alg, in.GetInput(), out.GetOutput()); err != nil {
		k.t.Error(err)
	}
	if err := k.verifyMAC(k.t.Context(), conn, alg, []byte("another"), out.GetOutput()); !errors.Is(err, wire.StatusInvalidSignature) {
		k.t.Errorf("another message: %v", err)
	}
}

func (k *usedKey) verifyMAC(ctx context.Context, conn *socket.Conn, alg *psapb.Mac, input, mac []byte) error {
	return conn.Do(ctx, wire.OpMACVerify, &psapb.MacVerify{KeyName: k.name, Alg: alg, Input: input, Mac: mac}, nil)
}

func (k *usedKey) cipher() {
	block, err := des.NewTripleDESCipher(k.data)
	if err != nil {
		k.t.Fatal(err)
	}
	plain := []byte(strings.Repeat("8 bytes.", 3))
	in := &psapb.CipherCrypt{KeyName: k.name, Alg: psa.EncodeCipher(k.attrs.Alg), Input: plain}
	made := k.must(wire.OpCipherEncrypt, in)
	back := make([]byte, len(made)-8)
	cipher.NewCBCDecrypter(block, made[:8]).CryptBlocks(back, made[8:])
	if !bytes.Equal(back, plain) {
		k.t.Errorf("what it encrypted is %q", back)
	}
	in.Input = made
	if got := k.must(wire.OpCipherDecrypt, in); !bytes.Equal(got, plain) {
		k.t.Errorf("decrypts to %q", got)
	}
}
