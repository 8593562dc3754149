package tpm_test

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// open opens a provider that is closed with the test.
func open(t testing.TB, o tpm.Options) *tpm.Provider {
	t.Helper()
	if o.Root == nil {
		o.Root = &tpmtest.Memory{}
	}
	p, err := tpm.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestConformance(t *testing.T) {
	options := map[*tpm.Provider]tpm.Options{}
	providertest.Run(t, providertest.Config{
		New: func(t *testing.T) providers.Provider {
			o := tpm.Options{TCTI: tpmtest.Start(t).TCTI(), Root: &tpmtest.Memory{}}
			p := open(t, o)
			options[p] = o
			return p
		},
		Reopen: func(t *testing.T, old providers.Provider) providers.Provider {
			was := old.(*tpm.Provider) //nolint:errcheck,forcetypeassert // New made it
			if err := was.Close(); err != nil {
				t.Fatal(err)
			}
			p := open(t, options[was])
			options[p] = options[was]
			return p
		},
		Gaps: gaps,
	})
}

// gaps are the kinds that a TPM, or swtpm with libtpms, does not have: curves beside those
// of NIST, algorithms whose hash is chosen at use, SHA-3, and symmetric ciphers, which the
// provider leaves to software.
var gaps = []string{
	"ecc:secp-k1:192:ecdsa:sha256", "ecc:secp-k1:224:ecdsa:sha256", "ecc:secp-k1:256:ecdsa:sha256",
	"ecc:brainpool-p-r1:256:ecdsa:sha256", "ecc:brainpool-p-r1:320:ecdsa:sha256", "ecc:brainpool-p-r1:384:ecdsa:sha256",
	"ecc:brainpool-p-r1:512:ecdsa:sha256", "ecc:secp-r2:160:ecdsa:sha256", "ecc:sect-k1:233:ecdsa:sha256",
	"ecc:sect-r1:233:ecdsa:sha256", "ecc:frp:256:ecdsa:sha256", "ecc:twisted-edwards:255:eddsa", "ecc:montgomery:255:ecdh",
	"ecc:montgomery:448:ecdh", "ecc:secp-r1:256:ecdsa-any", "ecc:secp-r1:256:ecdsa-deterministic:sha256",
	"ecc:secp-r1:256:ecdsa:any", "ecc:secp-r1:256:ecdsa:sha3-512", "rsa:1024:rsa-pkcs1-raw", "rsa:1024:rsa-pss:any",
	"rsa:1024:rsa-pkcs1:sha3-384", "dh:2048:ffdh", "aes:128:gcm", "aes:192:gcm", "aes:256:gcm", "aes:128:ccm", "aes:128:gcm:12",
	"aes:128:ccm:8", "aes:256:ctr", "aes:256:cfb", "aes:256:ofb", "aes:256:ecb", "aes:256:cbc", "aes:256:cbc-pkcs7", "aes:256:xts",
	"aes:256:cmac", "aes:256:cbc-mac", "aes:256:cmac:8", "camellia:128:gcm", "camellia:192:gcm", "camellia:256:gcm",
	"camellia:128:ccm", "camellia:128:gcm:12", "camellia:128:ccm:8", "camellia:256:ctr", "camellia:256:cfb", "camellia:256:ofb",
	"camellia:256:ecb", "camellia:256:cbc", "camellia:256:cbc-pkcs7", "camellia:256:xts", "camellia:256:cmac",
	"camellia:256:cbc-mac", "camellia:256:cmac:8", "chacha20:256:chacha20-poly1305", "chacha20:256:stream-cipher", "des:192:cbc",
	"des:192:cbc-pkcs7", "arc4:128:stream-cipher", "derive:256:hkdf:sha256", "raw-data:64:none",
}
