//go:build cgo

package module

import (
	"strings"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

// TestLoaderReason: the loader's reason arrives, whichever threads the goroutines get.
func TestLoaderReason(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				if _, err := probe("/nowhere/lib.so"); err == nil || !strings.Contains(err.Error(), "/nowhere/lib.so") {
					t.Errorf("%q", err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestDescribe: no error looks like a success.
func TestDescribe(t *testing.T) {
	for _, err := range []error{loadError(""), &failure{"C_Sign", ck.RVOK}, &failure{"C_Sign", ck.RVDeviceRemoved}, loadError("a reason")} {
		if out := describe(err); !out.Failed() {
			t.Errorf("%q: %+v", err, out)
		}
	}
}

// BenchmarkBareSign signs with P-256 on SoftHSM2 without a process between.
func BenchmarkBareSign(b *testing.B) {
	token := tokentest.New(b).Token("bare")
	l, err := load(tokentest.Library, false)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(l.finalize)
	selector := []frame.Attribute{frame.Number(ck.AttrClass, ck.ClassPrivateKey), frame.Bytes(ck.AttrID, []byte{1})}
	do := func(r *frame.Request) {
		r.ID, r.Slot = 1, token.Slot
		if err := l.do(r, &frame.Response{}); err != nil {
			b.Fatal(err)
		}
	}
	do(&frame.Request{Op: frame.OpOpen, Count: 1})
	do(&frame.Request{Op: frame.OpLogin, Data: []byte(tokentest.PIN)})
	do(&frame.Request{
		Op: frame.OpGenerateKeyPair, Mechanism: frame.Mechanism{Type: ck.MechECKeyPairGen},
		Template: []frame.Attribute{frame.Bytes(ck.AttrECParams, []byte{6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7}), frame.Bool(ck.AttrVerify, true)},
		Private:  []frame.Attribute{frame.Bytes(ck.AttrID, []byte{1}), frame.Bool(ck.AttrSign, true)},
	})
	for b.Loop() {
		do(&frame.Request{Op: frame.OpSign, Object: selector, Mechanism: frame.Mechanism{Type: ck.MechECDSA}, Data: make([]byte, 32)})
	}
}
