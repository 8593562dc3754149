package pkcs11_test

import (
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

// tpm2Options are those for a new token of tpm2-pkcs11.
func tpm2Options(t *testing.T) pkcs11.Options {
	t.Helper()
	l := tokentest.NewTPM2(t)
	l.Token("conformance")
	o := options(t)
	o.Library = l.Library
	return o
}

// TestTPM2Conformance runs the suite on tpm2-pkcs11, which is pickier than SoftHSM2.
func TestTPM2Conformance(t *testing.T) {
	conformance(t, append(slices.Clone(gaps), tpm2Gaps...), tpm2Options)
}

// tpm2Gaps are the kinds that tpm2-pkcs11 does not have and SoftHSM2 has: it works with
// two curves, agrees on nothing, and makes no symmetric keys.
var tpm2Gaps = []string{
	"ecc:secp-r1:192:ecdsa:sha256", "ecc:secp-r1:224:ecdsa:sha256", "ecc:secp-r1:521:ecdsa:sha256",
	"ecc:twisted-edwards:255:eddsa", "ecc:secp-r1:256:ecdh", "ecc:secp-r1:384:ecdh", "ecc:secp-r1:521:ecdh",
	"aes:128:gcm", "aes:192:gcm", "aes:256:gcm", "aes:128:gcm:12",
	"aes:256:ctr", "aes:256:ecb", "aes:256:cbc", "aes:256:cbc-pkcs7",
}
