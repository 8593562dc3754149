package mpack

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestPartsAreTheWhole: in parts and in one piece the same is written, whatever memory there was, and large strings are not copied.
func TestPartsAreTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, parts := &Writer{}, InParts(bytes.Repeat([]byte{0xff}, rapid.IntRange(0, 3*borrowed).Draw(t, "memory")))
		large := 0
		for range rapid.IntRange(0, 6).Draw(t, "values") {
			value := bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, rapid.SampledFrom([]int{0, 3, 300, borrowed - 1, borrowed, 2 * borrowed}).Draw(t, "size"))
			if len(value) >= borrowed {
				large++
			}
			for _, w := range []*Writer{one, parts} {
				w.Bytes(value)
				w.String("between")
			}
		}
		want, err := one.Result()
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := parts.Parts()
		if err != nil || !bytes.Equal(bytes.Join(got, nil), want) || len(got) != 2*large+1 {
			t.Fatalf("%d parts for %d large values, %v", len(got), large, err)
		}
	})
}

func TestPartsAfterFailure(t *testing.T) {
	w := InParts(nil)
	w.Fail(ErrRange)
	w.Bytes(nil)
	if parts, _, err := w.Parts(); err == nil {
		t.Errorf("%d parts", len(parts))
	}
}
