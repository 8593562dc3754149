//go:build interop

package interop

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// explanation says which differences a row of Differences explains. A predicate is as
// narrow as the row: it names operation, attributes and both answers.
type explanation struct {
	id      string
	matches func(c *comparison, s original.Settings) bool
}

// explain returns the row that explains a difference, empty if there is none.
func explain(c *comparison, s original.Settings) string {
	for _, e := range explanations {
		if e.matches(c, s) {
			return e.id
		}
	}
	return ""
}

var explanations = []explanation{
	{"software-cipher", func(c *comparison, _ original.Settings) bool {
		return (c.mean.Opcode == wire.OpCipherEncrypt || c.mean.Opcode == wire.OpCipherDecrypt) && c.original.Status == wire.StatusNotSupported
	}},
	{"software-cipher", func(c *comparison, _ original.Settings) bool {
		return c.key != nil && c.key.Attributes.Alg.Kind.Cipher() && c.original.Status == wire.StatusNotSupported
	}},
	{"software-sign-message", func(c *comparison, _ original.Settings) bool {
		return (c.mean.Opcode == wire.OpSignMessage || c.mean.Opcode == wire.OpVerifyMessage) && c.original.Status == wire.StatusNotSupported
	}},
	{"software-opcodes", func(c *comparison, _ original.Settings) bool {
		return c.mean.Opcode == wire.OpListOpcodes && c.original.Status == wire.StatusSuccess && c.ours.Status == wire.StatusSuccess
	}},
	{"software-p384", func(c *comparison, _ original.Settings) bool {
		a := c.mean.Attributes
		return a.Type.ECC() && a.Curve == psa.CurveSECPR1 && (a.Bits == 384 || a.Bits == 284)
	}},
	{"software-rsa-3072", func(c *comparison, _ original.Settings) bool {
		a := c.mean.Attributes
		return a.Type.RSA() && a.Bits == 3072 && c.original.Status != wire.StatusSuccess
	}},
	{"software-deterministic-ecdsa", func(c *comparison, _ original.Settings) bool {
		return c.key != nil && c.key.Attributes.Alg.Kind == psa.AlgDeterministicECDSA && c.original.Status == wire.StatusNotPermitted
	}},
}

// TestExplanationsNameRows keeps the predicates and the table together.
func TestExplanationsNameRows(t *testing.T) {
	for _, e := range explanations {
		if _, ok := Lookup(e.id); !ok {
			t.Errorf("no row of Differences has the ID %q", e.id)
		}
	}
}
