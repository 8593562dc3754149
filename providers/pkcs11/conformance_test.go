package pkcs11_test

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
)

func TestConformance(t *testing.T) {
	conformance(t, gaps, func(t *testing.T) pkcs11.Options {
		tokentest.New(t).Token("conformance")
		return options(t)
	})
}

// conformance runs the suite on tokens that fresh makes.
func conformance(t *testing.T, gaps []string, fresh func(*testing.T) pkcs11.Options) {
	t.Helper()
	used := map[*pkcs11.Provider]pkcs11.Options{}
	reopen := func(t *testing.T, o pkcs11.Options) providers.Provider {
		p := open(t, o)
		used[p] = o
		return p
	}
	providertest.Run(t, providertest.Config{
		New: func(t *testing.T) providers.Provider { return reopen(t, fresh(t)) },
		Reopen: func(t *testing.T, old providers.Provider) providers.Provider {
			was := old.(*pkcs11.Provider) //nolint:errcheck,forcetypeassert // New made it
			if err := was.Close(); err != nil {
				t.Fatal(err)
			}
			return reopen(t, used[was])
		},
		Gaps: gaps,
	})
}

// gaps are the kinds that SoftHSM2, or the provider, does not have.
var gaps = []string{
	"ecc:secp-k1:192:ecdsa:sha256", "ecc:secp-k1:224:ecdsa:sha256", "ecc:secp-k1:256:ecdsa:sha256",
	"ecc:brainpool-p-r1:256:ecdsa:sha256", "ecc:brainpool-p-r1:320:ecdsa:sha256", "ecc:brainpool-p-r1:384:ecdsa:sha256",
	"ecc:brainpool-p-r1:512:ecdsa:sha256", "ecc:secp-r2:160:ecdsa:sha256", "ecc:sect-k1:233:ecdsa:sha256",
	"ecc:sect-r1:233:ecdsa:sha256", "ecc:frp:256:ecdsa:sha256",
	"ecc:montgomery:255:ecdh", "ecc:montgomery:448:ecdh", "ecc:secp-r1:256:ecdsa-deterministic:sha256",
	"dh:2048:ffdh",
	"aes:128:ccm", "aes:128:ccm:8", "aes:256:cfb", "aes:256:ofb", "aes:256:xts", "aes:256:cmac", "aes:256:cbc-mac", "aes:256:cmac:8",
	"camellia:128:gcm", "camellia:192:gcm", "camellia:256:gcm", "camellia:128:ccm", "camellia:128:gcm:12", "camellia:128:ccm:8",
	"camellia:256:ctr", "camellia:256:cfb", "camellia:256:ofb", "camellia:256:ecb", "camellia:256:cbc", "camellia:256:cbc-pkcs7",
	"camellia:256:xts", "camellia:256:cmac", "camellia:256:cbc-mac", "camellia:256:cmac:8",
	"chacha20:256:chacha20-poly1305", "chacha20:256:stream-cipher", "des:192:cbc", "des:192:cbc-pkcs7", "arc4:128:stream-cipher",
	"hmac:256:hmac:sha256", "hmac:256:hmac:sha256:16", "derive:256:hkdf:sha256", "raw-data:64:none",
}
