package tool

import (
	"context"
	_ "crypto/sha256" // SHA-224 and SHA-256 of sign and create-csr
	_ "crypto/sha512" // SHA-384 and SHA-512
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// hashes are those that the tool computes.
var hashes = []psa.Hash{psa.HashSHA224, psa.HashSHA256, psa.HashSHA384, psa.HashSHA512}

func sign(ctx context.Context, r *run) error {
	a, err := r.attributes(ctx)
	if err != nil {
		return err
	}
	if a.Alg.Hash == psa.HashAny {
		return r.refuseSigning(errNotSupported, "Signing key allows any hashing algorithm, but no default was specified.")
	}
	signature, err := r.sign(ctx, a, a.Alg, []byte(r.args.arg))
	if err != nil {
		return err
	}
	fmt.Fprintln(r.Out, base64.StdEncoding.EncodeToString(signature))
	return nil
}

// sign hashes and signs a message; ECDSA signatures come in ASN.1.
func (r *run) sign(ctx context.Context, a psa.Attributes, alg psa.Algorithm, message []byte) ([]byte, error) {
	switch {
	case !a.Alg.Kind.Signature():
		return nil, r.refuseSigning(errWrongAlgorithm, "Key's algorithm is %s which can not be used for signing.", debugAlgorithm(a.Alg))
	case alg.Hash == psa.HashNone:
		return nil, r.refuseSigning(errNotSupported, "Asymmetric signing algorithm (%s) is not supported", debugSignature(alg))
	case !slices.Contains(hashes, alg.Hash):
		return nil, r.refuseSigning(errNotSupported, "Hashing algorithm (%s) not supported", hashForms[alg.Hash])
	}
	r.sayAs(signModule, "Hashing data with %s...", hashForms[alg.Hash])
	h := alg.Hash.Std().New()
	h.Write(message)
	r.sayAs(signModule, "Signing data with %s...", debugSignature(alg))
	signature, err := r.client.SignHash(ctx, r.key(), alg, h.Sum(nil))
	if err != nil || !a.Type.ECC() {
		return signature, err
	}
	return client.ECDSAToASN1(signature)
}

func encrypt(ctx context.Context, r *run) error {
	a, err := r.attributes(ctx)
	if err != nil {
		return err
	}
	if !a.Alg.Kind.Encryption() {
		return r.unencrypted(a, "cannot be used for encryption", "encryption")
	}
	r.say("Encrypting data with %s...", debugEncryption(a.Alg))
	out, err := r.client.AsymmetricEncrypt(ctx, r.key(), a.Alg, []byte(r.args.arg), nil)
	if err != nil {
		return err
	}
	fmt.Fprintln(r.Out, base64.StdEncoding.EncodeToString(out))
	return nil
}

// unencrypted refuses a key that is not for asymmetric encryption.
func (r *run) unencrypted(a psa.Attributes, never, what string) error {
	if a.Alg.Kind.AEAD() || a.Alg.Kind.Cipher() {
		return r.refuse(errNotSupported, "Key's algorithm is %s which is not currently supported for %s.", debugAlgorithm(a.Alg), what)
	}
	return r.refuse(errWrongAlgorithm, "Key's algorithm is %s which %s.", debugAlgorithm(a.Alg), never)
}

func decrypt(ctx context.Context, r *run) error {
	text, err := decodeBase64(r.args.arg)
	if err != nil {
		return err
	}
	a, err := r.attributes(ctx)
	if err != nil {
		return err
	}
	if !a.Alg.Kind.Encryption() {
		return r.unencrypted(a, "can not be used for decryption", "decryption")
	}
	r.say("Decrypting data with %s...", debugEncryption(a.Alg))
	out, err := r.client.AsymmetricDecrypt(ctx, r.key(), a.Alg, text, nil)
	if err != nil {
		return err
	}
	defer clear(out)
	fmt.Fprintln(r.Out, strings.ToValidUTF8(string(out), "\ufffd"))
	return nil
}

func exportPublic(ctx context.Context, r *run) error {
	data, err := r.client.ExportPublicKey(ctx, r.key())
	if err != nil {
		return err
	}
	a, err := r.attributes(ctx)
	if err != nil {
		return err
	}
	form := keyfile.Standard
	switch {
	case a.Type.RSA() && r.args.flags["pkcs1"]:
		form = keyfile.Traditional
	case a.Type.RSA():
	case !a.Type.ECC():
		return r.refuse(errNotSupported, "Unsupported type of key")
	case r.args.flags["pkcs1"]:
		return r.refuse(errWrongAlgorithm, "PKCS1 format doesn't support ECC keys")
	case a.Curve != psa.CurveSECPR1 && a.Curve != psa.CurveSECPK1:
		return r.refuse(errNotSupported, "Unsupported Ecc family \"%s\"", curveName(a.Curve))
	}
	der, label, err := keyfile.EncodePublic(a, data, form)
	if err != nil {
		return r.refuse(errNotSupported, "Unsupported number of bits %d for Ecc family \"%s\"", a.Bits, curveName(a.Curve))
	}
	_, err = r.Out.Write(keyfile.PEM(der, label))
	return err
}
