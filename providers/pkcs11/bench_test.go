package pkcs11_test

import (
	"fmt"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
)

// BenchmarkSign signs with P-256 on SoftHSM2, from one and from eight goroutines. The bare
// library is measured by BenchmarkBareSign of internal/module.
func BenchmarkSign(b *testing.B) {
	for _, callers := range []int{1, 8} {
		b.Run(fmt.Sprintf("callers-%d", callers), func(b *testing.B) {
			tokentest.New(b).Token("bench")
			p := open(b, options(b))
			key := providertest.Generate(b, p, p256)
			work := make(chan struct{}, callers)
			failed := make(chan error, callers)
			for range callers {
				go func() {
					var err error
					for range work {
						if e := sign(b, p, key); e != nil {
							err = e
						}
					}
					failed <- err
				}()
			}
			b.ReportAllocs()
			for b.Loop() {
				work <- struct{}{}
			}
			close(work)
			for range callers {
				if err := <-failed; err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
