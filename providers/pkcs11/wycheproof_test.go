package pkcs11_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest/wycheproof"
)

// TestWycheproof replays known attacks on what a token does with imported keys: it and the
// agent together answer every vector as it demands.
func TestWycheproof(t *testing.T) {
	tokentest.New(t).Token("wycheproof")
	p := open(t, options(t))
	step := 10 // every key is imported and destroyed
	if testing.Short() {
		step = 40
	} else if os.Getenv("PARSEC_SOAK") != "" {
		step = 1
	}
	for _, file := range []string{"ecdh_secp256r1_ecpoint_test.json", "ecdh_secp521r1_ecpoint_test.json", "aes_gcm_test.json", "aes_cbc_pkcs5_test.json"} {
		if !slices.Contains(wycheproof.Files(), file) {
			t.Fatalf("no file of vectors is called %s: %q", file, wycheproof.Files())
		}
		t.Run(file, func(t *testing.T) {
			cases, done := wycheproof.Load(t, file), 0
			for i := range cases {
				c := &cases[i]
				if c.Exception != "" || i%step != 0 && !c.Has("LongIv") {
					continue
				}
				done++
				err := replay(t, p, c)
				if len(c.Nonce) > 256 {
					providertest.Status(t, c.String(), err, wire.StatusNotSupported)
					continue
				}
				failed := wire.StatusOf(err) == wire.StatusGenericError || wire.StatusOf(err) == wire.StatusHardwareFailure
				if failed || c.Want == wycheproof.Valid && err != nil || c.Want == wycheproof.Invalid && err == nil {
					t.Errorf("%s %v: %v", c, c.Flags, err)
				}
			}
			if done < 3 {
				t.Errorf("only %d vectors", done)
			}
		})
	}
}

// replay imports the key of a vector, does the operation and destroys the key.
func replay(t *testing.T, p *pkcs11.Provider, c *wycheproof.Case) error {
	t.Helper()
	id, err := p.ImportKey(t.Context(), c.Attributes, c.KeyData)
	if err != nil {
		return err
	}
	key := providers.Key{ID: id, Attributes: c.Attributes}
	defer func() { providertest.Status(t, "destroy", p.DestroyKey(t.Context(), key), wire.StatusSuccess) }()
	in := providers.AEADInput{Nonce: c.Nonce, AdditionalData: c.AdditionalData, Data: c.Input}
	var got []byte
	switch c.Op {
	case wycheproof.Agree:
		got, err = p.RawKeyAgreement(t.Context(), key, c.Algorithm(), c.Input)
	case wycheproof.Seal:
		got, err = p.AEADEncrypt(t.Context(), key, c.Algorithm(), in)
	case wycheproof.Open:
		got, err = p.AEADDecrypt(t.Context(), key, c.Algorithm(), in)
	case wycheproof.CipherDecrypt:
		got, err = p.CipherDecrypt(t.Context(), key, c.Algorithm(), c.Input)
	default:
		return fmt.Errorf("operation %d is not replayed", c.Op)
	}
	if err == nil && !bytes.Equal(got, c.Output) {
		return wire.Errorf(wire.StatusGenericError, "result %x, want %x", got, c.Output)
	}
	return err
}

// TestEd25519 imports the first key of RFC 8032, 7.1, and signs as it says.
func TestEd25519(t *testing.T) {
	tokentest.New(t).Token("ed25519")
	o := options(t)
	p := open(t, o)
	a := psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255, Usage: psa.UsageSignMessage | psa.UsageVerifyMessage,
		Alg: psa.Algorithm{Kind: psa.AlgPureEdDSA},
	}
	seed := unhex(t, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
	public := unhex(t, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
	want := unhex(t, "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
	message := []byte{0x72}
	for _, a.Bits = range []uint64{255, 0} {
		k := imported(t, p, a, seed)
		sig, err := p.SignMessage(t.Context(), k, a.Alg, message)
		if err != nil || !bytes.Equal(sig, want) {
			t.Errorf("signature %x, %v", sig, err)
		}
		if got, err := p.ExportPublicKey(t.Context(), k); err != nil || !bytes.Equal(got, public) {
			t.Errorf("public half %x, %v", got, err)
		}
		providertest.Status(t, "verify", p.VerifyMessage(t.Context(), k, a.Alg, message, want), wire.StatusSuccess)
		providertest.Status(t, "verify another message", p.VerifyMessage(t.Context(), k, a.Alg, []byte{0x73}, want), wire.StatusInvalidSignature)
	}
	_, err := p.ImportKey(t.Context(), a, seed[1:])
	providertest.Status(t, "a short seed", err, wire.StatusInvalidArgument)
	o.SoftwarePublicOperations, o.StateDir = true, t.TempDir()
	here := open(t, o)
	a.Bits = 255
	k := imported(t, here, a, seed)
	providertest.Status(t, "verify here", here.VerifyMessage(t.Context(), k, a.Alg, message, want), wire.StatusSuccess)
	providertest.Status(t, "verify another message here", here.VerifyMessage(t.Context(), k, a.Alg, nil, want), wire.StatusInvalidSignature)
}

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
