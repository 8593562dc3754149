package psa

// Valid refuses, with StatusInvalidEncoding, attributes that no message could hold:
// numbers that are not assigned and parameters that a type does not have.
func (a Attributes) Valid() error {
	switch {
	case a.Type < KeyRawData || a.Type > KeyDHPublic:
		return invalid("no key type has the number %d", a.Type)
	case !a.Type.ECC() && a.Curve != CurveNone:
		return invalid("a key of type %s has no curve", a.Type)
	case a.Type.ECC() && a.Curve != CurveEdwards && (a.Curve == CurveNone || a.Curve > maxWireCurve):
		return invalid("no curve family has the number %d", a.Curve)
	case a.Group != GroupRFC7919:
		return invalid("no group family has the number %d", a.Group)
	case a.Usage&^UsageAll != 0:
		return invalid("usage flags 0x%x are not assigned", uint16(a.Usage&^UsageAll))
	}
	return a.Alg.Valid()
}

// Valid refuses, with StatusInvalidEncoding, an algorithm that no message could hold.
func (a Algorithm) Valid() error {
	k := a.Kind
	signature := k == AlgRSAPKCS1v15Sign || k == AlgRSAPSS || k == AlgECDSA || k == AlgDeterministicECDSA
	hashed := k == AlgHash || k == AlgHMAC || signature || k == AlgRSAOAEP || k.Derivation()
	specific := a.Hash > HashNone && a.Hash <= maxHash
	switch {
	case !k.Known():
		return invalid("no algorithm has the number %d", k)
	case hashed && !specific && (!signature || a.Hash != HashAny):
		return invalid("algorithm %s needs a hash", k)
	case !hashed && a.Hash != HashNone:
		return invalid("algorithm %s has no hash", k)
	case a.Truncated && !k.MAC() && !k.AEAD(), !a.Truncated && a.Length != 0:
		return invalid("algorithm %s has no length", k)
	case a.KDF != AlgNone && (!k.Agreement() || !a.KDF.Derivation() || a.KDFHash == HashNone || a.KDFHash > maxHash):
		return invalid("algorithm %s cannot feed %s", k, a.KDF)
	case a.KDF == AlgNone && a.KDFHash != HashNone:
		return invalid("algorithm %s has no key derivation", k)
	}
	return nil
}

// Expressible reports whether the original's messages and stores can hold the
// attributes; a key of which they cannot is only for callers that asked.
func (a Attributes) Expressible() bool {
	return a.Curve <= maxWireCurve && a.Alg.Kind != AlgPureEdDSA
}
