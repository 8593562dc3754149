package pkcs11_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

func TestMain(m *testing.M) {
	code := tokentest.Main(m)
	if err := goleak.Find(); err != nil && code == 0 {
		code = 1
		os.Stderr.WriteString(err.Error())
	}
	os.Exit(code)
}

// pin is a PIN in the clear.
type pin string

func (p pin) Use(f func([]byte) error) error { return f([]byte(p)) }

// options are those for the only token of the SoftHSM2 of the test.
func options(tb testing.TB) pkcs11.Options {
	tb.Helper()
	return pkcs11.Options{
		Library: tokentest.Library, PIN: pin(tokentest.PIN), Helper: tokentest.Helper(tb), StateDir: tb.TempDir(),
	}
}

// open opens a provider that is closed when the test ends.
func open(tb testing.TB, o pkcs11.Options) *pkcs11.Provider {
	tb.Helper()
	p, err := pkcs11.Open(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = p.Close() })
	return p
}

var p256 = psa.Attributes{
	Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: psa.UsageSignHash | psa.UsageVerifyHash,
	Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256},
}

// sign signs 32 bytes.
func sign(tb testing.TB, p *pkcs11.Provider, key providers.Key) error {
	tb.Helper()
	_, err := p.SignHash(tb.Context(), key, key.Attributes.Alg, make([]byte, 32))
	return err
}
