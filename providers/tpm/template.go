package tpm

import (
	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// authSize is the length of the authorisation values that we draw, as the original does.
const authSize = 32

// hashes are the hash algorithms that TPMs may have.
var hashes = map[psa.Hash]tpm2.TPMAlgID{
	psa.HashSHA1: tpm2.TPMAlgSHA1, psa.HashSHA256: tpm2.TPMAlgSHA256, psa.HashSHA384: tpm2.TPMAlgSHA384, psa.HashSHA512: tpm2.TPMAlgSHA512,
	psa.HashSHA3256: tpm2.TPMAlgSHA3256, psa.HashSHA3384: tpm2.TPMAlgSHA3384, psa.HashSHA3512: tpm2.TPMAlgSHA3512,
}

// curves are the curves of family SECP_R1 by their size.
var curves = map[uint64]tpm2.TPMECCCurve{
	192: tpm2.TPMECCNistP192, 224: tpm2.TPMECCNistP224, 256: tpm2.TPMECCNistP256, 384: tpm2.TPMECCNistP384, 521: tpm2.TPMECCNistP521,
}

// rsaSizes are the sizes that the original maps; the TPM decides.
var rsaSizes = map[uint64]bool{1024: true, 2048: true, 3072: true, 4096: true}

// signing are the signature algorithms that keys of a TPM can have.
var signing = map[psa.Kind]tpm2.TPMAlgID{
	psa.AlgRSAPKCS1v15Sign: tpm2.TPMAlgRSASSA, psa.AlgRSAPSS: tpm2.TPMAlgRSAPSS, psa.AlgECDSA: tpm2.TPMAlgECDSA,
}

// aesCFB is the cipher of a storage key.
func aesCFB(bits uint16) tpm2.TPMTSymDefObject {
	return tpm2.TPMTSymDefObject{
		Algorithm: tpm2.TPMAlgAES, KeyBits: tpm2.NewTPMUSymKeyBits(tpm2.TPMAlgAES, tpm2.TPMKeyBits(bits)),
		Mode: tpm2.NewTPMUSymMode(tpm2.TPMAlgAES, tpm2.TPMAlgCFB),
	}
}

// rootTemplate is the original's storage key. Every bit of it is in its Name, and its Name
// decides whether existing keys can be loaded.
func rootTemplate(cipherBits uint16) tpm2.TPMTPublic {
	return tpm2.TPMTPublic{
		Type: tpm2.TPMAlgRSA, NameAlg: tpm2.TPMAlgSHA256,
		ObjectAttributes: tpm2.TPMAObject{
			FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true, UserWithAuth: true, Restricted: true, Decrypt: true,
		},
		Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgRSA, &tpm2.TPMSRSAParms{Symmetric: aesCFB(cipherBits), KeyBits: 2048}),
		Unique:     tpm2.NewTPMUPublicID(tpm2.TPMAlgRSA, &tpm2.TPM2BPublicKeyRSA{}),
	}
}

// publicArea returns the public area of a key with these attributes, as the original makes
// it, without the unique part. Refusals carry the original's statuses.
func publicArea(attrs psa.Attributes) (*tpm2.TPMTPublic, error) {
	switch {
	case attrs.Type.RSA():
		return rsaArea(attrs)
	case attrs.Type.ECC():
		return eccArea(attrs)
	case attrs.Type == psa.KeyHMAC:
		return hmacArea(attrs)
	default:
		return nil, wire.Errorf(wire.StatusNotSupported, "a TPM holds no keys of type %s", attrs.Type)
	}
}

// area is a public area with what all have in common.
func area(kind tpm2.TPMAlgID, decrypt, sign bool) *tpm2.TPMTPublic {
	return &tpm2.TPMTPublic{
		Type: kind, NameAlg: tpm2.TPMAlgSHA256,
		ObjectAttributes: tpm2.TPMAObject{
			FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true, UserWithAuth: true, Decrypt: decrypt, SignEncrypt: sign,
		},
	}
}

func hashOf(alg psa.Algorithm) (tpm2.TPMAlgID, error) {
	h, ok := hashes[alg.Hash]
	if !ok {
		return 0, wire.Errorf(wire.StatusNotSupported, "a TPM has no %s for %s", alg.Hash, alg.Kind)
	}
	return h, nil
}

func rsaArea(attrs psa.Attributes) (*tpm2.TPMTPublic, error) {
	if !rsaSizes[attrs.Bits] {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "RSA keys of a TPM have 1024, 2048, 3072 or 4096 bits, not %d", attrs.Bits)
	}
	parms := &tpm2.TPMSRSAParms{KeyBits: tpm2.TPMKeyBits(attrs.Bits)} //nolint:gosec // one of rsaSizes
	decrypt := false
	switch alg := attrs.Alg; alg.Kind {
	case psa.AlgRSAPKCS1v15Sign, psa.AlgRSAPSS:
		h, err := hashOf(alg)
		if err != nil {
			return nil, err
		}
		if alg.Kind == psa.AlgRSAPSS {
			parms.Scheme = tpm2.TPMTRSAScheme{
				Scheme: tpm2.TPMAlgRSAPSS, Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgRSAPSS, &tpm2.TPMSSigSchemeRSAPSS{HashAlg: h}),
			}
		} else {
			parms.Scheme = tpm2.TPMTRSAScheme{
				Scheme: tpm2.TPMAlgRSASSA, Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgRSASSA, &tpm2.TPMSSigSchemeRSASSA{HashAlg: h}),
			}
		}
	case psa.AlgRSAOAEP:
		if _, err := hashOf(alg); err != nil {
			return nil, err
		}
		decrypt = true
	case psa.AlgRSAPKCS1v15Crypt:
		decrypt = true
	case psa.AlgRSAPKCS1v15SignRaw:
		return nil, wire.Errorf(wire.StatusNotSupported, "a TPM signs no %s", alg)
	default:
		return nil, wire.Errorf(wire.StatusInvalidArgument, "%s does not fit an RSA key of a TPM", alg)
	}
	a := area(tpm2.TPMAlgRSA, decrypt, true)
	a.Parameters = tpm2.NewTPMUPublicParms(tpm2.TPMAlgRSA, parms)
	return a, nil
}

func eccArea(attrs psa.Attributes) (*tpm2.TPMTPublic, error) {
	alg := attrs.Alg
	parms := &tpm2.TPMSECCParms{}
	ecdh := alg == psa.Algorithm{Kind: psa.AlgECDH}
	switch {
	case alg.Kind == psa.AlgECDSA && alg.Hash != psa.HashAny:
		h, err := hashOf(alg)
		if err != nil {
			return nil, err
		}
		parms.Scheme = tpm2.TPMTECCScheme{
			Scheme: tpm2.TPMAlgECDSA, Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSigSchemeECDSA{HashAlg: h}),
		}
	case ecdh && attrs.Curve == psa.CurveSECPR1:
	case alg.Kind == psa.AlgECDSAAny || alg.Kind == psa.AlgDeterministicECDSA || alg.Kind == psa.AlgPureEdDSA:
		return nil, wire.Errorf(wire.StatusNotSupported, "a TPM signs no %s", alg)
	default:
		return nil, wire.Errorf(wire.StatusInvalidArgument, "%s does not fit an elliptic curve key of a TPM", alg)
	}
	id, ok := curves[attrs.Bits]
	if !ok || attrs.Curve != psa.CurveSECPR1 {
		return nil, wire.Errorf(wire.StatusNotSupported, "a TPM has no curve %s with %d bits", attrs.Curve, attrs.Bits)
	}
	parms.CurveID = id
	a := area(tpm2.TPMAlgECC, ecdh, !ecdh)
	a.Parameters = tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, parms)
	return a, nil
}

func hmacArea(attrs psa.Attributes) (*tpm2.TPMTPublic, error) {
	if attrs.Alg.Kind != psa.AlgHMAC {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "%s does not fit an HMAC key", attrs.Alg)
	}
	h, err := hashOf(attrs.Alg)
	if err != nil {
		return nil, err
	}
	a := area(tpm2.TPMAlgKeyedHash, false, true)
	a.Parameters = tpm2.NewTPMUPublicParms(tpm2.TPMAlgKeyedHash, &tpm2.TPMSKeyedHashParms{Scheme: tpm2.TPMTKeyedHashScheme{
		Scheme: tpm2.TPMAlgHMAC, Details: tpm2.NewTPMUSchemeKeyedHash(tpm2.TPMAlgHMAC, &tpm2.TPMSSchemeHMAC{HashAlg: h}),
	}})
	return a, nil
}

// area returns the public area of a stored key.
func (s *stored) area(attrs psa.Attributes) (*tpm2.TPMTPublic, error) {
	if s.adopted != nil {
		return s.adopted.area(attrs)
	}
	if attrs.Bits == 0 {
		attrs.Bits = s.bits()
	}
	a, err := publicArea(attrs)
	if err != nil {
		return nil, err
	}
	switch {
	case a.Type == tpm2.TPMAlgRSA && s.kind == publicRSA:
		a.Unique = tpm2.NewTPMUPublicID(a.Type, &tpm2.TPM2BPublicKeyRSA{Buffer: s.unique})
	case a.Type == tpm2.TPMAlgECC && s.kind == publicECC:
		a.Unique = tpm2.NewTPMUPublicID(a.Type, &tpm2.TPMSECCPoint{
			X: tpm2.TPM2BECCParameter{Buffer: s.unique}, Y: tpm2.TPM2BECCParameter{Buffer: s.y},
		})
	case a.Type == tpm2.TPMAlgKeyedHash && s.kind == publicKeyedHash:
		a.Unique = tpm2.NewTPMUPublicID(a.Type, &tpm2.TPM2BDigest{Buffer: s.unique})
	default:
		return nil, wire.Errorf(wire.StatusDataCorrupt, "the stored key is not of type %s", attrs.Type)
	}
	if len(s.private) == 0 || s.form == formImported { // not born below the storage key
		a.ObjectAttributes.FixedTPM, a.ObjectAttributes.FixedParent = false, false
	}
	if len(s.private) == 0 || s.form != formCreated {
		a.ObjectAttributes.SensitiveDataOrigin = false
	}
	return a, nil
}

// area returns the public area as the TPM has it, if it is one of such a key.
func (a *adopted) area(attrs psa.Attributes) (*tpm2.TPMTPublic, error) {
	k, err := examine(a.public)
	if err != nil || k.attrs.Type != attrs.Type || k.attrs.Curve != attrs.Curve || k.attrs.Bits != attrs.Bits {
		return nil, wire.Errorf(wire.StatusDataCorrupt, "the adopted key is not of type %s", attrs.Type)
	}
	return a.public, nil
}

// take stores the unique part of a public area that the TPM made.
func (s *stored) take(a *tpm2.TPMTPublic) error {
	switch a.Type {
	case tpm2.TPMAlgRSA:
		u, err := a.Unique.RSA()
		if err != nil {
			return err
		}
		s.kind, s.unique = publicRSA, u.Buffer
	case tpm2.TPMAlgECC:
		u, err := a.Unique.ECC()
		if err != nil {
			return err
		}
		s.kind, s.unique, s.y = publicECC, u.X.Buffer, u.Y.Buffer
	default:
		u, err := a.Unique.KeyedHash()
		if err != nil {
			return err
		}
		s.kind, s.unique = publicKeyedHash, u.Buffer
	}
	return nil
}

// scheme returns the TPM's algorithm that a key's use takes.
func scheme(k psa.Kind) tpm2.TPMAlgID {
	switch k {
	case psa.AlgRSAPKCS1v15Crypt, psa.AlgRSAOAEP:
		return tpm2.TPMAlgRSA
	case psa.AlgECDH:
		return tpm2.TPMAlgECDH
	case psa.AlgHMAC:
		return tpm2.TPMAlgHMAC
	default:
		return signing[k]
	}
}
