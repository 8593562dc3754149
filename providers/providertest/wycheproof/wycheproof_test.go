package wycheproof_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest/wycheproof"
)

// The selection covers what it promises, and every case is whole.
func TestSelection(t *testing.T) {
	files := wycheproof.Files()
	for _, want := range []string{
		"ecdsa_secp256r1_sha256_p1363", "ecdsa_secp192r1_sha256_p1363", "ecdsa_secp192k1_sha256_p1363", "ecdsa_secp384r1_sha3_384",
		"ecdsa_brainpoolP512r1_sha512_p1363", "ecdsa_secp521r1_sha512_p1363", "ecdsa_secp256k1_sha256_p1363", "ecdsa_secp224r1_sha256_p1363",
		"ecdh_secp224r1_ecpoint", "ecdh_secp521r1_ecpoint", "ecdh_secp256k1", "ecdh_brainpoolP256r1", "x25519", "x448", "ed25519",
		"rsa_signature_2048_sha256", "rsa_signature_3072_sha3_256", "rsa_pss_2048_sha256_mgf1_32", "rsa_pss_misc", "rsa_pkcs1_2048",
		"rsa_oaep_2048_sha256_mgf1sha256", "rsa_oaep_misc", "aes_gcm", "aes_ccm", "camellia_ccm", "aes_cmac", "camellia_cmac",
		"aes_cbc_pkcs5", "camellia_cbc_pkcs5", "aes_xts", "chacha20_poly1305", "hmac_sha1", "hmac_sha256", "hmac_sha3_512",
	} {
		if !slices.Contains(files, want+"_test.json") {
			t.Errorf("%s is not among the files", want)
		}
	}
	total, exceptions := 0, map[string]int{}
	for _, file := range files {
		if strings.Contains(file, "shake") || strings.Contains(file, "sig_gen") {
			t.Errorf("%s should not be among the files", file)
		}
		for _, c := range wycheproof.Load(t, file) {
			total++
			if c.Exception != "" {
				exceptions[c.Exception]++
			}
			whole(t, &c)
		}
	}
	t.Logf("%d cases in %d files; exceptions: %v", total, len(files), exceptions)
	if total < 27000 {
		t.Errorf("only %d cases", total)
	}
}

func whole(t *testing.T, c *wycheproof.Case) {
	t.Helper()
	switch {
	case c.Op == 0 || c.Attributes.Usage == 0 || c.Attributes.Alg.Kind == psa.AlgNone || c.Attributes.Bits != 0:
		t.Errorf("%s: incomplete: %+v", c, c.Attributes)
	case c.Want != wycheproof.Valid && c.Want != wycheproof.Invalid && c.Want != wycheproof.Acceptable:
		t.Errorf("%s: result %q", c, c.Want)
	case !c.Attributes.Fits(c.Algorithm()):
		t.Errorf("%s: %s does not fit %s", c, c.Algorithm(), c.Attributes.Type)
	}
}
