package wycheproof

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"

	vectors "github.com/c2sp/wycheproof"
)

// wanted are the files that hold operations of the key service.
var wanted = regexp.MustCompile(`^(` +
	`ecdsa_(secp192[kr]1|secp224r1|secp256[kr]1|secp384r1|secp521r1|brainpoolP(256|384|512)r1)_sha[0-9_]+?(_p1363)?` +
	`|ecdh_(secp(224r1|256r1|384r1|521r1)_ecpoint|secp256k1|brainpoolP(256|384|512)r1)` +
	`|x25519|x448|ed25519` +
	`|rsa_signature_[0-9]+_sha[0-9_]+|rsa_pss_[a-z0-9_]*?|rsa_pkcs1_[0-9]+|rsa_oaep_[a-z0-9_]+` +
	`|(aes|camellia)_(ccm|cmac)|aes_gcm|(aes|camellia)_cbc_pkcs5|aes_xts|chacha20_poly1305|hmac_sha[0-9_]+` +
	`)_test\.json$`)

// unwanted are files of those names about something else: hashes without a PSA name,
// parameters in the encoded key, DER where the same vectors exist as r ‖ s.
var unwanted = regexp.MustCompile(`shake|_params_|_webcrypto_|_bitcoin_`)

// Files returns the names of the files to Load.
func Files() []string {
	all, err := fs.Glob(vectors.TestVectors, "*.json")
	if err != nil {
		panic(fmt.Sprintf("wycheproof: list vectors: %v", err)) // the pattern is a constant
	}
	var files []string
	for _, f := range all {
		raw := regexp.MustCompile(`_test\.json$`).ReplaceAllString(f, "_p1363_test.json")
		if wanted.MatchString(f) && !unwanted.MatchString(f) && !slices.Contains(all, raw) {
			files = append(files, f)
		}
	}
	return files
}
