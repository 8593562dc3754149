//go:build interop

package interop

import (
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
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
	for _, e := range slices.Concat(explanations, explanationsOf[c.mean.Provider]) {
		if e.matches(c, s) {
			return e.id
		}
	}
	return ""
}

// explanationsOf are those of one provider, for requests to it.
var explanationsOf = map[wire.ProviderID][]explanation{
	wire.ProviderMbedCrypto: softwareExplanations,
	wire.ProviderPKCS11:     pkcs11Explanations,
	wire.ProviderTPM:        tpmExplanations,
}

// explanations are those that do not depend on a provider.
var explanations = []explanation{
	{"software-opcodes", opcodesOf(wire.ProviderMbedCrypto)},
	{"pkcs11-opcodes", opcodesOf(wire.ProviderPKCS11)},
	{"tpm-opcodes", opcodesOf(wire.ProviderTPM)},
	{"keys-wrong-provider", func(c *comparison, _ original.Settings) bool {
		return c.wrongProvider() && c.ours.Status == wire.StatusDoesNotExist
	}},
	{"keys-name-first", func(c *comparison, s original.Settings) bool {
		return s.Manager == "OnDisk" && (len(c.mean.Key) == 0 || len(c.mean.Key) > 189) && !succeeded(c.original) &&
			c.ours.Status == wire.StatusKeyInfoManagerError
	}},
	{"keys-name-first", func(c *comparison, s original.Settings) bool {
		return s.Manager == "OnDisk" && (len(c.mean.Key) == 0 || len(c.mean.Key) > 189) && c.mean.Opcode == wire.OpDestroyKey &&
			c.original.Status == wire.StatusKeyInfoManagerError && c.ours.Status == wire.StatusDoesNotExist
	}},
}

// opcodesOf matches the lists of a provider's operations.
func opcodesOf(id wire.ProviderID) func(*comparison, original.Settings) bool {
	return func(c *comparison, _ original.Settings) bool {
		in, ok := c.mean.Message.(*psapb.ListOpcodes)
		return ok && in.GetProviderId() == uint32(id) && succeeded(c.original) && succeeded(c.ours)
	}
}

func succeeded(a socket.Answer) bool { return a.Err == nil && a.Status == wire.StatusSuccess }

// keyAlg is the policy's algorithm of the key that a request is about.
func keyAlg(c *comparison) psa.Algorithm {
	if c.key == nil {
		return psa.Algorithm{}
	}
	return c.key.Attributes.Alg
}

// TestExplanationsNameRows keeps the predicates and the table together.
func TestExplanationsNameRows(t *testing.T) {
	for _, e := range slices.Concat(explanations, softwareExplanations, pkcs11Explanations, tpmExplanations) {
		if _, ok := Lookup(e.id); !ok {
			t.Errorf("no row of Differences has the ID %q", e.id)
		}
	}
}
