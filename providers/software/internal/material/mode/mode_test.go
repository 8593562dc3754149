package mode

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"encoding/hex"
	"errors"
	"slices"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func block(t testing.TB, key string) cipher.Block {
	t.Helper()
	b, err := aes.NewCipher(unhex(t, key))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func counting(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// The examples of NIST SP 800-38C appendix C.
func TestCCMExamples(t *testing.T) {
	b := block(t, "404142434445464748494a4b4c4d4e4f")
	long := make([]byte, 524288/8)
	for i := range long {
		long[i] = byte(i)
	}
	for _, v := range []struct {
		tag                  int
		nonce, plain, sealed string
		ad                   []byte
	}{
		{4, "10111213141516", "20212223", "7162015b4dac255d", counting(8)},
		{6, "1011121314151617", "202122232425262728292a2b2c2d2e2f", "d2a1f0e051ea5f62081a7792073d593d1fc64fbfaccd", counting(16)},
		{
			8, "101112131415161718191a1b", "202122232425262728292a2b2c2d2e2f3031323334353637",
			"e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951", counting(20),
		},
		{
			14, "101112131415161718191a1b1c", "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
			"69915dad1e84c6376a68c2967e4dab615ae0fd1faec44cc484828529463ccf72b4ac6bec93e8598e7f0dadbcea5b", long,
		},
	} {
		c, err := NewCCM(b, v.tag)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Seal(unhex(t, v.nonce), unhex(t, v.plain), v.ad)
		if err != nil || hex.EncodeToString(got) != v.sealed {
			t.Errorf("tag of %d bytes: %x, %v", v.tag, got, err)
		}
		plain, err := c.Open(unhex(t, v.nonce), unhex(t, v.sealed), v.ad)
		if err != nil || hex.EncodeToString(plain) != v.plain {
			t.Errorf("tag of %d bytes: opened %x, %v", v.tag, plain, err)
		}
	}
}

func TestAssociatedDataLength(t *testing.T) {
	for n, want := range map[int]string{1: "0001", 0xfeff: "feff", 0xff00: "fffe0000ff00", 1 << 20: "fffe00100000"} {
		if got := hex.EncodeToString(adLength(n)); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestParameters(t *testing.T) {
	b := block(t, "404142434445464748494a4b4c4d4e4f")
	small, err := des.NewCipher(make([]byte, 8))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		if _, err := NewCCM(b, n); (err == nil) != (n >= 4 && n <= 16 && n%2 == 0) {
			t.Errorf("ccm with a tag of %d bytes: %v", n, err)
		}
		if _, err := NewGCM(b, n); (err == nil) != (n >= 4 && n <= 16) {
			t.Errorf("gcm with a tag of %d bytes: %v", n, err)
		}
	}
	if _, err := NewCCM(small, 16); err == nil {
		t.Error("ccm with small blocks")
	}
	if _, err := NewGCM(small, 16); err == nil {
		t.Error("gcm with small blocks")
	}
	if _, err := XTS(small, small, make([]byte, 16), make([]byte, 16)); err == nil {
		t.Error("xts with small blocks")
	}
	if _, err := XTS(b, b, make([]byte, 15), make([]byte, 16)); !errors.Is(err, ErrLength) {
		t.Errorf("short tweak: %v", err)
	}
	g, err := NewGCM(b, 16)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Seal(nil, nil, nil); !errors.Is(err, ErrLength) {
		t.Errorf("gcm without a nonce: %v", err)
	}
}

// The examples of NIST SP 800-38B appendix D: AES-128 and three-key triple DES.
func TestCMACExamples(t *testing.T) {
	b := block(t, "2b7e151628aed2a6abf7158809cf4f3c")
	message := unhex(t, "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
	for n, want := range map[int]string{
		0: "bb1d6929e95937287fa37d129b756746", 16: "070a16b46b4d4144f79bdd9dd04a287c",
		40: "dfa66747de9ae63030ca32611497c827", 64: "51f0bebf7e3b9d92fc49741779363cfe",
	} {
		if got := hex.EncodeToString(CMAC(b, message[:n])); got != want {
			t.Errorf("aes, %d bytes: %s, want %s", n, got, want)
		}
	}
	triple, err := des.NewTripleDESCipher(unhex(t, "8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5"))
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{0: "b7a688e122ffaf95", 8: "8e8f293136283797", 20: "743ddbe0ce2dc2ed", 32: "33e6b1092400eae5"} {
		if got := hex.EncodeToString(CMAC(triple, message[:n])); got != want {
			t.Errorf("triple des, %d bytes: %s, want %s", n, got, want)
		}
	}
}

// Vectors 1, 2, 4 (beginning) and 15 to 18 of IEEE 1619-2007 annex B; the last ones steal
// ciphertext.
func TestXTSExamples(t *testing.T) {
	for _, v := range []struct{ key1, key2, tweak, plain, cipher string }{
		{
			"00000000000000000000000000000000", "00000000000000000000000000000000", "00000000000000000000000000000000",
			"0000000000000000000000000000000000000000000000000000000000000000",
			"917cf69ebd68b2ec9b9fe9a3eadda692cd43d2f59598ed858c02c2652fbf922e",
		},
		{
			"11111111111111111111111111111111", "22222222222222222222222222222222", "33333333330000000000000000000000",
			"4444444444444444444444444444444444444444444444444444444444444444",
			"c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0",
		},
		{
			"fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0", "bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0", "9a785634120000000000000000000000",
			"000102030405060708090a0b0c0d0e0f10", "6c1625db4671522d3d7599601de7ca09ed",
		},
		{
			"fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0", "bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0", "9a785634120000000000000000000000",
			"000102030405060708090a0b0c0d0e0f1011", "d069444b7a7e0cab09e24447d24deb1fedbf",
		},
		{
			"fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0", "bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0", "9a785634120000000000000000000000",
			"000102030405060708090a0b0c0d0e0f101112", "e5df1351c0544ba1350b3363cd8ef4beedbf9d",
		},
		{
			"fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0", "bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0", "9a785634120000000000000000000000",
			"000102030405060708090a0b0c0d0e0f10111213", "9d84c813f719aa2c7be3f66171c7c5c2edbf9dac",
		},
	} {
		data, tweaks := block(t, v.key1), block(t, v.key2)
		got, err := XTS(data, tweaks, unhex(t, v.tweak), unhex(t, v.plain))
		if err != nil || hex.EncodeToString(got) != v.cipher {
			t.Errorf("%d bytes: %x, %v, want %s", len(v.plain)/2, got, err, v.cipher)
		}
		got, err = OpenXTS(data, tweaks, unhex(t, v.tweak), unhex(t, v.cipher))
		if err != nil || hex.EncodeToString(got) != v.plain {
			t.Errorf("%d bytes: opened %x, %v", len(v.plain)/2, got, err)
		}
	}
}

func FuzzAEAD(f *testing.F) {
	f.Add([]byte("key"), []byte("nonce is 12!"), []byte("ad"), []byte("plaintext"), uint8(16))
	f.Add([]byte{}, []byte{0}, []byte{}, []byte{1}, uint8(4))
	f.Add([]byte{9}, make([]byte, 7), make([]byte, 40), make([]byte, 33), uint8(10))
	f.Fuzz(func(t *testing.T, seed, nonce, ad, plain []byte, tag uint8) {
		key := make([]byte, 16)
		copy(key, seed)
		b := block(t, hex.EncodeToString(key))
		g, gcmErr := NewGCM(b, int(tag))
		c, ccmErr := NewCCM(b, int(tag))
		if gcmErr == nil {
			roundTrip(t, g, nonce, ad, plain, int(tag))
		}
		if ccmErr == nil {
			roundTrip(t, c, nonce, ad, plain, int(tag))
		}
		xtsRoundTrip(t, b, plain)
	})
}

type sealer interface {
	Seal(nonce, plaintext, ad []byte) ([]byte, error)
	Open(nonce, ciphertext, ad []byte) ([]byte, error)
}

// roundTrip: what is sealed opens, with any bit changed it does not; inputs stay as they are.
func roundTrip(t *testing.T, a sealer, nonce, ad, plain []byte, tag int) {
	t.Helper()
	before := slices.Concat(nonce, ad, plain)
	sealed, err := a.Seal(nonce, plain, ad)
	if err != nil {
		return
	}
	if len(sealed) != len(plain)+tag {
		t.Fatalf("%d bytes sealed to %d", len(plain), len(sealed))
	}
	got, err := a.Open(nonce, sealed, ad)
	if err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("opened %x, %v", got, err)
	}
	for i := range min(len(sealed), 64) {
		sealed[i] ^= 4
		if _, err := a.Open(nonce, sealed, ad); !errors.Is(err, ErrTag) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
		sealed[i] ^= 4
	}
	if _, err := a.Open(nonce, sealed, append(bytes.Clone(ad), 0)); !errors.Is(err, ErrTag) {
		t.Fatalf("associated data changed: %v", err)
	}
	if !bytes.Equal(before, slices.Concat(nonce, ad, plain)) {
		t.Fatal("an input was changed")
	}
}

func xtsRoundTrip(t *testing.T, b cipher.Block, plain []byte) {
	t.Helper()
	sealed, err := XTS(b, b, make([]byte, 16), plain)
	if (err == nil) != (len(plain) >= 16) {
		t.Fatalf("xts of %d bytes: %v", len(plain), err)
	}
	if err != nil {
		return
	}
	got, err := OpenXTS(b, b, make([]byte, 16), sealed)
	if err != nil || !bytes.Equal(got, plain) || len(sealed) != len(plain) {
		t.Fatalf("xts opened %x, %v", got, err)
	}
}
