package curve

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRFC8032 replays vectors of section 7.1.
func TestRFC8032(t *testing.T) {
	abc := sha512.Sum512([]byte("abc"))
	for name, v := range map[string]struct {
		seed, public, signature string
		message                 []byte
	}{
		"1": {
			"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
			"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
			"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
			nil,
		},
		"2": {
			"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
			"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
			"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
			[]byte{0x72},
		},
		"3": {
			"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
			"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
			"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
			[]byte{0xaf, 0x82},
		},
		"SHA(abc)": {
			"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
			"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
			"dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
			abc[:],
		},
	} {
		seed := [Size]byte(unhex(t, v.seed))
		if got := VerifyKey(&seed); !bytes.Equal(got[:], unhex(t, v.public)) {
			t.Errorf("%s: public key %x", name, got)
		}
		if got := Sign(&seed, v.message); !bytes.Equal(got[:], unhex(t, v.signature)) {
			t.Errorf("%s: signature %x", name, got)
		}
	}
}

// TestRFC7748 replays the vectors of section 5.2, iterated a thousand times.
func TestRFC7748(t *testing.T) {
	scalar := [Size]byte(unhex(t, "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"))
	u := [Size]byte(unhex(t, "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"))
	got := [Size]byte{}
	if !Exchange(&got, &scalar, &u) || !bytes.Equal(got[:], unhex(t, "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")) {
		t.Errorf("%x", got)
	}
	k, u := [Size]byte{9}, [Size]byte{9}
	for range 1000 {
		next := [Size]byte{}
		Exchange(&next, &k, &u)
		k, u = next, k
	}
	if !bytes.Equal(k[:], unhex(t, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51")) {
		t.Errorf("%x", k)
	}
}

// TestSHA512 compares with the library at every length around the ends of blocks, in one part and in several.
func TestSHA512(t *testing.T) {
	data := make([]byte, 3*blockSize+2)
	for i := range data {
		data[i] = byte(i * 7)
	}
	for n := range data {
		want, got := sha512.Sum512(data[:n]), [hashSize]byte{}
		if secretSHA512(&got, data[:n]); got != want {
			t.Fatalf("%d bytes: %x, want %x", n, got, want)
		}
		if secretSHA512(&got, data[:n/3], data[n/3:n/2], data[n/2:n]); got != want {
			t.Fatalf("%d bytes in parts: %x, want %x", n, got, want)
		}
	}
}

// TestAgainstLibrary: signatures, public keys and agreements are those of the standard library.
func TestAgainstLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := [Size]byte(rapid.SliceOfN(rapid.Byte(), Size, Size).Draw(t, "key"))
		message := rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "message")
		private := ed25519.NewKeyFromSeed(key[:])
		if got := VerifyKey(&key); !bytes.Equal(got[:], private[Size:]) {
			t.Fatalf("public key %x, want %x", got, private[Size:])
		}
		if got, want := Sign(&key, message), ed25519.Sign(private, message); !bytes.Equal(got[:], want) {
			t.Fatalf("signature %x, want %x", got, want)
		}

		own, err := ecdh.X25519().NewPrivateKey(key[:])
		if err != nil {
			t.Fatal(err)
		}
		if got := PublicKey(&key); !bytes.Equal(got[:], own.PublicKey().Bytes()) {
			t.Fatalf("public key %x, want %x", got, own.PublicKey().Bytes())
		}
		point := [Size]byte(rapid.SliceOfN(rapid.Byte(), Size, Size).Draw(t, "point"))
		peer, err := ecdh.X25519().NewPublicKey(point[:])
		if err != nil {
			t.Fatal(err)
		}
		got := [Size]byte{}
		ok := Exchange(&got, &key, &point)
		if want, err := own.ECDH(peer); ok != (err == nil) || ok && !bytes.Equal(got[:], want) {
			t.Fatalf("agreed on %x, want %x, %v", got, want, err)
		}
	})
}

func BenchmarkSign(b *testing.B) {
	seed, message := [Size]byte{1}, make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		Sign(&seed, message)
	}
}

func BenchmarkExchange(b *testing.B) {
	seed, point := [Size]byte{1}, [Size]byte{9}
	shared := [Size]byte{}
	b.ReportAllocs()
	for b.Loop() {
		Exchange(&shared, &seed, &point)
	}
}
