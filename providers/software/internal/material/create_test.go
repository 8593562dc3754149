package material_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

// status is what creation answers: 0, or a number of section 2.3.
func status(err error) int { return int(wire.StatusOf(err)) }

// The statuses below were measured on the original, but for the sizes that it lacks by
// mistake: P-384 and RSA-3072.
var generation = []struct {
	typ   psa.KeyType
	curve psa.Curve
	want  map[uint64]int
}{
	{psa.KeyRSAPair, 0, map[uint64]int{0: 1135, 512: 1135, 1000: 1135, 1024: 0, 1536: 1135, 2048: 0, 3072: 0, 3000: 1135, 4104: 1135, 70000: 1135}},
	{psa.KeyECCPair, psa.CurveSECPK1, map[uint64]int{0: 1135, 160: 1135, 192: 0, 224: 1134, 225: 1135, 256: 0, 257: 1135, 70000: 1135}},
	{psa.KeyECCPair, psa.CurveSECPR1, map[uint64]int{
		0: 1135, 128: 1135, 160: 1135, 192: 0, 224: 0, 225: 1135, 256: 0, 284: 1134, 320: 1135, 384: 0, 512: 1135, 521: 0, 528: 1135, 70000: 1135,
	}},
	{psa.KeyECCPair, psa.CurveSECPR2, map[uint64]int{0: 1135, 160: 1134, 163: 1134}},
	{psa.KeyECCPair, psa.CurveSECTK1, map[uint64]int{0: 1135, 163: 1135, 233: 1134, 239: 1134, 283: 1134, 409: 1134, 571: 1134, 570: 1135}},
	{psa.KeyECCPair, psa.CurveSECTR1, map[uint64]int{0: 1135, 163: 1135, 233: 1134, 239: 1135, 283: 1134, 409: 1134, 571: 1134}},
	{psa.KeyECCPair, psa.CurveSECTR2, map[uint64]int{0: 1135, 163: 1134, 160: 1134}},
	{psa.KeyECCPair, psa.CurveBrainpoolPR1, map[uint64]int{
		0: 1135, 160: 1135, 192: 1134, 224: 1134, 255: 1135, 256: 0, 320: 1134, 384: 0, 512: 0, 513: 1135,
	}},
	{psa.KeyECCPair, psa.CurveFRP, map[uint64]int{0: 1134, 256: 1134, 160: 1134}},
	{psa.KeyECCPair, psa.CurveMontgomery, map[uint64]int{0: 1135, 255: 0, 256: 1135, 448: 0, 446: 1135}},
	{psa.KeyECCPair, psa.CurveEdwards, map[uint64]int{0: 1135, 255: 0, 256: 1135, 448: 1134}},
	{psa.KeyRawData, 0, map[uint64]int{0: 1135, 1: 1135, 7: 1135, 8: 0, 65528: 0, 65529: 1134, 65535: 1134, 65536: 1134, 70000: 1134}},
	{psa.KeyHMAC, 0, map[uint64]int{0: 1135, 8: 0, 9: 1135}},
	{psa.KeyDerive, 0, map[uint64]int{8: 0}},
	{psa.KeyAES, 0, map[uint64]int{0: 1135, 8: 1135, 77: 1135, 128: 0, 192: 0, 256: 0, 512: 1135, 65528: 1135, 65536: 1134, 70000: 1134}},
	{psa.KeyCamellia, 0, map[uint64]int{64: 1135, 128: 0, 192: 0, 256: 0}},
	{psa.KeyDES, 0, map[uint64]int{0: 1135, 56: 1135, 64: 0, 100: 1135, 128: 0, 192: 0, 70000: 1134}},
	{psa.KeyARC4, 0, map[uint64]int{0: 1135, 128: 1134}},
	{psa.KeyChaCha20, 0, map[uint64]int{128: 1135, 256: 0}},
	{psa.KeyDHPair, 0, map[uint64]int{0: 1135, 1024: 1134, 2048: 0, 3072: 0, 4096: 0, 6144: 0, 8192: 0, 2047: 1134, 70000: 1134}},
	{psa.KeyRSAPublic, 0, map[uint64]int{2048: 1135}},
	{psa.KeyECCPublic, psa.CurveSECPR1, map[uint64]int{256: 1135}},
	{psa.KeyDHPublic, 0, map[uint64]int{2048: 1135}},
}

// Generation answers as the tables of section 6.2 say, and what it makes is a key of just
// that size, exported as it was made, whose public half is a public key.
func TestGenerate(t *testing.T) {
	for _, row := range generation {
		for bits, want := range row.want {
			t.Run(fmt.Sprint(row.typ, " ", row.curve, " ", bits), func(t *testing.T) {
				a := psa.Attributes{Type: row.typ, Curve: row.curve, Bits: bits}
				data, err := material.Generate(a)
				if status(err) != want {
					t.Fatalf("status %d (%v), want %d", status(err), err, want)
				}
				if err == nil && bits <= 4096 || row.typ == psa.KeyRawData && err == nil {
					made(t, a, data)
				}
			})
		}
	}
}

func made(t *testing.T, a psa.Attributes, data []byte) {
	t.Helper()
	k := mustKey(t, a, data)
	if k.Bits() != a.Bits {
		t.Errorf("%d bits", k.Bits())
	}
	unsized := a
	unsized.Bits = 0
	if k := mustKey(t, unsized, data); k.Bits() != a.Bits {
		t.Errorf("%d bits when the size is not named", k.Bits())
	}
	got, err := k.Export()
	same(t, "export", got, data, err)
	pub, err := k.Public()
	if !a.Type.Pair() {
		if status(err) != 1135 {
			t.Errorf("public half of %s: %v", a.Type, err)
		}
		return
	}
	check(t, "public", err)
	a.Type = map[psa.KeyType]psa.KeyType{
		psa.KeyRSAPair: psa.KeyRSAPublic, psa.KeyECCPair: psa.KeyECCPublic, psa.KeyDHPair: psa.KeyDHPublic,
	}[a.Type]
	p := mustKey(t, a, pub)
	got, err = p.Public()
	same(t, "public half of the public key", got, pub, err)
	got, err = p.Export()
	same(t, "export of the public key", got, pub, err)
	k.Wipe()
	p.Wipe()
}

// Two keys are never the same.
func TestGenerateFresh(t *testing.T) {
	for _, a := range []psa.Attributes{
		{Type: psa.KeyAES, Bits: 128},
		{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256},
		{Type: psa.KeyECCPair, Curve: psa.CurveBrainpoolPR1, Bits: 256},
		{Type: psa.KeyECCPair, Curve: psa.CurveMontgomery, Bits: 255},
		{Type: psa.KeyECCPair, Curve: psa.CurveMontgomery, Bits: 448},
		{Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255},
		{Type: psa.KeyDHPair, Bits: 2048},
	} {
		one, err := material.Generate(a)
		check(t, "generate", err)
		two, err := material.Generate(a)
		check(t, "generate", err)
		if bytes.Equal(one, two) {
			t.Errorf("%s %d: the same key twice", a.Type, a.Bits)
		}
	}
}

// DES keys have odd parity in every byte.
func TestGenerateDESParity(t *testing.T) {
	data, err := material.Generate(psa.Attributes{Type: psa.KeyDES, Bits: 192})
	check(t, "generate", err)
	for _, b := range data {
		n := 0
		for ; b > 0; b >>= 1 {
			n += int(b & 1)
		}
		if n%2 == 0 {
			t.Fatalf("even parity in %x", data)
		}
	}
}

// bytesRow is an import of n bytes of 01: the status without a size, with the right one,
// and with one byte more.
type bytesRow struct {
	typ                   psa.KeyType
	n                     int
	unsized, sized, wrong int
}

// Measured on the original.
var byteImports = []bytesRow{
	{psa.KeyRawData, 0, 1135, 1135, 1135},
	{psa.KeyRawData, 1, 0, 0, 1135},
	{psa.KeyRawData, 8191, 0, 0, 1134},
	{psa.KeyRawData, 8192, 1134, 1134, 1134},
	{psa.KeyHMAC, 0, 1135, 1135, 1135},
	{psa.KeyHMAC, 1, 0, 0, 1135},
	{psa.KeyDerive, 8192, 1134, 1134, 1134},
	{psa.KeyAES, 15, 1135, 1135, 1135},
	{psa.KeyAES, 16, 0, 0, 1135},
	{psa.KeyAES, 24, 0, 0, 1135},
	{psa.KeyAES, 32, 0, 0, 1135},
	{psa.KeyAES, 8192, 1135, 1134, 1134},
	{psa.KeyDES, 7, 1135, 1135, 1135},
	{psa.KeyDES, 8, 0, 0, 1135},
	{psa.KeyDES, 16, 0, 0, 1135},
	{psa.KeyDES, 24, 0, 0, 1135},
	{psa.KeyCamellia, 8, 1135, 1135, 1135},
	{psa.KeyCamellia, 16, 0, 0, 1135},
	{psa.KeyChaCha20, 16, 1135, 1135, 1135},
	{psa.KeyChaCha20, 32, 0, 0, 1135},
	{psa.KeyARC4, 0, 1135, 1135, 1135},
	{psa.KeyARC4, 16, 1134, 1134, 1134},
	{psa.KeyDHPair, 128, 1134, 1134, 1134},
	{psa.KeyDHPair, 255, 1134, 1134, 1134},
	{psa.KeyDHPair, 256, 0, 0, 1135},
	{psa.KeyDHPair, 384, 0, 0, 1135},
	{psa.KeyDHPair, 1024, 0, 0, 1135},
	{psa.KeyDHPair, 1025, 1134, 1134, 1134},
	{psa.KeyDHPublic, 100, 1134, 1134, 1134},
	{psa.KeyDHPublic, 256, 0, 0, 1135},
}

func TestImportBytes(t *testing.T) {
	for _, row := range byteImports {
		data := bytes.Repeat([]byte{1}, row.n)
		bits := 8 * uint64(row.n)
		for _, try := range []struct {
			bits uint64
			want int
		}{{0, row.unsized}, {bits, row.sized}, {bits + 8, row.wrong}} {
			if _, err := material.New(psa.Attributes{Type: row.typ, Bits: try.bits}, data); status(err) != try.want {
				t.Errorf("%s of %d bytes as %d bits: %v, want %d", row.typ, row.n, try.bits, err, try.want)
			}
		}
	}
}

// scalarRow is an import of n bytes of 01 as private key, as byteImports.
type scalarRow struct {
	curve          psa.Curve
	n              int
	unsized, sized int
}

// Measured on the original, but for P-384 under its size.
var scalarImports = []scalarRow{
	{psa.CurveSECPK1, 20, 1135, 1135},
	{psa.CurveSECPK1, 24, 0, 0},
	{psa.CurveSECPK1, 32, 0, 0},
	{psa.CurveSECPK1, 33, 1135, 1135},
	{psa.CurveSECPR1, 20, 1135, 1135},
	{psa.CurveSECPR1, 24, 0, 0},
	{psa.CurveSECPR1, 28, 0, 0},
	{psa.CurveSECPR1, 32, 0, 0},
	{psa.CurveSECPR1, 40, 1135, 1135},
	{psa.CurveSECPR1, 48, 0, 0},
	{psa.CurveSECPR1, 66, 1135, 1135},
	{psa.CurveSECPR1, 65, 1135, 1135},
	{psa.CurveBrainpoolPR1, 20, 1135, 1135},
	{psa.CurveBrainpoolPR1, 32, 0, 0},
	{psa.CurveBrainpoolPR1, 48, 0, 0},
	{psa.CurveBrainpoolPR1, 64, 0, 0},
	{psa.CurveMontgomery, 31, 1135, 1135},
	{psa.CurveMontgomery, 32, 0, 1135},
	{psa.CurveMontgomery, 56, 0, 0},
	{psa.CurveFRP, 32, 1134, 1134},
	{psa.CurveEdwards, 32, 0, 1135},
	{psa.CurveEdwards, 57, 1135, 1135},
	{psa.CurveSECTK1, 30, 1135, 1135},
}

func TestImportScalar(t *testing.T) {
	for _, row := range scalarImports {
		data := bytes.Repeat([]byte{1}, row.n)
		if row.curve == psa.CurveSECPR1 && row.n == 66 { // 521 bits, so the first byte is 0 or 1
			data[0] = 2
		}
		a := psa.Attributes{Type: psa.KeyECCPair, Curve: row.curve}
		if _, err := material.New(a, data); status(err) != row.unsized {
			t.Errorf("%s of %d bytes: %v, want %d", row.curve, row.n, err, row.unsized)
		}
		a.Bits = 8 * uint64(row.n)
		if _, err := material.New(a, data); status(err) != row.sized {
			t.Errorf("%s of %d bits: %v, want %d", row.curve, a.Bits, err, row.sized)
		}
	}
	p521 := psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 521}
	_, err := material.New(p521, append([]byte{0}, bytes.Repeat([]byte{1}, 65)...))
	check(t, "P-521", err)
	for name, data := range map[string][]byte{"zero": make([]byte, 32), "above the order": bytes.Repeat([]byte{0xff}, 32), "empty": nil} {
		for _, c := range []psa.Curve{psa.CurveSECPR1, psa.CurveSECPK1, psa.CurveBrainpoolPR1} {
			if _, err := material.New(psa.Attributes{Type: psa.KeyECCPair, Curve: c, Bits: 256}, data); status(err) != 1135 {
				t.Errorf("%s on %s: %v", name, c, err)
			}
		}
	}
}

func TestImportPoint(t *testing.T) {
	for _, c := range []psa.Attributes{
		{Curve: psa.CurveSECPR1, Bits: 192},
		{Curve: psa.CurveSECPR1, Bits: 224},
		{Curve: psa.CurveSECPR1, Bits: 256},
		{Curve: psa.CurveSECPR1, Bits: 384},
		{Curve: psa.CurveSECPR1, Bits: 521},
		{Curve: psa.CurveSECPK1, Bits: 192},
		{Curve: psa.CurveSECPK1, Bits: 256},
		{Curve: psa.CurveBrainpoolPR1, Bits: 256},
		{Curve: psa.CurveBrainpoolPR1, Bits: 512},
	} {
		point := publicOf(t, psa.Attributes{Type: psa.KeyECCPair, Curve: c.Curve, Bits: c.Bits})
		size := len(point) / 2
		off := slices.Clone(point)
		off[len(off)-1] ^= 1
		bad := map[string][]byte{
			"compressed": append([]byte{2 + point[2*size]&1}, point[1:1+size]...),
			"hybrid":     append([]byte{6 + point[2*size]&1}, point[1:]...),
			"short":      point[:len(point)-1],
			"long":       append(slices.Clone(point), 0),
			"off curve":  off,
			"infinity":   {0},
			"zero":       append([]byte{4}, make([]byte, 2*size)...),
			"too large":  append([]byte{4}, bytes.Repeat([]byte{0xff}, 2*size)...),
			"empty":      nil,
		}
		a := psa.Attributes{Type: psa.KeyECCPublic, Curve: c.Curve}
		pair := psa.Attributes{Type: psa.KeyECCPair, Curve: c.Curve, Bits: c.Bits}
		data, err := material.Generate(pair)
		check(t, "generate", err)
		k := mustKey(t, pair, data)
		ecdh := psa.Algorithm{Kind: psa.AlgECDH}
		for name, b := range bad {
			for _, a.Bits = range []uint64{0, c.Bits} {
				if _, err := material.New(a, b); status(err) != 1135 {
					t.Errorf("%s %d as %d bits, %s: %v", c.Curve, c.Bits, a.Bits, name, err)
				}
			}
			if _, err := k.Agree(ecdh, b); status(err) != 1135 {
				t.Errorf("agree on %s %d, %s: %v", c.Curve, c.Bits, name, err)
			}
		}
		a.Bits = c.Bits + 32
		if _, err := material.New(a, point); status(err) != 1135 && status(err) != 1134 {
			t.Errorf("%s %d as %d bits: %v", c.Curve, c.Bits, a.Bits, err)
		}
	}
}

func publicOf(t *testing.T, a psa.Attributes) []byte {
	t.Helper()
	data, err := material.Generate(a)
	check(t, "generate", err)
	pub, err := mustKey(t, a, data).Public()
	check(t, "public", err)
	return pub
}

// Montgomery keys are kept with their fixed bits set, as the original keeps them; public
// keys of low order are refused.
func TestImportMontgomery(t *testing.T) {
	for _, c := range []struct {
		bits        uint64
		size        int
		first, last byte
	}{{255, 32, 0xf8, 0x7f}, {448, 56, 0xfc, 0xff}} {
		a := psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveMontgomery, Bits: c.bits}
		k := mustKey(t, a, bytes.Repeat([]byte{0xff}, c.size))
		want := bytes.Repeat([]byte{0xff}, c.size)
		want[0], want[c.size-1] = c.first, c.last
		got, err := k.Export()
		same(t, "export", got, want, err)
		zero, one := make([]byte, c.size), append([]byte{1}, make([]byte, c.size-1)...)
		pub := psa.Attributes{Type: psa.KeyECCPublic, Curve: psa.CurveMontgomery}
		ecdh := psa.Algorithm{Kind: psa.AlgECDH}
		for _, low := range [][]byte{zero, one} {
			if _, err := material.New(pub, low); status(err) != 1135 {
				t.Errorf("public %x: %v", low, err)
			}
			if _, err := k.Agree(ecdh, low); status(err) != 1135 {
				t.Errorf("agree with %x: %v", low, err)
			}
		}
		for _, n := range []int{0, 31, c.size + 1} {
			if _, err := k.Agree(ecdh, bytes.Repeat([]byte{9}, n)); status(err) != 1135 {
				t.Errorf("agree with %d bytes: %v", n, err)
			}
		}
		got, err = mustKey(t, pub, bytes.Repeat([]byte{0xff}, c.size)).Public()
		if c.bits == 255 {
			want = append(bytes.Repeat([]byte{0xff}, 31), 0x7f) // the unused bit
		} else {
			want = bytes.Repeat([]byte{0xff}, c.size)
		}
		same(t, "public", got, want, err)
	}
}

// DH values outside of the group are refused, at import and from a peer.
func TestImportDHRange(t *testing.T) {
	a := psa.Attributes{Type: psa.KeyDHPair, Bits: 2048}
	data, err := material.Generate(a)
	check(t, "generate", err)
	k := mustKey(t, a, data)
	zero := make([]byte, 256)
	one := append(make([]byte, 255), 1)
	large := bytes.Repeat([]byte{0xff}, 256)
	for _, b := range [][]byte{zero, large} {
		for _, typ := range []psa.KeyType{psa.KeyDHPair, psa.KeyDHPublic} {
			if _, err := material.New(psa.Attributes{Type: typ}, b); status(err) != 1135 {
				t.Errorf("%s %x…: %v", typ, b[:4], err)
			}
		}
	}
	for _, b := range [][]byte{zero, one, large, {}, large[:255]} {
		if _, err := k.Agree(psa.Algorithm{Kind: psa.AlgFFDH}, b); status(err) != 1135 {
			t.Errorf("agree with %d bytes: %v", len(b), err)
		}
	}
}

// Ed25519 public keys are canonical encodings of points.
func TestImportEdwards(t *testing.T) {
	a := psa.Attributes{Type: psa.KeyECCPublic, Curve: psa.CurveEdwards, Bits: 255}
	prime := append(append([]byte{0xed}, bytes.Repeat([]byte{0xff}, 30)...), 0x7f)
	for name, b := range map[string][]byte{
		"short": make([]byte, 31), "y is the prime": prime, "no point": append([]byte{2}, make([]byte, 31)...),
		"negative zero": append(append([]byte{1}, make([]byte, 30)...), 0x80),
	} {
		if _, err := material.New(a, b); status(err) != 1135 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for range 20 {
		mustKey(t, a, publicOf(t, psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255}))
	}
}
