package pkcs11

import (
	"crypto/x509/pkix"
	"encoding/asn1"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// hashOIDs are the object identifiers of hashes in a DigestInfo of PKCS #1.
var hashOIDs = map[psa.Hash]asn1.ObjectIdentifier{
	psa.HashMD2:       {1, 2, 840, 113549, 2, 2},
	psa.HashMD4:       {1, 2, 840, 113549, 2, 4},
	psa.HashMD5:       {1, 2, 840, 113549, 2, 5},
	psa.HashRIPEMD160: {1, 3, 36, 3, 2, 1},
	psa.HashSHA1:      {1, 3, 14, 3, 2, 26},
	psa.HashSHA224:    {2, 16, 840, 1, 101, 3, 4, 2, 4},
	psa.HashSHA256:    {2, 16, 840, 1, 101, 3, 4, 2, 1},
	psa.HashSHA384:    {2, 16, 840, 1, 101, 3, 4, 2, 2},
	psa.HashSHA512:    {2, 16, 840, 1, 101, 3, 4, 2, 3},
	psa.HashSHA512224: {2, 16, 840, 1, 101, 3, 4, 2, 5},
	psa.HashSHA512256: {2, 16, 840, 1, 101, 3, 4, 2, 6},
	psa.HashSHA3224:   {2, 16, 840, 1, 101, 3, 4, 2, 7},
	psa.HashSHA3256:   {2, 16, 840, 1, 101, 3, 4, 2, 8},
	psa.HashSHA3384:   {2, 16, 840, 1, 101, 3, 4, 2, 9},
	psa.HashSHA3512:   {2, 16, 840, 1, 101, 3, 4, 2, 10},
}

// digestInfo is what PKCS#1 v1.5 signs: the hash with its name.
func digestInfo(h psa.Hash, hash []byte) ([]byte, error) {
	oid, ok := hashOIDs[h]
	if !ok {
		return nil, wire.Errorf(wire.StatusNotSupported, "signatures of the hash %s are not available", h)
	}
	return asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}{pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.NullRawValue}, hash})
}
