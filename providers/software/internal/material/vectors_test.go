package material_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

// hexData is a field in hexadecimal.
type hexData []byte

func (h *hexData) UnmarshalText(text []byte) error {
	b, err := hex.AppendDecode(nil, text)
	*h = b
	return err
}

func readVectors(t *testing.T, file string, into any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

// typeNamed finds a key type by its name.
func typeNamed(t *testing.T, name string) psa.KeyType {
	t.Helper()
	for k := psa.KeyRawData; k <= psa.KeyDHPublic; k++ {
		if k.String() == name {
			return k
		}
	}
	t.Fatalf("no key type %q", name)
	return 0
}

// kindNamed finds an algorithm by its name.
func kindNamed(t *testing.T, name string) psa.Kind {
	t.Helper()
	for k := psa.AlgNone; k <= psa.AlgTLS12PSKToMS; k++ {
		if k.String() == name {
			return k
		}
	}
	t.Fatalf("no algorithm %q", name)
	return 0
}

func mustKey(t testing.TB, a psa.Attributes, data []byte) *material.Key {
	t.Helper()
	k, err := material.New(a, data)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// What the original sealed, we seal to the same bytes and open.
func TestAEADOfOriginal(t *testing.T) {
	var file struct {
		Cases []struct {
			Type, Alg                         string
			Tag                               uint64
			Key, Nonce, AD, Plaintext, Sealed hexData
		}
	}
	readVectors(t, "aead.json", &file)
	if len(file.Cases) < 100 {
		t.Fatalf("only %d cases", len(file.Cases))
	}
	for _, c := range file.Cases {
		alg := psa.Algorithm{Kind: kindNamed(t, c.Alg), Truncated: c.Tag != 0, Length: c.Tag}
		k := mustKey(t, psa.Attributes{Type: typeNamed(t, c.Type)}, c.Key)
		in := providers.AEADInput{Nonce: c.Nonce, AdditionalData: c.AD, Data: c.Plaintext}
		got, err := k.Seal(alg, in)
		same(t, "seal "+c.Type+" "+alg.String(), got, c.Sealed, err)
		in.Data = c.Sealed
		got, err = k.Open(alg, in)
		same(t, "open "+c.Type+" "+alg.String(), got, c.Plaintext, err)
	}
}

// Ciphers decrypt what OpenSSL encrypted, and their own.
func TestCiphers(t *testing.T) {
	var file struct {
		Ciphers []struct {
			Type, Alg                  string
			Key, Plaintext, Ciphertext hexData
		}
		CMACs []struct {
			Type              string
			Key, Message, MAC hexData
		}
	}
	readVectors(t, "cipher.json", &file)
	if len(file.Ciphers) < 100 || len(file.CMACs) < 30 {
		t.Fatalf("only %d and %d cases", len(file.Ciphers), len(file.CMACs))
	}
	for _, c := range file.Ciphers {
		alg := psa.Algorithm{Kind: kindNamed(t, c.Alg)}
		k := mustKey(t, psa.Attributes{Type: typeNamed(t, c.Type)}, c.Key)
		what := c.Type + " " + c.Alg
		got, err := k.CipherDecrypt(alg, c.Ciphertext)
		same(t, what, got, c.Plaintext, err)
		own, err := k.CipherEncrypt(alg, c.Plaintext)
		check(t, what, err)
		if len(own) != len(c.Ciphertext) {
			t.Errorf("%s: %d bytes encrypted, want %d", what, len(own), len(c.Ciphertext))
		}
		if again, err := k.CipherEncrypt(alg, c.Plaintext); alg.Kind != psa.AlgECBNoPadding && (err != nil || bytes.Equal(own, again)) {
			t.Errorf("%s: the initialisation vector is not fresh", what)
		}
		got, err = k.CipherDecrypt(alg, own)
		same(t, what, got, c.Plaintext, err)
	}
	for _, c := range file.CMACs {
		k := mustKey(t, psa.Attributes{Type: typeNamed(t, c.Type)}, c.Key)
		got, err := k.MAC(psa.Algorithm{Kind: psa.AlgCMAC}, c.Message)
		same(t, c.Type+" cmac", got, c.MAC, err)
		got, err = k.MAC(psa.Algorithm{Kind: psa.AlgCMAC, Truncated: true, Length: 4}, c.Message)
		same(t, c.Type+" cmac:4", got, c.MAC[:4], err)
	}
}

// CBC-MAC of one block is the cipher, of two the cipher of their chain.
func TestCBCMAC(t *testing.T) {
	k := mustKey(t, psa.Attributes{Type: psa.KeyAES}, make([]byte, 16))
	mac, ecb := psa.Algorithm{Kind: psa.AlgCBCMAC}, psa.Algorithm{Kind: psa.AlgECBNoPadding}
	one, err := k.CipherEncrypt(ecb, bytes.Repeat([]byte{1}, 16))
	check(t, "ecb", err)
	got, err := k.MAC(mac, bytes.Repeat([]byte{1}, 16))
	same(t, "one block", got, one, err)
	chained := bytes.Clone(one)
	for i := range chained {
		chained[i] ^= 2
	}
	two, err := k.CipherEncrypt(ecb, chained)
	check(t, "ecb", err)
	got, err = k.MAC(mac, append(bytes.Repeat([]byte{1}, 16), bytes.Repeat([]byte{2}, 16)...))
	same(t, "two blocks", got, two, err)
}
