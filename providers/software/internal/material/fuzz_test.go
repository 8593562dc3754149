package material_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

// seedKeys are the key data of the original's vectors.
func seedKeys(f *testing.F) [][]byte {
	f.Helper()
	raw, err := os.ReadFile("../../../../testdata/parsec-kim.json")
	if err != nil {
		f.Fatal(err)
	}
	var file struct {
		Keys []kimKey `json:"mbed_keys"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		f.Fatal(err)
	}
	var keys [][]byte
	for _, k := range file.Keys {
		keys = append(keys, unhex(f, k.Data))
	}
	if len(keys) == 0 {
		f.Fatal("no seeds")
	}
	return keys
}

// FuzzNew parses anything as any type. What parses has a size and exports to data that
// parses to the same key; its public half is a public key; and it does not fail later.
func FuzzNew(f *testing.F) {
	for _, data := range seedKeys(f) {
		for _, c := range []psa.Curve{psa.CurveNone, psa.CurveSECPR1, psa.CurveSECPK1, psa.CurveBrainpoolPR1, psa.CurveMontgomery, psa.CurveEdwards} {
			f.Add(uint8(psa.KeyECCPair), uint8(c), uint64(0), data)
		}
		for t := psa.KeyRawData; t <= psa.KeyDHPublic; t++ {
			f.Add(uint8(t), uint8(psa.CurveSECPR1), uint64(0), data)
			f.Add(uint8(t), uint8(psa.CurveSECPR1), 8*uint64(len(data)), data)
		}
	}
	f.Fuzz(func(t *testing.T, typ, curve uint8, bits uint64, data []byte) {
		a := psa.Attributes{Type: psa.KeyType(typ), Curve: psa.Curve(curve), Bits: bits}
		before := bytes.Clone(data)
		k, err := material.New(a, data)
		if !bytes.Equal(before, data) {
			t.Fatal("the data was changed")
		}
		if err != nil {
			if s := status(err); s != 1134 && s != 1135 {
				t.Fatalf("status %d: %v", s, err)
			}
			return
		}
		if k.Bits() == 0 || bits != 0 && k.Bits() != bits {
			t.Fatalf("%d bits, asked for %d", k.Bits(), bits)
		}
		reparse(t, k, a)
	})
}

func reparse(t *testing.T, k *material.Key, a psa.Attributes) {
	t.Helper()
	out, err := k.Export()
	check(t, "export", err)
	again := mustKey(t, a, out)
	twice, err := again.Export()
	same(t, "second export", twice, out, err)
	if pub, err := k.Public(); err == nil {
		switch a.Type {
		case psa.KeyRSAPair:
			a.Type = psa.KeyRSAPublic
		case psa.KeyECCPair:
			a.Type = psa.KeyECCPublic
		case psa.KeyDHPair:
			a.Type = psa.KeyDHPublic
		default:
		}
		twice, err := mustKey(t, a, pub).Public()
		same(t, "public half", twice, pub, err)
	}
	k.Wipe()
}

// FuzzVerify: no signature but the right one is accepted, and none breaks anything.
func FuzzVerify(f *testing.F) {
	hash := bytes.Repeat([]byte{0x5a}, 32)
	type signer struct {
		key *material.Key
		alg psa.Algorithm
		sig []byte
	}
	priv, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		f.Fatal(err)
	}
	rsaPair := mustKey(f, psa.Attributes{Type: psa.KeyRSAPair}, x509.MarshalPKCS1PrivateKey(priv))
	signers := []signer{
		{key: rsaPair, alg: psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256}},
		{key: rsaPair, alg: psa.Algorithm{Kind: psa.AlgRSAPSS, Hash: psa.HashSHA256}},
		{key: rsaPair, alg: psa.Algorithm{Kind: psa.AlgRSAPKCS1v15SignRaw}},
	}
	for _, c := range []psa.Attributes{
		{Curve: psa.CurveSECPR1, Bits: 256},
		{Curve: psa.CurveSECPK1, Bits: 256},
		{Curve: psa.CurveSECPR1, Bits: 192},
		{Curve: psa.CurveBrainpoolPR1, Bits: 256},
		{Curve: psa.CurveSECPR1, Bits: 521},
	} {
		c.Type = psa.KeyECCPair
		signers = append(signers, signer{key: newKey(f, c), alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}})
	}
	for i := range signers {
		s := &signers[i]
		if s.sig, err = s.key.SignHash(s.alg, hash); err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), uint16(0), []byte{})
		f.Add(uint8(i), uint16(3), []byte{1})
		f.Add(uint8(i), uint16(0), make([]byte, len(s.sig)))
		f.Add(uint8(i), uint16(0), s.sig)
	}
	f.Fuzz(func(t *testing.T, which uint8, at uint16, change []byte) {
		s := signers[int(which)%len(signers)]
		bad := slices.Clone(s.sig)
		for i, c := range change {
			bad[(int(at)+i)%len(bad)] ^= c
		}
		for _, sig := range [][]byte{bad, change, append(slices.Clone(s.sig), change...)} {
			err := s.key.VerifyHash(s.alg, hash, sig)
			if bytes.Equal(sig, s.sig) {
				check(t, "the signature", err)
				continue
			}
			if status(err) != 1149 {
				t.Errorf("%s: %x: %v", s.alg, sig, err)
			}
		}
	})
}

// FuzzDecrypt opens and decrypts anything with keys of all kinds: the answer is a status
// that the protocol has for it, and inputs stay as they are.
func FuzzDecrypt(f *testing.F) {
	keys := map[psa.KeyType]*material.Key{}
	for typ, bits := range map[psa.KeyType]uint64{psa.KeyAES: 256, psa.KeyCamellia: 256, psa.KeyDES: 192, psa.KeyChaCha20: 256} {
		keys[typ] = newKey(f, psa.Attributes{Type: typ, Bits: bits})
	}
	f.Add([]byte{}, []byte{}, []byte{}, uint64(0))
	f.Add(make([]byte, 12), []byte("ad"), make([]byte, 40), uint64(8))
	f.Add(make([]byte, 7), []byte{}, make([]byte, 4), uint64(4))
	f.Fuzz(func(t *testing.T, nonce, ad, data []byte, tag uint64) {
		before := slices.Concat(nonce, ad, data)
		for typ, k := range keys {
			for kind := psa.AlgHMAC; kind <= psa.AlgChaCha20Poly1305; kind++ {
				alg := psa.Algorithm{Kind: kind}
				_, cipherErr := k.CipherDecrypt(alg, data)
				if kind.AEAD() {
					alg.Truncated, alg.Length = tag > 0, tag
				}
				_, aeadErr := k.Open(alg, providers.AEADInput{Nonce: nonce, AdditionalData: ad, Data: data})
				macErr := k.VerifyMAC(alg, data, nonce)
				for _, err := range []error{cipherErr, aeadErr, macErr} {
					if s := status(err); !slices.Contains([]int{0, 1133, 1134, 1135, 1149, 1150}, s) {
						t.Errorf("%s with %s: status %d: %v", alg, typ, s, err)
					}
				}
			}
		}
		if !bytes.Equal(before, slices.Concat(nonce, ad, data)) {
			t.Fatal("an input was changed")
		}
	})
}
