package software_test

import (
	"errors"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/software"
)

// TestCheckNewKey: what is refused before the name is looked at are RSA sizes, and nothing
// else.
func TestCheckNewKey(t *testing.T) {
	p := open(t, software.Options{KeyStorePath: t.TempDir()})
	defer p.Close()
	rsa := func(bits uint64) psa.Attributes { return psa.Attributes{Type: psa.KeyRSAPair, Bits: bits} }
	for name, c := range map[string]struct {
		attrs psa.Attributes
		data  []byte
		ok    bool
	}{
		"generate 2048":             {rsa(2048), nil, true},
		"generate 3072":             {rsa(3072), nil, true},
		"generate 1536":             {rsa(1536), nil, false},
		"generate 0":                {rsa(0), nil, false},
		"import 2047":               {rsa(2047), []byte{1}, false},
		"import, size of the data":  {rsa(0), []byte{1}, true},
		"a curve that is not there": {psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveFRP, Bits: 7}, nil, true},
		"AES of 77 bits":            {psa.Attributes{Type: psa.KeyAES, Bits: 77}, nil, true},
	} {
		err := p.CheckNewKey(c.attrs, c.data)
		if c.ok && err != nil || !c.ok && !errors.Is(err, wire.StatusInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
