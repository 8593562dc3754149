package software_test

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/software"
)

func TestConformance(t *testing.T) {
	for _, form := range []providers.Protection{providers.ProtectionEncrypted, providers.ProtectionCompatible} {
		t.Run(string(form), func(t *testing.T) {
			options := map[*software.Provider]software.Options{}
			providertest.Run(t, providertest.Config{
				New: func(t *testing.T) providers.Provider {
					o := software.Options{KeyStorePath: t.TempDir(), Storage: form, CacheKeys: 4}
					p := open(t, o)
					options[p] = o
					return p
				},
				Reopen: func(t *testing.T, old providers.Provider) providers.Provider {
					was := old.(*software.Provider) //nolint:errcheck,forcetypeassert // New made it
					if err := was.Close(); err != nil {
						t.Fatal(err)
					}
					p := open(t, options[was])
					options[p] = options[was]
					return p
				},
				Gaps: []string{
					"ecc:secp-k1:224:ecdsa:sha256",
					"ecc:brainpool-p-r1:320:ecdsa:sha256",
					"ecc:secp-r2:160:ecdsa:sha256",
					"ecc:sect-k1:233:ecdsa:sha256",
					"ecc:sect-r1:233:ecdsa:sha256",
					"ecc:frp:256:ecdsa:sha256",
					"arc4:128:stream-cipher",
				},
			})
		})
	}
}
