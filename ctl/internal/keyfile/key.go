package keyfile

import (
	"encoding/asn1"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// Key is a key as the service takes it.
type Key struct {
	// Type, Curve and Bits of the attributes; usage and algorithm are for the caller.
	Attributes psa.Attributes
	// Data is in the format of docs/spec/parsec-service.md section 3.5.
	Data []byte
	// Public is the public half of an ECC pair where the file has it, in the same format.
	Public []byte
	// Form names what the key was read from, such as "PKCS #8".
	Form string
	// Scheme is the algorithm to which the file restricts the key; AlgNone if to none.
	Scheme psa.Kind
}

// Wipe overwrites the key.
func (k *Key) Wipe() { clear(k.Data) }

// ErrPassphrase is a passphrase that does not open an encrypted key, or none at all.
var ErrPassphrase = errors.New("the passphrase does not open the key")

// curve is an elliptic curve and its name in ASN.1.
type curve struct {
	oid    asn1.ObjectIdentifier
	family psa.Curve
	bits   uint64
}

// size returns the length of a coordinate or a scalar in bytes.
func (c curve) size() int { return int((c.bits + 7) / 8) } //nolint:gosec // below 600

var curves = []curve{
	{asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 1}, psa.CurveSECPR1, 192},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 33}, psa.CurveSECPR1, 224},
	{asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}, psa.CurveSECPR1, 256},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 34}, psa.CurveSECPR1, 384},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 35}, psa.CurveSECPR1, 521},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 31}, psa.CurveSECPK1, 192},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 32}, psa.CurveSECPK1, 224},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 10}, psa.CurveSECPK1, 256},
	{asn1.ObjectIdentifier{1, 3, 36, 3, 3, 2, 8, 1, 1, 7}, psa.CurveBrainpoolPR1, 256},
	{asn1.ObjectIdentifier{1, 3, 36, 3, 3, 2, 8, 1, 1, 11}, psa.CurveBrainpoolPR1, 384},
	{asn1.ObjectIdentifier{1, 3, 36, 3, 3, 2, 8, 1, 1, 13}, psa.CurveBrainpoolPR1, 512},
}

// bare are the curves of RFC 8410, whose keys have no parameters.
var bare = []curve{
	{asn1.ObjectIdentifier{1, 3, 101, 110}, psa.CurveMontgomery, 255},
	{asn1.ObjectIdentifier{1, 3, 101, 111}, psa.CurveMontgomery, 448},
	{asn1.ObjectIdentifier{1, 3, 101, 112}, psa.CurveEdwards, 255},
}

var (
	oidRSA = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidPSS = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidEC  = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
)

func byOID(list []curve, oid asn1.ObjectIdentifier) (curve, bool) {
	for _, c := range list {
		if c.oid.Equal(oid) {
			return c, true
		}
	}
	return curve{}, false
}

func byAttributes(list []curve, a psa.Attributes) (curve, bool) {
	for _, c := range list {
		if c.family == a.Curve && c.bits == a.Bits {
			return c, true
		}
	}
	return curve{}, false
}

// pair returns the attributes of a key pair on the curve.
func (c curve) pair() psa.Attributes {
	return psa.Attributes{Type: psa.KeyECCPair, Curve: c.family, Bits: c.bits}
}

// public returns the attributes of a public key on the curve.
func (c curve) public() psa.Attributes {
	return psa.Attributes{Type: psa.KeyECCPublic, Curve: c.family, Bits: c.bits}
}
