package material_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

// kimKey is an entry of testdata/parsec-kim.json: a key as the original took and kept it.
type kimKey struct {
	Name       string `json:"key_name"`
	Data       string `json:"key_data_hex"`
	Attributes string `json:"list_keys_attributes_hex"`
}

func kimKeys(t testing.TB) []kimKey {
	t.Helper()
	raw, err := os.ReadFile("../../../../testdata/parsec-kim.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Keys []kimKey `json:"mbed_keys"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Keys) != 27 {
		t.Fatalf("%d keys in the vectors, 27 expected", len(file.Keys))
	}
	return file.Keys
}

func (k kimKey) attributes(t *testing.T) psa.Attributes {
	t.Helper()
	var m psapb.KeyAttributes
	if err := psa.Unmarshal(unhex(t, k.Attributes), &m); err != nil {
		t.Fatal(err)
	}
	a, err := psa.DecodeAttributes(&m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Every key that the original kept parses, exports as it came, and does all that its policy
// is for.
func TestOriginalKeys(t *testing.T) {
	for _, v := range kimKeys(t) {
		t.Run(v.Name, func(t *testing.T) {
			a, data := v.attributes(t), unhex(t, v.Data)
			k, err := material.New(a, data)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := k.Export(); err != nil || !bytes.Equal(got, data) {
				t.Errorf("exported %x, %v", got, err)
			}
			if a.Bits != 0 && a.Bits != k.Bits() {
				t.Errorf("%d bits", k.Bits())
			}
			if a.Alg.Hash == psa.HashAny {
				a.Alg.Hash = psa.HashSHA384
			}
			exercise(t, k, a)
		})
	}
}

// exercise does whatever the attributes are for, and undoes it.
func exercise(t *testing.T, k *material.Key, a psa.Attributes) {
	t.Helper()
	text := []byte("sixteen byte blk")
	switch kind := a.Alg.Kind; {
	case kind.Signature() && a.Type.Public():
		hash := make([]byte, a.Alg.Hash.Size())
		if err := k.VerifyHash(a.Alg, hash, make([]byte, 64)); wire.StatusOf(err) != wire.StatusInvalidSignature {
			t.Errorf("verify zeros: %v", err)
		}
	case kind == psa.AlgPureEdDSA:
		sig, err := k.SignMessage(a.Alg, text)
		check(t, "sign", err)
		check(t, "verify", k.VerifyMessage(a.Alg, text, sig))
	case kind.Signature():
		hash := bytes.Repeat([]byte{7}, max(a.Alg.Hash.Size(), 1))
		sig, err := k.SignHash(a.Alg, hash)
		check(t, "sign", err)
		check(t, "verify", k.VerifyHash(a.Alg, hash, sig))
	case kind.Encryption():
		c, err := k.Encrypt(a.Alg, text, nil)
		check(t, "encrypt", err)
		p, err := k.Decrypt(a.Alg, c, nil)
		same(t, "decrypt", p, text, err)
	case kind.AEAD():
		in := providers.AEADInput{Nonce: make([]byte, 12), AdditionalData: []byte("ad"), Data: text}
		c, err := k.Seal(a.Alg, in)
		check(t, "seal", err)
		in.Data = c
		p, err := k.Open(a.Alg, in)
		same(t, "open", p, text, err)
	case kind.Cipher():
		c, err := k.CipherEncrypt(a.Alg, text)
		check(t, "cipher encrypt", err)
		p, err := k.CipherDecrypt(a.Alg, c)
		same(t, "cipher decrypt", p, text, err)
	case kind.MAC():
		m, err := k.MAC(a.Alg, text)
		check(t, "mac", err)
		check(t, "verify mac", k.VerifyMAC(a.Alg, text, m))
	case kind.Agreement():
		pub, err := k.Public()
		check(t, "public", err)
		_, err = k.Agree(psa.Algorithm{Kind: kind}, pub)
		check(t, "agree with itself", err)
	case kind == psa.AlgNone || kind.Derivation():
	default:
		t.Errorf("nothing exercises %s", a.Alg)
	}
}

func check(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func same(t *testing.T, what string, got, want []byte, err error) {
	t.Helper()
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %x, %v; want %x", what, got, err, want)
	}
}
