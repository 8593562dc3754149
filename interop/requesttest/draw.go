package requesttest

import (
	"math/rand/v2"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// pick draws one of some values.
func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// chance is true in percent of a hundred cases.
func chance(r *rand.Rand, percent int) bool { return r.IntN(100) < percent }

// hash draws a hash, mostly a usual one.
func hash(r *rand.Rand) psa.Hash {
	if chance(r, 70) {
		return pick(r, psa.HashSHA256, psa.HashSHA256, psa.HashSHA384, psa.HashSHA512, psa.HashSHA224)
	}
	return psa.Hash(1 + r.IntN(15))
}

// signature draws a signature algorithm for a policy or an operation.
func signature(r *rand.Rand, kinds ...psa.Kind) psa.Algorithm {
	a := psa.Algorithm{Kind: pick(r, kinds...)}
	if a.Kind != psa.AlgRSAPKCS1v15SignRaw && a.Kind != psa.AlgECDSAAny {
		a.Hash = hash(r)
		if chance(r, 12) {
			a.Hash = psa.HashAny
		}
	}
	return a
}

var (
	rsaSignatures = []psa.Kind{psa.AlgRSAPKCS1v15Sign, psa.AlgRSAPKCS1v15Sign, psa.AlgRSAPKCS1v15SignRaw, psa.AlgRSAPSS}
	eccSignatures = []psa.Kind{psa.AlgECDSA, psa.AlgECDSA, psa.AlgECDSA, psa.AlgECDSAAny, psa.AlgDeterministicECDSA}
	ciphers       = []psa.Kind{psa.AlgCTR, psa.AlgCFB, psa.AlgOFB, psa.AlgXTS, psa.AlgECBNoPadding, psa.AlgCBCNoPadding, psa.AlgCBCPKCS7}
)

// fitting draws an algorithm that keys of a type can be used with.
func fitting(r *rand.Rand, typ psa.KeyType) psa.Algorithm {
	switch typ {
	case psa.KeyRSAPair, psa.KeyRSAPublic:
		if chance(r, 40) {
			return encryption(r)
		}
		return signature(r, rsaSignatures...)
	case psa.KeyECCPair, psa.KeyECCPublic:
		if chance(r, 25) {
			return agreement(r, psa.AlgECDH)
		}
		return signature(r, eccSignatures...)
	case psa.KeyAES, psa.KeyCamellia:
		if chance(r, 80) {
			return aead(r, psa.AlgGCM, psa.AlgCCM)
		}
		return psa.Algorithm{Kind: pick(r, append(ciphers, psa.AlgCMAC, psa.AlgCBCMAC)...)}
	case psa.KeyDES:
		return psa.Algorithm{Kind: pick(r, append(ciphers, psa.AlgCMAC)...)}
	case psa.KeyChaCha20:
		if chance(r, 15) {
			return psa.Algorithm{Kind: psa.AlgStreamCipher}
		}
		return aead(r, psa.AlgChaCha20Poly1305)
	case psa.KeyARC4:
		return psa.Algorithm{Kind: psa.AlgStreamCipher}
	case psa.KeyHMAC:
		return mac(r, psa.AlgHMAC)
	case psa.KeyDerive:
		return psa.Algorithm{Kind: pick(r, psa.AlgHKDF, psa.AlgTLS12PRF, psa.AlgTLS12PSKToMS), Hash: hash(r)}
	case psa.KeyDHPair, psa.KeyDHPublic:
		return agreement(r, psa.AlgFFDH)
	default:
		return psa.Algorithm{}
	}
}

func encryption(r *rand.Rand) psa.Algorithm {
	if chance(r, 40) {
		return psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Crypt}
	}
	return psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: hash(r)}
}

func agreement(r *rand.Rand, kind psa.Kind) psa.Algorithm {
	a := psa.Algorithm{Kind: kind}
	if chance(r, 15) {
		a.KDF, a.KDFHash = pick(r, psa.AlgHKDF, psa.AlgTLS12PRF, psa.AlgTLS12PSKToMS), hash(r)
	}
	return a
}

func aead(r *rand.Rand, kinds ...psa.Kind) psa.Algorithm {
	a := psa.Algorithm{Kind: pick(r, kinds...)}
	if chance(r, 35) {
		a.Truncated, a.Length = true, uint64(pick(r, 0, 1, 3, 4, 5, 8, 10, 12, 13, 14, 15, 16, 17, 300))
	}
	return a
}

func mac(r *rand.Rand, kinds ...psa.Kind) psa.Algorithm {
	a := psa.Algorithm{Kind: pick(r, kinds...)}
	if a.Kind == psa.AlgHMAC {
		a.Hash = hash(r)
	}
	if chance(r, 30) {
		a.Truncated, a.Length = true, uint64(r.IntN(70))
	}
	return a
}

// algorithm draws any algorithm.
func algorithm(r *rand.Rand) psa.Algorithm {
	switch r.IntN(10) {
	case 0:
		return psa.Algorithm{}
	case 1:
		return psa.Algorithm{Kind: psa.AlgHash, Hash: hash(r)}
	case 2:
		return mac(r, psa.AlgHMAC, psa.AlgCMAC, psa.AlgCBCMAC)
	default:
		return fitting(r, psa.KeyType(1+r.IntN(14)))
	}
}

// usage draws usage flags: most often everything, so that the algorithm decides.
func usage(r *rand.Rand) psa.Usage {
	switch r.IntN(10) {
	case 0:
		return 0
	case 1, 2, 3:
		return psa.Usage(r.IntN(int(psa.UsageAll) + 1))
	default:
		return psa.UsageAll
	}
}

// bits draws a size for a type: mostly one that exists.
func bits(r *rand.Rand, typ psa.KeyType, family psa.Curve) uint64 {
	if chance(r, 12) {
		return pick[uint64](r, 0, 1, 7, 8, 77, 160, 163, 225, 233, 255, 284, 500, 1536, 8192, 65528, 65536, 1<<32-1)
	}
	switch typ {
	case psa.KeyRSAPair, psa.KeyRSAPublic:
		if chance(r, 4) {
			return pick[uint64](r, 2048, 3072, 4096)
		}
		return pick[uint64](r, 512, 1024, 1024, 1024, 1024, 1536, 2047)
	case psa.KeyECCPair, psa.KeyECCPublic:
		if chance(r, 85) {
			var sizes []uint64
			for _, c := range curves {
				if c.family == family {
					sizes = append(sizes, c.bits)
				}
			}
			if len(sizes) > 0 {
				return pick(r, sizes...)
			}
		}
		return pick[uint64](r, 160, 163, 192, 224, 256, 320, 384, 521)
	case psa.KeyDES:
		return pick[uint64](r, 64, 128, 192)
	case psa.KeyDHPair, psa.KeyDHPublic:
		return pick[uint64](r, 2048, 2048, 3072, 1024)
	default:
		return pick[uint64](r, 128, 192, 256, 256)
	}
}

func family(r *rand.Rand) psa.Curve {
	if chance(r, 90) {
		return pick(r, psa.CurveSECPR1, psa.CurveSECPR1, psa.CurveSECPR1, psa.CurveSECPK1, psa.CurveBrainpoolPR1, psa.CurveMontgomery)
	}
	return psa.Curve(1 + r.IntN(9))
}

// attributes draws the attributes of a key.
func attributes(r *rand.Rand) psa.Attributes {
	a := psa.Attributes{Type: psa.KeyType(1 + r.IntN(14)), Usage: usage(r)}
	if chance(r, 50) {
		a.Type = pick(r, psa.KeyECCPair, psa.KeyECCPair, psa.KeyECCPair, psa.KeyRSAPair, psa.KeyAES)
	}
	if a.Type.ECC() {
		a.Curve = family(r)
	}
	a.Bits = bits(r, a.Type, a.Curve)
	a.Alg = policy(r, a.Type)
	return a
}

// policy draws the algorithm of a key: mostly one that fits.
func policy(r *rand.Rand, typ psa.KeyType) psa.Algorithm {
	if chance(r, 82) {
		return fitting(r, typ)
	}
	return algorithm(r)
}
