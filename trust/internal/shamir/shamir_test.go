package shamir

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// TestField checks the field against its definition with generator 2.
func TestField(t *testing.T) {
	exp := [255]byte{}
	x := 1
	for i := range exp {
		exp[i] = byte(x)
		if x <<= 1; x > 255 {
			x ^= 0x11d
		}
	}
	if x != 1 {
		t.Fatal("2 is no generator")
	}
	for i, a := range exp {
		for j, b := range exp {
			if got, want := mul(a, b), exp[(i+j)%255]; got != want {
				t.Fatalf("%d·%d = %d, want %d", a, b, got, want)
			}
		}
		if mul(a, 0) != 0 || mul(0, a) != 0 || mul(a, inverse(a)) != 1 {
			t.Fatalf("zero or inverse of %d", a)
		}
	}
}

func TestSplitCombine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "secret")
		n := rapid.IntRange(1, 40).Draw(t, "n")
		threshold := rapid.IntRange(1, n).Draw(t, "threshold")
		shares, err := Split(secret, threshold, n)
		if err != nil {
			t.Fatal(err)
		}
		some := rapid.Permutation(shares).Draw(t, "order")[:rapid.IntRange(threshold, n).Draw(t, "given")]
		got, err := Combine(append(some, some[0]), threshold)
		if err != nil || !bytes.Equal(got, secret) {
			t.Fatalf("%x, %v, want %x", got, err, secret)
		}
		if threshold > 1 {
			few := make([][]byte, 0, threshold)
			for range threshold {
				few = append(few, some[0])
			}
			if _, err := Combine(few, threshold); !errors.Is(err, ErrNotEnough) {
				t.Fatalf("one share %d times: %v", threshold, err)
			}
		}
	})
}

func TestMostShares(t *testing.T) {
	secret := []byte("secret")
	shares, err := Split(secret, MaxShares, MaxShares)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Combine(shares, MaxShares); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range [][3]int{{0, 1, 1}, {2, 1, 1}, {1, 256, 1}, {1, 1, 0}} {
		if _, err := Split(make([]byte, c[2]), c[0], c[1]); !errors.Is(err, ErrParameters) {
			t.Errorf("threshold %d of %d, %d bytes: %v", c[0], c[1], c[2], err)
		}
	}
	for name, c := range map[string]struct {
		shares [][]byte
		want   error
	}{
		"none":           {nil, ErrNotEnough},
		"no byte":        {[][]byte{{1}}, ErrShare},
		"index 0":        {[][]byte{{0, 1}}, ErrShare},
		"unequal length": {[][]byte{{1, 1}, {2, 1, 1}}, ErrShare},
	} {
		if _, err := Combine(c.shares, 1); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Combine([][]byte{{1, 1}}, 0); !errors.Is(err, ErrParameters) {
		t.Errorf("threshold 0: %v", err)
	}
}
