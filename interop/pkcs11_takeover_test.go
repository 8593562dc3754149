//go:build interop

package interop

import (
	"path/filepath"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

// tokenKinds are what the original makes on a SoftHSM2 token, which has OAEP with SHA-1 only.
var tokenKinds = with(hardwareKinds, map[string]psa.Attributes{
	"p224": {Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 224, Usage: hardwareSigning, Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}},
	"p521": {Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 521, Usage: hardwareSigning, Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}},
	"oaep": {Type: psa.KeyRSAPair, Bits: 2048, Usage: hardwareCrypting, Alg: psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA1}},
})

// TestPKCS11TakeOver: keys that the original made on a token work under the same names with
// our agent, those that ours makes work with the original, and nothing is lost on the way.
func TestPKCS11TakeOver(t *testing.T) {
	tree := openTree(t)
	if err := tree.Need(t.Context(), tokentest.Library, "softhsm2"); err != nil {
		t.Fatal(err)
	}
	for _, manager := range []string{"SQLite", "OnDisk"} {
		t.Run(manager, func(t *testing.T) {
			h := tokentest.New(t)
			dir := sharedDir(t, tree, 0)
			h.Move(filepath.Join(dir, "softhsm"))
			h.Token("takeover")
			s := original.Settings{
				Dir: dir, Manager: manager, IdleSleep: 1, Timeout: 20000, AllowDeprecated: true,
				More: pkcs11Table("manager"), Env: []string{"SOFTHSM2_CONF=" + h.Config},
			}
			u := newHardwareUser(t, dir, wire.ProviderPKCS11, tokenKinds)
			u.takeOver(alternate(t, tree, s, pkcs11Env(t, h)))
		})
	}
}
