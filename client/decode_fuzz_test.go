package client_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// FuzzECDSASignature: what is read as ASN.1 fits the curve, and written again it is the
// same.
func FuzzECDSASignature(f *testing.F) {
	for _, raw := range [][]byte{bytes.Repeat([]byte{0x80}, 64), bytes.Repeat([]byte{1}, 132), append(make([]byte, 31), 1, 0xff)} {
		if der, err := client.ECDSAToASN1(raw[:len(raw)/2*2]); err == nil {
			f.Add(der, uint64(4*len(raw)))
		}
	}
	f.Add([]byte{0x30, 6, 2, 1, 1, 2, 1, 1}, uint64(521))
	f.Fuzz(func(t *testing.T, der []byte, bits uint64) {
		raw, err := client.ECDSAFromASN1(der, bits)
		if err != nil {
			return
		}
		if want := 2 * ((bits + 7) / 8); uint64(len(raw)) != want {
			t.Fatalf("%d bytes for a curve of %d bits", len(raw), bits)
		}
		if again, err := client.ECDSAToASN1(raw); err != nil || !bytes.Equal(again, der) {
			t.Errorf("%x comes back as %x: %v", der, again, err)
		}
	})
}

// FuzzPublicKey: what a service exports is refused or gives a key that holds the same
// bytes.
func FuzzPublicKey(f *testing.F) {
	s := psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1}
	f.Add(uint8(s.Type), uint8(s.Curve), append([]byte{4}, make([]byte, 64)...))
	f.Add(uint8(psa.KeyECCPair), uint8(psa.CurveEdwards), make([]byte, 32))
	f.Add(uint8(psa.KeyECCPair), uint8(psa.CurveMontgomery), make([]byte, 32))
	f.Add(uint8(psa.KeyRSAPair), uint8(0), []byte{0x30, 6, 2, 1, 35, 2, 1, 3})
	f.Fuzz(func(t *testing.T, kind, curve uint8, data []byte) {
		key, err := client.PublicKey(psa.Attributes{Type: psa.KeyType(kind), Curve: psa.Curve(curve)}, data)
		if err != nil {
			return
		}
		var back []byte
		switch k := key.(type) {
		case *rsa.PublicKey:
			back = x509.MarshalPKCS1PublicKey(k)
		case *ecdsa.PublicKey:
			back, err = k.Bytes()
		case *ecdh.PublicKey:
			back = k.Bytes()
		case ed25519.PublicKey:
			back = k
		default:
			t.Fatalf("a key of type %T", key)
		}
		if err != nil || !bytes.Equal(back, data) {
			t.Errorf("%x comes back as %x: %v", data, back, err)
		}
	})
}
