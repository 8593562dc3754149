package pkcs11

import (
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// profile is what is known of a family of tokens.
type profile struct {
	name string
	// The family: all that are set must occur in what the library and the token say of
	// themselves, in any case of letters.
	library, manufacturer, model string
	// omit are the attributes that new keys of the family never get.
	omit []uint64
	// maxSessions bounds the sessions, 0 for no bound beyond the token's own.
	maxSessions int
	// rawPoint says that the token wants points of elliptic curves without the DER
	// encoding around them when one is written. Both are read everywhere.
	rawPoint bool
	// shortIDs says that CKA_ID is one byte, between 1 and lastID.
	shortIDs bool
	lastID   uint32
	// officer says that only the security officer makes and removes keys.
	officer bool
	// oaepSHA1 says that OAEP works with SHA-1 and without a label only.
	oaepSHA1 bool
	// oaepHere says that the padding of OAEP is the agent's: the library does it in
	// software, and not all of it.
	oaepHere bool
	// publicHere says that the library does public operations in software: the agent does
	// them itself, and knows a wrong signature from an error.
	publicHere bool
	// exclusive says that objects must not be made or removed while others look for some:
	// SoftHSM2 then fails with CKR_GENERAL_ERROR.
	exclusive bool
	// curves are the sizes of the curves that work, nil for all that the token takes.
	curves []uint64
	// imports are the types of keys that can be imported, nil for all that the token takes.
	imports []psa.KeyType
	// absent are mechanisms that the library lists and does not have.
	absent []uint64
	// hoards says that the library fills the chip with objects until it is loaded anew.
	hoards bool
	// vagueRemoval says that a token which was just taken out is reported as a general error.
	vagueRemoval bool
	// sticky says that the library holds on to a token that was taken out and is back, and
	// has to be loaded anew.
	sticky bool
	// vaguePadding says that a wrong padding is reported as a general error.
	vaguePadding bool
}

// profiles are tried in order; the last one fits everything.
var profiles = []profile{
	{name: "softhsm", library: "softhsm", oaepSHA1: true, vaguePadding: true, exclusive: true},
	{name: "softhsm", manufacturer: "softhsm", oaepSHA1: true, vaguePadding: true, exclusive: true},
	{
		name: "ykcs11", library: "ykcs11", publicHere: true, vagueRemoval: true, sticky: true, maxSessions: 16, shortIDs: true, lastID: 25, officer: true, oaepHere: true,
		omit: []uint64{ck.AttrAllowedMechanisms, ck.AttrCopyable, ck.AttrExtractable, ck.AttrSensitive},
	},
	{
		name: "opensc-piv", library: "opensc", model: "pkcs#15 emulated", manufacturer: "piv", shortIDs: true, lastID: 0x24, officer: true, oaepHere: true, publicHere: true, vagueRemoval: true,
		omit: []uint64{ck.AttrAllowedMechanisms, ck.AttrCopyable, ck.AttrExtractable, ck.AttrSensitive},
	},
	{
		name: "nitrokey", library: "opensc", publicHere: true, oaepHere: true, vagueRemoval: true,
		omit: []uint64{ck.AttrAllowedMechanisms, ck.AttrCopyable, ck.AttrExtractable, ck.AttrSensitive},
	},
	{name: "nxp", manufacturer: "nxp", rawPoint: true},
	{
		// It fails with CKR_GENERAL_ERROR where an attribute is not what it gives every key.
		// It cuts the points of P-521, signs no hash that was cut for a smaller curve, and
		// answers C_GenerateKey with CKR_FUNCTION_NOT_SUPPORTED; versions before 1.9.1 have
		// no ECDH.
		name: "tpm2-pkcs11", library: "tpm2_pkcs11",
		curves: []uint64{256, 384}, imports: []psa.KeyType{psa.KeyRSAPublic}, absent: []uint64{ck.MechAESKeyGen, ck.MechECDH1Derive},
		hoards: true, oaepSHA1: true, vaguePadding: true,
		omit: []uint64{
			ck.AttrAllowedMechanisms, ck.AttrCopyable, ck.AttrExtractable, ck.AttrSensitive,
			ck.AttrSign, ck.AttrVerify, ck.AttrEncrypt, ck.AttrDecrypt, ck.AttrDerive,
		},
	},
	{name: "generic"},
}

// loadFlags says how a library is loaded. OpenSC locks for itself, so that threads win
// nothing, and in 0.23 locks itself out for good when a card is removed during a command; it
// gets one call at a time and is told not to lock.
func loadFlags(library string) uint32 {
	if strings.Contains(strings.ToLower(library), "opensc") {
		return frame.FlagSingle
	}
	return 0
}

// profileOf returns the profile of a token.
func profileOf(library string, s frame.Slot) *profile {
	has := func(text, part string) bool { return strings.Contains(strings.ToLower(text), part) }
	for i := range profiles {
		p := &profiles[i]
		if has(library, p.library) && has(s.Token.Manufacturer, p.manufacturer) && has(s.Token.Model, p.model) {
			return p
		}
	}
	return &profiles[len(profiles)-1]
}

// hasCurve reports whether keys on a curve of that size work; other keys have none.
func (p *profile) hasCurve(a psa.Attributes) bool {
	return !a.Type.ECC() || p.curves == nil || slices.Contains(p.curves, a.Bits)
}

// sessions returns how many sessions to keep: some are left to other programs.
func (p *profile) sessions(wanted int, t frame.Token) int {
	n := wanted
	if p.maxSessions > 0 {
		n = min(n, p.maxSessions)
	}
	for _, limit := range []uint64{t.MaxSessions, t.MaxRWSessions} {
		if limit > 0 && limit <= uint64(n) { //nolint:gosec // a small positive number
			n = int(max(limit/2, 1)) //nolint:gosec // smaller than n
		}
	}
	return n
}

// reductions are the sets of attributes that are left out, one after the other, when a
// token refuses a template.
var reductions = [][]uint64{
	nil,
	{ck.AttrLabel},
	{ck.AttrAllowedMechanisms},
	{ck.AttrLabel, ck.AttrAllowedMechanisms},
	{ck.AttrLabel, ck.AttrAllowedMechanisms, ck.AttrCopyable},
	{ck.AttrLabel, ck.AttrAllowedMechanisms, ck.AttrCopyable, ck.AttrExtractable},
	{ck.AttrLabel, ck.AttrAllowedMechanisms, ck.AttrCopyable, ck.AttrSensitive},
	{ck.AttrLabel, ck.AttrAllowedMechanisms, ck.AttrCopyable, ck.AttrExtractable, ck.AttrSensitive},
	{
		ck.AttrLabel, ck.AttrAllowedMechanisms, ck.AttrCopyable, ck.AttrExtractable, ck.AttrSensitive,
		ck.AttrPrivate, ck.AttrDerive, ck.AttrEncrypt, ck.AttrDecrypt, ck.AttrSign, ck.AttrVerify,
	},
}

// without returns the attributes whose types are not among the omitted ones.
func without(attributes []frame.Attribute, omitted []uint64) []frame.Attribute {
	var kept []frame.Attribute
	for _, a := range attributes {
		if !slices.Contains(omitted, a.Type) {
			kept = append(kept, a)
		}
	}
	return kept
}
