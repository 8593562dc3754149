package psa

// Deprecated reports whether the attributes name a primitive that the service refuses to
// generate unless it is configured to allow it (docs/spec/parsec-service.md 6.1.4), and
// only mentions in the log when a key of the kind is imported: the hashes MD2, MD4, MD5
// and SHA-1 wherever the policy names one, DES and ARC4 keys, and the public types of the
// curves that SEC 2 and RFC 5639 have dropped. Pairs on those curves are not covered, as
// in the original: no provider generates one.
func (a Attributes) Deprecated() bool {
	return a.Alg.Hash.deprecated() || a.Alg.KDFHash.deprecated() ||
		a.Type == KeyDES || a.Type == KeyARC4 ||
		a.Type == KeyECCPublic && deprecatedCurve(a.Curve, a.Bits)
}

func (h Hash) deprecated() bool {
	return h == HashMD2 || h == HashMD4 || h == HashMD5 || h == HashSHA1
}

func deprecatedCurve(c Curve, bits uint64) bool {
	switch c {
	case CurveSECPR2, CurveSECTR2:
		return true
	case CurveSECTK1, CurveSECTR1:
		return bits == 163
	case CurveBrainpoolPR1:
		return bits == 160
	default:
		return false
	}
}
