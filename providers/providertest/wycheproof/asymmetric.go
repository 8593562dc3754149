package wycheproof

import (
	"bytes"
	"encoding/asn1"
	"encoding/json"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// curveInfo is a curve by its name in the vectors.
type curveInfo struct {
	family psa.Curve
	bits   uint64
	oid    string
}

var curves = map[string]curveInfo{
	"secp192k1":       {psa.CurveSECPK1, 192, "1.3.132.0.31"},
	"secp192r1":       {psa.CurveSECPR1, 192, "1.2.840.10045.3.1.1"},
	"secp224r1":       {psa.CurveSECPR1, 224, "1.3.132.0.33"},
	"secp256k1":       {psa.CurveSECPK1, 256, "1.3.132.0.10"},
	"secp256r1":       {psa.CurveSECPR1, 256, "1.2.840.10045.3.1.7"},
	"secp384r1":       {psa.CurveSECPR1, 384, "1.3.132.0.34"},
	"secp521r1":       {psa.CurveSECPR1, 521, "1.3.132.0.35"},
	"brainpoolP256r1": {psa.CurveBrainpoolPR1, 256, "1.3.36.3.3.2.8.1.1.7"},
	"brainpoolP384r1": {psa.CurveBrainpoolPR1, 384, "1.3.36.3.3.2.8.1.1.11"},
	"brainpoolP512r1": {psa.CurveBrainpoolPR1, 512, "1.3.36.3.3.2.8.1.1.13"},
	"curve25519":      {psa.CurveMontgomery, 255, ""},
	"curve448":        {psa.CurveMontgomery, 448, ""},
}

func (c curveInfo) size() int { return int(c.bits+7) / 8 } //nolint:gosec // of the table

var hashes = map[string]psa.Hash{
	"SHA-1": psa.HashSHA1, "SHA-224": psa.HashSHA224, "SHA-256": psa.HashSHA256, "SHA-384": psa.HashSHA384, "SHA-512": psa.HashSHA512,
	"SHA-512/224": psa.HashSHA512224, "SHA-512/256": psa.HashSHA512256,
	"SHA3-224": psa.HashSHA3224, "SHA3-256": psa.HashSHA3256, "SHA3-384": psa.HashSHA3384, "SHA3-512": psa.HashSHA3512,
}

// NoSalt is the exception of signatures with PSS that others than the service may accept.
const NoSalt = "the service verifies PSS with a salt as long as the hash only"

const (
	noHash  = "the hash is not supported by the service"
	noMGF   = "the service has PSS and OAEP only with one hash for both purposes"
	noSize  = "the service has RSA keys of 1024 to 4096 bits only"
	noEmpty = "the service refuses empty data"
)

func unsupportedHash(h psa.Hash) bool { return h == psa.HashSHA512224 || h == psa.HashSHA512256 }

// verify makes a signature case; most kinds differ in the key only.
func verify(c Case, t psa.KeyType, curve psa.Curve, kind psa.Kind, g *group, v *test) (Case, error) {
	var h psa.Hash
	if kind != psa.AlgPureEdDSA {
		var ok bool
		if h, ok = hashes[g.Hash]; !ok {
			return c, fmt.Errorf("unknown hash %q", g.Hash)
		}
		if unsupportedHash(h) {
			c.Exception = noHash
		}
	}
	c.Op, c.Input, c.Output = VerifyMessage, v.Msg, v.Sig
	c.Attributes = psa.Attributes{Type: t, Curve: curve, Usage: psa.UsageVerifyMessage, Alg: psa.Algorithm{Kind: kind, Hash: h}}
	return c, nil
}

func convertECDSA(g *group, v *test, c Case) ([]Case, error) {
	var pub struct {
		Curve        string   `json:"curve"`
		Uncompressed hexBytes `json:"uncompressed"`
	}
	if err := json.Unmarshal(g.PublicKey, &pub); err != nil {
		return nil, err
	}
	curve, ok := curves[pub.Curve]
	if !ok {
		return nil, fmt.Errorf("unknown curve %q", pub.Curve)
	}
	c, err := verify(c, psa.KeyECCPublic, curve.family, psa.AlgECDSA, g, v)
	if err != nil {
		return nil, err
	}
	c.KeyData = pub.Uncompressed
	if g.Type == "EcdsaVerify" {
		if c.Output, ok = rawSignature(v.Sig, curve.size()); !ok {
			return nil, nil // about DER, or not to be said as r ‖ s
		}
	}
	return []Case{c}, nil
}

// rawSignature turns DER into r ‖ s where it is DER and both fit.
func rawSignature(der []byte, size int) ([]byte, bool) {
	in := cryptobyte.String(der)
	var seq cryptobyte.String
	var r, s []byte
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1Integer(&r) || !seq.ReadASN1Integer(&s) || !seq.Empty() ||
		len(r) > size || len(s) > size {
		return nil, false
	}
	out := make([]byte, 2*size)
	copy(out[size-len(r):], r)
	copy(out[2*size-len(s):], s)
	return out, true
}

func convertEd25519(g *group, v *test, c Case) ([]Case, error) {
	var pub struct {
		PK hexBytes `json:"pk"`
	}
	if err := json.Unmarshal(g.PublicKey, &pub); err != nil {
		return nil, err
	}
	c, err := verify(c, psa.KeyECCPublic, psa.CurveEdwards, psa.AlgPureEdDSA, g, v)
	c.KeyData = pub.PK
	return []Case{c}, err
}

func convertRSASignature(kind psa.Kind, g *group, v *test, c Case) ([]Case, error) {
	c, err := verify(c, psa.KeyRSAPublic, psa.CurveNone, kind, g, v)
	if err != nil {
		return nil, err
	}
	c.KeyData = g.PublicASN
	switch h := c.Attributes.Alg.Hash; {
	case g.KeySize > 4096:
		c.Exception = noSize
	case kind == psa.AlgRSAPSS && g.MGFHash != g.Hash:
		c.Exception = noMGF
	case kind == psa.AlgRSAPSS && g.SaltLength != h.Size():
		c.Exception = NoSalt
	}
	if c.Exception != "" && c.Want != Valid {
		return nil, nil // invalid under parameters that are not ours: no statement about us
	}
	return []Case{c}, nil
}

func convertRSADecrypt(kind psa.Kind, g *group, v *test, c Case) ([]Case, error) {
	var info struct {
		Version   int
		Algorithm asn1.RawValue
		Key       []byte
	}
	if _, err := asn1.Unmarshal(g.PKCS8, &info); err != nil {
		return nil, fmt.Errorf("PKCS#8: %w", err)
	}
	alg := psa.Algorithm{Kind: kind}
	if kind == psa.AlgRSAOAEP {
		alg.Hash = hashes[g.Hash]
	}
	c.Op, c.Input, c.Salt, c.Output, c.KeyData = Decrypt, v.CT, v.Label, v.Msg, info.Key
	c.Attributes = psa.Attributes{Type: psa.KeyRSAPair, Usage: psa.UsageDecrypt, Alg: alg}
	switch {
	case kind == psa.AlgRSAOAEP && g.MGFHash != g.Hash:
		c.Exception = noMGF
	case kind == psa.AlgRSAOAEP && unsupportedHash(alg.Hash):
		c.Exception = noHash
	case g.KeySize < 1024 || g.KeySize > 4096 || g.KeySize%8 != 0:
		c.Exception = noSize
	}
	return []Case{c}, nil
}

func convertECDH(g *group, v *test, c Case) ([]Case, error) {
	curve, ok := curves[g.Curve]
	if !ok {
		return nil, fmt.Errorf("unknown curve %q", g.Curve)
	}
	c.Op, c.Input, c.Output, c.KeyData = Agree, v.Public, v.Shared, v.Private
	c.Attributes = psa.Attributes{
		Type: psa.KeyECCPair, Curve: curve.family, Usage: psa.UsageDerive, Alg: psa.Algorithm{Kind: psa.AlgECDH},
	}
	if curve.family == psa.CurveMontgomery {
		return []Case{c}, nil
	}
	c.KeyData = fixed(v.Private, curve.size())
	if g.Type == "EcdhTest" {
		if c.Input, ok = spkiPoint(v.Public, curve.oid); !ok {
			return nil, nil // about the encoding, or a key of another curve
		}
	}
	if len(c.Input) == curve.size()+1 { // the service has no compressed points
		c.Want = Invalid
	}
	return []Case{c}, nil
}

// fixed gives a big-endian number the length in bytes.
func fixed(b []byte, size int) []byte {
	b = bytes.TrimLeft(b, "\x00")
	if len(b) > size {
		return b
	}
	return append(make([]byte, size-len(b)), b...)
}

// spkiPoint returns the point of a key that is well formed and names the curve.
func spkiPoint(spki []byte, oid string) ([]byte, bool) {
	var info struct {
		Algorithm struct {
			Key   asn1.ObjectIdentifier
			Curve asn1.ObjectIdentifier
		}
		Point asn1.BitString
	}
	rest, err := asn1.Unmarshal(spki, &info)
	ok := err == nil && len(rest) == 0 && info.Algorithm.Key.String() == "1.2.840.10045.2.1" && info.Algorithm.Curve.String() == oid
	return info.Point.Bytes, ok && info.Point.BitLength%8 == 0
}
