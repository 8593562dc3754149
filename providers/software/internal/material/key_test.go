package material_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// Keys refuse what their kind cannot do, with the original's status.
func TestCannot(t *testing.T) {
	hash := make([]byte, 32)
	ecdsa, ecdh := psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}, psa.Algorithm{Kind: psa.AlgECDH}
	eddsa, v15 := psa.Algorithm{Kind: psa.AlgPureEdDSA}, psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Crypt}
	gcm, cmac := psa.Algorithm{Kind: psa.AlgGCM}, psa.Algorithm{Kind: psa.AlgCMAC}
	mont := newKey(t, psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveMontgomery, Bits: 255})
	ed := newKey(t, psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255})
	aes := newKey(t, psa.Attributes{Type: psa.KeyAES, Bits: 128})
	point := publicOf(t, psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256})
	p256 := mustKey(t, psa.Attributes{Type: psa.KeyECCPublic, Curve: psa.CurveSECPR1}, point)
	rsaPub := mustKey(t, psa.Attributes{Type: psa.KeyRSAPublic}, x509.MarshalPKCS1PublicKey(&testRSA()[1024].PublicKey))
	in := providers.AEADInput{Nonce: make([]byte, 12), Data: hash}
	for name, c := range map[string]struct {
		try  func() error
		want int
	}{
		"ecdsa with x25519":      {func() error { _, err := mont.SignHash(ecdsa, hash); return err }, 1135},
		"verify ecdsa, x25519":   {func() error { return mont.VerifyHash(ecdsa, hash, make([]byte, 64)) }, 1135},
		"sign with public":       {func() error { _, err := p256.SignHash(ecdsa, hash); return err }, 1135},
		"agree with public":      {func() error { _, err := p256.Agree(ecdh, point); return err }, 1135},
		"decrypt with public":    {func() error { _, err := rsaPub.Decrypt(v15, make([]byte, 128), nil); return err }, 1135},
		"ecdh with ed25519":      {func() error { _, err := ed.Agree(ecdh, point); return err }, 1133},
		"eddsa of a hash":        {func() error { _, err := ed.SignHash(eddsa, hash); return err }, 1135},
		"verify eddsa of a hash": {func() error { return ed.VerifyHash(eddsa, hash, make([]byte, 64)) }, 1135},
		"eddsa with p256":        {func() error { _, err := p256.SignMessage(eddsa, hash); return err }, 1133},
		"verify eddsa, p256":     {func() error { return p256.VerifyMessage(eddsa, hash, make([]byte, 64)) }, 1133},
		"seal with a mac":        {func() error { _, err := aes.Seal(cmac, in); return err }, 1133},
		"mac with an aead":       {func() error { _, err := aes.MAC(gcm, hash); return err }, 1133},
		"cipher with an aead":    {func() error { _, err := aes.CipherEncrypt(gcm, hash); return err }, 1133},
		"sign with encryption":   {func() error { _, err := rsaPub.SignHash(v15, hash); return err }, 1133},
		"encrypt with signing": {func() error {
			_, err := rsaPub.Encrypt(psa.Algorithm{Kind: psa.AlgRSAPKCS1v15SignRaw}, hash, nil)
			return err
		}, 1133},
		"agree with signing": {func() error { _, err := mont.Agree(ecdsa, point); return err }, 1133},
		"public half of aes": {func() error { _, err := aes.Public(); return err }, 1135},
		"message of unknown hash": {func() error {
			_, err := p256.SignMessage(psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashMD4}, hash)
			return err
		}, 1134},
		"verify message, no hash": {func() error { return p256.VerifyMessage(psa.Algorithm{Kind: psa.AlgECDSAAny}, hash, nil) }, 1135},
		"hkdf": {func() error {
			_, err := aes.MAC(psa.Algorithm{Kind: psa.AlgHKDF, Hash: psa.HashSHA256}, nil)
			return err
		}, 1133},
	} {
		if err := c.try(); status(err) != c.want {
			t.Errorf("%s: %v, want %d", name, err, c.want)
		}
	}
}

// A key prints as its kind, whoever prints it, and as JSON not at all.
func TestKeyIsNotPrinted(t *testing.T) {
	secret := bytes.Repeat([]byte{0xC5}, 32)
	for _, a := range []psa.Attributes{
		{Type: psa.KeyAES},
		{Type: psa.KeyHMAC},
		{Type: psa.KeyCamellia},
		{Type: psa.KeyECCPair, Curve: psa.CurveSECPK1},
		{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1},
		{Type: psa.KeyECCPair, Curve: psa.CurveMontgomery},
		{Type: psa.KeyECCPair, Curve: psa.CurveEdwards},
		{Type: psa.KeyECCPair, Curve: psa.CurveBrainpoolPR1},
	} {
		if a.Curve == psa.CurveBrainpoolPR1 {
			secret[0] = 0x15
		}
		k := mustKey(t, a, secret)
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", k)
		text := fmt.Sprintf("%v %+v %#v %s %x %d", k, k, k, k, k, k) + log.String()
		for _, leak := range []string{"c5c5", "C5C5", "197 197", "xcxc"} {
			if strings.Contains(text, leak) {
				t.Errorf("%s prints its content: %s", a.Type, text)
			}
		}
		if _, err := json.Marshal(k); err == nil {
			t.Errorf("%s becomes JSON", a.Type)
		}
	}
}

// One key serves many callers at once.
func TestConcurrentUse(t *testing.T) {
	keys := signers(t)
	var wg sync.WaitGroup
	for name, s := range keys {
		for range 4 {
			wg.Go(func() {
				alg := psa.Algorithm{Kind: s.kind, Hash: psa.HashSHA256}
				sig, err := s.key.SignHash(alg, make([]byte, 32))
				if err == nil {
					err = s.key.VerifyHash(alg, make([]byte, 32), sig)
				}
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if pub, err := s.key.Public(); err == nil && s.kind == psa.AlgECDSA {
					if _, err := s.key.Agree(psa.Algorithm{Kind: psa.AlgECDH}, pub); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
				if data, err := s.key.Export(); err == nil {
					clear(data) // callers wipe what they were given
				}
			})
		}
	}
	wg.Wait()
}

func TestWipe(t *testing.T) {
	for _, a := range []psa.Attributes{
		{Type: psa.KeyAES, Bits: 128},
		{Type: psa.KeyCamellia, Bits: 128},
		{Type: psa.KeyDHPair, Bits: 2048},
		{Type: psa.KeyECCPair, Curve: psa.CurveSECPK1, Bits: 256},
		{Type: psa.KeyECCPair, Curve: psa.CurveMontgomery, Bits: 448},
		{Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255},
		{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256},
	} {
		k := newKey(t, a)
		k.Wipe()
		if data, err := k.Export(); err == nil && slices.ContainsFunc(data, func(b byte) bool { return b != 0 }) {
			t.Errorf("%s still holds %x", a.Type, data)
		}
	}
	k := mustKey(t, psa.Attributes{Type: psa.KeyRSAPair}, exponent3(t))
	k.Wipe()
	if _, err := k.SignHash(psa.Algorithm{Kind: psa.AlgRSAPKCS1v15SignRaw}, []byte("x")); status(err) != 1132 {
		t.Errorf("a wiped rsa key signs: %v", err)
	}
}
