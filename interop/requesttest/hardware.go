package requesttest

import (
	"math/rand/v2"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// tokenOperations weigh what a token can do; the rest is there to be refused.
var tokenOperations = []weighted{
	{wire.OpGenerateKey, 14},
	{wire.OpImportKey, 16},
	{wire.OpDestroyKey, 6},
	{wire.OpSignHash, 24},
	{wire.OpVerifyHash, 22},
	{wire.OpExportPublicKey, 14},
	{wire.OpExportKey, 2},
	{wire.OpAsymmetricEncrypt, 14},
	{wire.OpAsymmetricDecrypt, 14},
	{wire.OpAEADEncrypt, 2},
	{wire.OpAEADDecrypt, 1},
	{wire.OpRawKeyAgreement, 2},
	{wire.OpHashCompute, 1},
	{wire.OpHashCompare, 1},
	{wire.OpGenerateRandom, 4},
	{wire.OpCanDoCrypto, 20},
	{wire.OpCipherEncrypt, 1},
	{wire.OpCipherDecrypt, 1},
	{wire.OpSignMessage, 2},
	{wire.OpVerifyMessage, 1},
	{wire.OpAttestKey, 1},
	{wire.OpPrepareKeyAttestation, 1},
	{wire.OpPing, 1},
	{wire.OpListProviders, 1},
	{wire.OpListOpcodes, 2},
	{wire.OpListAuthenticators, 1},
	{wire.OpListKeys, 4},
	{wire.OpListClients, 1},
	{wire.OpDeleteClient, 1},
}

// tpmOperations are the same with attestation.
var tpmOperations = append(slices.DeleteFunc(slices.Clone(tokenOperations), func(w weighted) bool {
	return w.op == wire.OpAttestKey || w.op == wire.OpPrepareKeyAttestation
}), weighted{wire.OpAttestKey, 6}, weighted{wire.OpPrepareKeyAttestation, 6})

const (
	signing  = psa.UsageSignHash | psa.UsageVerifyHash | psa.UsageSignMessage | psa.UsageVerifyMessage
	crypting = psa.UsageEncrypt | psa.UsageDecrypt
)

// givenEverywhere are pairs that the original makes on SoftHSM2 and on swtpm.
var givenEverywhere = []psa.Attributes{
	pairECC(256, psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}),
	pairECC(256, psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA512}),
	pairECC(384, psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA384}),
	pairECC(384, psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}),
	pairRSA(1024, signing, psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256}),
	pairRSA(1024, signing, psa.Algorithm{Kind: psa.AlgRSAPSS, Hash: psa.HashSHA256}),
	pairRSA(2048, signing, psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA384}),
	pairRSA(1024, crypting, psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Crypt}),
	pairRSA(1024, psa.UsageAll&^psa.UsageExport, psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA256}),
	pairRSA(2048, crypting, psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA1}),
}

// givenSmall are more pairs for a token.
var givenSmall = []psa.Attributes{
	pairECC(192, psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}),
	pairECC(224, psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA224}),
	pairECC(521, psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA512}),
	pairECC(256, psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashAny}),
	pairRSA(1024, signing, psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashAny}),
	pairRSA(1024, psa.UsageAll&^psa.UsageExport, psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}),
	pairRSA(512, signing, psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256}),
}

func pairECC(bits uint64, alg psa.Algorithm) psa.Attributes {
	return psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: bits, Usage: signing, Alg: alg}
}

func pairRSA(bits uint64, u psa.Usage, alg psa.Algorithm) psa.Attributes {
	return psa.Attributes{Type: psa.KeyRSAPair, Bits: bits, Usage: u, Alg: alg}
}

// hardwareAttributes draws attributes, mostly of keys that hardware can have. Large RSA
// keys take seconds to make, or minutes, and are left out: largest is the largest size.
func hardwareAttributes(r *rand.Rand, largest uint64, sizes ...uint64) psa.Attributes {
	a := attributes(r)
	switch n := r.IntN(100); {
	case n < 35:
		a = usual(r)
	case n < 80:
		a.Type, a.Curve = pick(r, psa.KeyECCPair, psa.KeyECCPair, psa.KeyECCPair, psa.KeyRSAPair, psa.KeyRSAPair, psa.KeyECCPublic, psa.KeyRSAPublic), 0
		if a.Type.ECC() {
			a.Curve = psa.CurveSECPR1
		}
		a.Bits = bits(r, a.Type, a.Curve)
		a.Alg = policy(r, a.Type)
	}
	if a.Type.RSA() && (a.Bits == 0 || a.Bits > largest || chance(r, 85)) {
		a.Bits = pick(r, sizes...)
	}
	return a
}

// usual draws attributes that the original makes pairs of.
func usual(r *rand.Rand) psa.Attributes {
	h := pick(r, psa.HashSHA256, psa.HashSHA256, psa.HashSHA384, psa.HashSHA512)
	switch r.IntN(5) {
	case 0:
		return pairRSA(0, signing, psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: h})
	case 1:
		return pairRSA(0, crypting, pick(r, psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Crypt}, psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: h}))
	default:
		return pairECC(pick[uint64](r, 256, 256, 384), psa.Algorithm{Kind: psa.AlgECDSA, Hash: h})
	}
}

func tokenAttributes(r *rand.Rand) psa.Attributes {
	return hardwareAttributes(r, 2048, 512, 768, 1024, 1024, 1024, 1024, 1100, 1536, 2048)
}

func tpmAttributes(r *rand.Rand) psa.Attributes {
	return hardwareAttributes(r, 1536, 1024, 1024, 1024, 1024, 1024, 1024, 2048)
}
