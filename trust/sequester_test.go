package trust

import (
	"bytes"
	"errors"
	"testing"
)

// TestSequesterKeys: a key has one form, and is fit to be used.
func TestSequesterKeys(t *testing.T) {
	der := []byte(nil)
	for _, v := range vectors(t) {
		if v.Op == "sequester_verify" {
			der = v.In.bytes("public_key_der")
		}
	}
	k, err := ParseSequesterVerifyKey(der)
	if err != nil || !bytes.Equal(k.DER(), der) {
		t.Fatalf("%x, %v", k.DER(), err)
	}
	exponent := bytes.LastIndex(der, []byte{0x02, 0x03, 0x01, 0x00, 0x01})
	inside := bytes.Clone(der)
	inside[exponent+1] = 2 // the exponent 256, and a byte that belongs to nothing
	even := bytes.Clone(der)
	even[exponent+4] = 0
	for name, bad := range map[string][]byte{
		"nothing": nil, "cut off": der[:len(der)-1], "bytes behind": append(bytes.Clone(der), 0), "bytes inside": inside, "even exponent": even,
	} {
		if _, err := ParseSequesterVerifyKey(bad); !errors.Is(err, ErrNotRSA) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
