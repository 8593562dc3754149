package trust

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzCodes: what a person types is read, or not; what is read is written in a form that is read as the same.
func FuzzCodes(f *testing.F) {
	for _, v := range vectors(f) {
		switch v.Op {
		case "sas_parse", "validation_code_parse", "x509_hash_text":
			f.Add(v.In.text("text"))
		case "recovery_passphrase_to_key":
			f.Add(v.In.text("passphrase"))
		}
	}
	f.Add(must(GenerateAccessToken().Hex()))
	f.Add(NewUserID().String())
	f.Fuzz(func(t *testing.T, s string) {
		if code, err := ParseSASCode(s); err == nil && string(code) != s {
			t.Errorf("SAS code %q becomes %q", s, code)
		}
		if code, err := ParseValidationCode(s); err == nil && string(code) != s {
			t.Errorf("validation code %q becomes %q", s, code)
		}
		if token, err := ParseAccessToken(s); err == nil {
			if again, err := ParseAccessToken(must(token.Hex())); err != nil || !again.Equal(token) {
				t.Errorf("token %q becomes another one: %v", s, err)
			}
		}
		if hash, err := ParseX509Hash(s); err == nil && hash.String() != s {
			t.Errorf("hash %q becomes %q", s, hash)
		}
		id, again := UserID{}, UserID{}
		if err := id.UnmarshalText([]byte(s)); err == nil {
			if err := again.UnmarshalText([]byte(id.String())); err != nil || again != id {
				t.Errorf("id %q becomes %v: %v", s, again, err)
			}
		}
		if key, err := SecretKeyFromPassphrase([]byte(s)); err == nil {
			if again, err := SecretKeyFromPassphrase(must(key.Passphrase())); err != nil || !again.Equal(key) {
				t.Errorf("passphrase %q becomes another one: %v", s, err)
			}
		}
	})
}

// FuzzSequester reads keys, and what they open or verify: nobody without the private keys makes anything that is accepted.
func FuzzSequester(f *testing.F) {
	var public SequesterVerifyKey
	var private SequesterPrivateKey
	genuine := map[string]bool{}
	for _, v := range vectors(f) {
		switch v.Op {
		case "sequester_verify":
			public = must(ParseSequesterVerifyKey(v.In.bytes("public_key_der")))
			genuine[string(v.In.bytes("payload"))] = true
			f.Add(v.In.bytes("public_key_der"), v.In.bytes("payload"))
		case "sequester_decrypt":
			private = must(ParseSequesterPrivateKey(v.In.bytes("private_key_der")))
			f.Add(v.In.bytes("private_key_der"), v.In.bytes("payload"))
		}
	}
	f.Fuzz(func(t *testing.T, der, payload []byte) {
		if k, err := ParseSequesterVerifyKey(der); err == nil && !bytes.Equal(k.DER(), der) {
			t.Errorf("key %x becomes %x", der, k.DER())
		}
		if k, err := ParseSequesterPrivateKey(der); err == nil && k.key() == nil {
			t.Error("a key without a key")
		}
		if _, err := public.Verify(payload); err == nil && !genuine[string(payload)] {
			t.Errorf("%x is verified", payload)
		}
		_, _ = private.Decrypt(payload)
	})
}

// FuzzShares combines shares of a recovery; whatever they are, it ends, and equal ones do not count twice.
func FuzzShares(f *testing.F) {
	shares := must(SplitSecret([]byte("secret"), 2, 3))
	f.Add(must(shares[0].Export()), must(shares[2].Export()), 2)
	f.Add(must(shares[1].Export()), must(shares[1].Export()), 2)
	f.Fuzz(func(t *testing.T, a, b []byte, threshold int) {
		all := []Share{}
		for _, raw := range [][]byte{a, b} {
			share, err := NewShare(raw)
			if err != nil {
				return
			}
			all = append(all, share)
		}
		secret, err := CombineShares(all, threshold)
		if err == nil && (threshold > len(all) || a[0] == b[0] && threshold > 1 || len(secret) != len(a)-1) {
			t.Errorf("%d bytes of %x, %x with threshold %d", len(secret), a, b, threshold)
		}
		if errors.Is(err, ErrWiped) {
			t.Error(err)
		}
	})
}
