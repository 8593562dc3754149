package agent

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// EncodeAttributes converts attributes of any kind of key.
func EncodeAttributes(a psa.Attributes) *agentpb.Attributes {
	return &agentpb.Attributes{
		Type: uint32(a.Type), Curve: uint32(a.Curve), Group: uint32(a.Group), Bits: uint32(min(a.Bits, math.MaxUint32)),
		Usage: uint32(a.Usage), Algorithm: EncodeAlgorithm(a.Alg),
	}
}

// DecodeAttributes validates and converts attributes; it refuses with
// StatusInvalidEncoding what package psa does not know.
func DecodeAttributes(m *agentpb.Attributes) (psa.Attributes, error) {
	alg, err := DecodeAlgorithm(m.GetAlgorithm())
	if err != nil {
		return psa.Attributes{}, err
	}
	if m.GetType() > math.MaxUint8 || m.GetCurve() > math.MaxUint8 || m.GetGroup() > math.MaxUint8 || m.GetUsage() > uint32(psa.UsageAll) {
		return psa.Attributes{}, wire.Errorf(wire.StatusInvalidEncoding, "attributes out of range")
	}
	a := psa.Attributes{
		Type: psa.KeyType(m.GetType()), Curve: psa.Curve(m.GetCurve()), Group: psa.Group(m.GetGroup()), //nolint:gosec // compared above
		Bits: uint64(m.GetBits()), Usage: psa.Usage(m.GetUsage()).Expand(), Alg: alg, //nolint:gosec // compared above
	}
	return a, a.Valid()
}

// EncodeAlgorithm converts an algorithm of any kind.
func EncodeAlgorithm(a psa.Algorithm) *agentpb.Algorithm {
	return &agentpb.Algorithm{
		Kind: uint32(a.Kind), Hash: uint32(a.Hash), Truncated: a.Truncated, Length: uint32(min(a.Length, math.MaxUint32)),
		Kdf: uint32(a.KDF), KdfHash: uint32(a.KDFHash),
	}
}

// DecodeAlgorithm validates and converts an algorithm.
func DecodeAlgorithm(m *agentpb.Algorithm) (psa.Algorithm, error) {
	if m.GetKind() > math.MaxUint8 || m.GetHash() > math.MaxUint8 || m.GetKdf() > math.MaxUint8 || m.GetKdfHash() > math.MaxUint8 {
		return psa.Algorithm{}, wire.Errorf(wire.StatusInvalidEncoding, "algorithm out of range")
	}
	a := psa.Algorithm{
		Kind: psa.Kind(m.GetKind()), Hash: psa.Hash(m.GetHash()), Truncated: m.GetTruncated(), Length: uint64(m.GetLength()), //nolint:gosec // compared above
		KDF: psa.Kind(m.GetKdf()), KDFHash: psa.Hash(m.GetKdfHash()), //nolint:gosec // compared above
	}
	return a, a.Valid()
}

// DecodeExtension reads the extension fields of a flagged body. It returns nil, at the
// cost of a scan of the top-level tags, when there are none.
func DecodeExtension(body []byte) (*agentpb.Extension, error) {
	for b := body; len(b) > 0; {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, wire.StatusDeserializingBody
		}
		if num >= FirstField {
			m := &agentpb.Extension{}
			return m, psa.Unmarshal(body, m)
		}
		v := protowire.ConsumeFieldValue(num, typ, b[n:])
		if v < 0 {
			return nil, wire.StatusDeserializingBody
		}
		b = b[n+v:]
	}
	return nil, nil //nolint:nilnil // no extension is the usual case
}

// FirstField is the lowest field number of an extension.
const FirstField = 1000
