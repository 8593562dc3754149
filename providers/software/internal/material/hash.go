package material

import (
	"crypto"
	_ "crypto/md5"  //nolint:gosec // for signatures and hashes that applications still have to verify
	_ "crypto/sha1" //nolint:gosec // as above; new keys are refused by the deprecation rule
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"

	_ "golang.org/x/crypto/ripemd160" //nolint:gosec,staticcheck // part of the original's set

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// digestInfo is the DER of a PKCS#1 DigestInfo without the digest, by hash. Its keys are
// the hashes that the provider supports; MD2, MD4, SHA-512/224 and SHA-512/256 are not among
// them, as in the original.
var digestInfo = map[psa.Hash]string{
	psa.HashMD5:       "\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10",
	psa.HashRIPEMD160: "\x30\x21\x30\x09\x06\x05\x2b\x24\x03\x02\x01\x05\x00\x04\x14",
	psa.HashSHA1:      "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
	psa.HashSHA256:    "\x30\x31" + nistHash + "\x01\x05\x00\x04\x20",
	psa.HashSHA384:    "\x30\x41" + nistHash + "\x02\x05\x00\x04\x30",
	psa.HashSHA512:    "\x30\x51" + nistHash + "\x03\x05\x00\x04\x40",
	psa.HashSHA224:    "\x30\x2d" + nistHash + "\x04\x05\x00\x04\x1c",
	psa.HashSHA3224:   "\x30\x2d" + nistHash + "\x07\x05\x00\x04\x1c",
	psa.HashSHA3256:   "\x30\x31" + nistHash + "\x08\x05\x00\x04\x20",
	psa.HashSHA3384:   "\x30\x41" + nistHash + "\x09\x05\x00\x04\x30",
	psa.HashSHA3512:   "\x30\x51" + nistHash + "\x0a\x05\x00\x04\x40",
}

// nistHash begins the AlgorithmIdentifier of NIST's hashes: 2.16.840.1.101.3.4.2.
const nistHash = "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02"

// supportedHash returns the implementation of a specific hash, or StatusNotSupported.
func supportedHash(h psa.Hash) (crypto.Hash, error) {
	if _, ok := digestInfo[h]; !ok {
		return 0, wire.Errorf(wire.StatusNotSupported, "the hash %s is not supported", h)
	}
	return h.Std(), nil
}

// HashCompute returns the digest of the input, which may be empty.
func HashCompute(alg psa.Hash, input []byte) ([]byte, error) {
	h, err := supportedHash(alg)
	if err != nil {
		return nil, err
	}
	d := h.New()
	d.Write(input)
	return d.Sum(nil), nil
}
