package providertest

import (
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

const (
	signing    = psa.UsageSignHash | psa.UsageVerifyHash | psa.UsageSignMessage | psa.UsageVerifyMessage | psa.UsageExport
	encrypting = psa.UsageEncrypt | psa.UsageDecrypt | psa.UsageExport
	macs       = psa.UsageSignMessage | psa.UsageVerifyMessage | psa.UsageExport
	deriving   = psa.UsageDerive | psa.UsageExport
)

// Name names a kind of key in subtests and gaps, such as "ecc:secp-r1:256:ecdsa:sha256".
func Name(a psa.Attributes) string {
	name := a.Type.String()
	if a.Type.ECC() {
		name += ":" + a.Curve.String()
	}
	return fmt.Sprintf("%s:%d:%s", name, a.Bits, a.Alg)
}

// kinds returns every kind of key that the suite knows.
func kinds() []psa.Attributes {
	var all []psa.Attributes
	add := func(a psa.Attributes, algs ...psa.Algorithm) {
		for _, a.Alg = range algs {
			all = append(all, a)
		}
	}
	sha256 := func(k psa.Kind) psa.Algorithm { return psa.Algorithm{Kind: k, Hash: psa.HashSHA256} }
	plain := func(k psa.Kind) psa.Algorithm { return psa.Algorithm{Kind: k} }
	short := func(k psa.Kind, h psa.Hash, n uint64) psa.Algorithm {
		return psa.Algorithm{Kind: k, Hash: h, Truncated: true, Length: n}
	}
	ecc := func(c psa.Curve, usage psa.Usage, alg psa.Algorithm, sizes ...uint64) {
		for _, bits := range sizes {
			add(psa.Attributes{Type: psa.KeyECCPair, Curve: c, Bits: bits, Usage: usage}, alg)
		}
	}

	ecc(psa.CurveSECPR1, signing, sha256(psa.AlgECDSA), 192, 224, 256, 384, 521)
	ecc(psa.CurveSECPK1, signing, sha256(psa.AlgECDSA), 192, 224, 256)
	ecc(psa.CurveBrainpoolPR1, signing, sha256(psa.AlgECDSA), 256, 320, 384, 512)
	ecc(psa.CurveSECPR2, signing, sha256(psa.AlgECDSA), 160)
	ecc(psa.CurveSECTK1, signing, sha256(psa.AlgECDSA), 233)
	ecc(psa.CurveSECTR1, signing, sha256(psa.AlgECDSA), 233)
	ecc(psa.CurveFRP, signing, sha256(psa.AlgECDSA), 256)
	ecc(psa.CurveEdwards, signing, plain(psa.AlgPureEdDSA), 255)
	ecc(psa.CurveSECPR1, deriving, plain(psa.AlgECDH), 256, 384, 521)
	ecc(psa.CurveMontgomery, deriving, plain(psa.AlgECDH), 255, 448)
	add(psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: signing},
		plain(psa.AlgECDSAAny), sha256(psa.AlgDeterministicECDSA),
		psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashAny}, psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA3512})

	add(psa.Attributes{Type: psa.KeyRSAPair, Bits: 2048, Usage: signing}, sha256(psa.AlgRSAPKCS1v15Sign), sha256(psa.AlgRSAPSS))
	add(psa.Attributes{Type: psa.KeyRSAPair, Bits: 1024, Usage: signing}, plain(psa.AlgRSAPKCS1v15SignRaw),
		psa.Algorithm{Kind: psa.AlgRSAPSS, Hash: psa.HashAny}, psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA3384})
	add(psa.Attributes{Type: psa.KeyRSAPair, Bits: 3072, Usage: signing}, sha256(psa.AlgRSAPKCS1v15Sign))
	add(psa.Attributes{Type: psa.KeyRSAPair, Bits: 1024, Usage: encrypting}, plain(psa.AlgRSAPKCS1v15Crypt), sha256(psa.AlgRSAOAEP))
	add(psa.Attributes{Type: psa.KeyDHPair, Bits: 2048, Usage: deriving}, plain(psa.AlgFFDH))

	blocks := []psa.Algorithm{
		plain(psa.AlgCTR), plain(psa.AlgCFB), plain(psa.AlgOFB), plain(psa.AlgECBNoPadding), plain(psa.AlgCBCNoPadding), plain(psa.AlgCBCPKCS7),
	}
	for _, t := range []psa.KeyType{psa.KeyAES, psa.KeyCamellia} {
		for _, bits := range []uint64{128, 192, 256} {
			add(psa.Attributes{Type: t, Bits: bits, Usage: encrypting}, plain(psa.AlgGCM))
		}
		add(psa.Attributes{Type: t, Bits: 128, Usage: encrypting},
			plain(psa.AlgCCM), short(psa.AlgGCM, 0, 12), short(psa.AlgCCM, 0, 8))
		add(psa.Attributes{Type: t, Bits: 256, Usage: encrypting}, append(blocks, plain(psa.AlgXTS))...)
		add(psa.Attributes{Type: t, Bits: 256, Usage: macs}, plain(psa.AlgCMAC), plain(psa.AlgCBCMAC), short(psa.AlgCMAC, 0, 8))
	}
	add(psa.Attributes{Type: psa.KeyChaCha20, Bits: 256, Usage: encrypting}, plain(psa.AlgChaCha20Poly1305), plain(psa.AlgStreamCipher))
	add(psa.Attributes{Type: psa.KeyDES, Bits: 192, Usage: encrypting}, plain(psa.AlgCBCNoPadding), plain(psa.AlgCBCPKCS7))
	add(psa.Attributes{Type: psa.KeyARC4, Bits: 128, Usage: encrypting}, plain(psa.AlgStreamCipher))
	add(psa.Attributes{Type: psa.KeyHMAC, Bits: 256, Usage: macs}, sha256(psa.AlgHMAC), short(psa.AlgHMAC, psa.HashSHA256, 16))
	add(psa.Attributes{Type: psa.KeyDerive, Bits: 256, Usage: deriving}, sha256(psa.AlgHKDF))
	add(psa.Attributes{Type: psa.KeyRawData, Bits: 64, Usage: psa.UsageExport}, plain(psa.AlgNone))
	return all
}
