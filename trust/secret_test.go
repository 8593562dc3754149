package trust

import (
	"bytes"
	"encoding"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// marked are secrets whose bytes are easy to find.
func marked(t *testing.T) (map[string]any, []byte) {
	t.Helper()
	mark := bytes.Repeat([]byte{0xab}, KeySize)
	sequester := must(parseRSAPrivate(vectorKey(t)))
	key := must(NewSecretKey(mark))
	token := must(NewAccessToken(mark[:TokenSize]))
	derivation := must(NewKeyDerivation(mark))
	return map[string]any{
		"SecretKey":     key,
		"KeyDerivation": derivation,
		"PrivateKey":    must(NewPrivateKey(mark)),
		"SigningKey":    must(NewSigningKey(mark)),
		"AccessToken":   token,
		"TOTPSecret":    must(NewTOTPSecret(mark[:totpSecretSize])),
		"Share":         must(NewShare(mark)),
		"TextKey":       must(NewTextKey(mark)),
		"sequester":     SequesterPrivateKey{sequester},
		"authority":     SequesterSigningKey{sequester},
		// What holds secrets does not show them either.
		"LocalDevice":              &LocalDevice{SigningKey: must(NewSigningKey(mark)), UserRealmKey: key},
		"RealmKeysBundle":          &RealmKeysBundle{Keys: []KeyDerivation{derivation}},
		"RealmKeys":                &RealmKeys{keys: []KeyDerivation{derivation}, valid: []bool{true}},
		"RealmKeysBundleAccess":    &RealmKeysBundleAccess{KeysBundleKey: key},
		"InviteDeviceConfirmation": &InviteDeviceConfirmation{UserRealmKey: key, PrivateKey: must(NewPrivateKey(mark))},
		"ShamirRecoverySecret":     &ShamirRecoverySecret{DataKey: key, RevealToken: token},
		"InvitationAddress":        &InvitationAddress{Type: InviteUser, Token: token},
		"BootstrapAddress":         &BootstrapAddress{Token: &token},
	}, mark
}

func vectorKey(t *testing.T) []byte {
	t.Helper()
	for _, v := range vectors(t) {
		if v.Op == "sequester_decrypt" {
			return v.In.bytes("private_key_der")
		}
	}
	t.Fatal("no vector has an RSA key")
	return nil
}

// TestSecretsAreNotShown prints, logs and encodes every secret in every way, and looks for its bytes.
func TestSecretsAreNotShown(t *testing.T) {
	secrets, mark := marked(t)
	rsaKey := must(parseRSAPrivate(vectorKey(t))).key()
	traces := []string{
		string(mark[:8]), hex.EncodeToString(mark[:8]), strings.ToUpper(hex.EncodeToString(mark[:8])),
		"171 171 171", "0xab, 0xab", "q6urq6ur", base32Text.EncodeToString(mark[:10]),
		rsaKey.D.String(), rsaKey.D.Text(16), rsaKey.Primes[0].String(),
	}
	for name, s := range secrets {
		shown := &bytes.Buffer{}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d"} {
			fmt.Fprintf(shown, verb+"\n", s)
			fmt.Fprintf(shown, verb+"\n", []any{s, map[string]any{"k": s}, struct{ S any }{s}})
		}
		slog.New(slog.NewTextHandler(shown, nil)).Info("m", "s", s)
		slog.New(slog.NewJSONHandler(shown, nil)).Info("m", "s", s)
		if b, err := json.Marshal(s); err == nil {
			shown.Write(b)
		}
		_ = gob.NewEncoder(shown).Encode(s)
		for _, trace := range traces {
			if strings.Contains(shown.String(), trace) {
				t.Errorf("%s is shown as %q in\n%s", name, trace, shown)
			}
		}
	}
}

// TestSecretsRefuseEncoding: encoders get an error, not an empty value.
func TestSecretsRefuseEncoding(t *testing.T) {
	secrets, _ := marked(t)
	for name, s := range secrets {
		if _, ok := s.(encoding.TextMarshaler); !ok {
			continue // only holds secrets
		}
		if b, err := json.Marshal(s); err == nil {
			t.Errorf("%s is encoded as %s", name, b)
		}
	}
}

func TestWipe(t *testing.T) {
	k := GenerateSecretKey()
	same := k
	exported := must(k.Export())
	held := same.at().b
	k.Wipe()
	k.Wipe()
	if !bytes.Equal(held, make([]byte, KeySize)) || bytes.Equal(exported, held) {
		t.Error("the bytes are still there, or an exported copy is gone")
	}
	for name, err := range map[string]error{
		"encrypt": second(same.Encrypt(nil)), "decrypt": second(same.Decrypt(make([]byte, 99))), "mac": second(same.MAC512()),
		"passphrase": second(same.Passphrase()), "export": second(same.Export()), "zero": second(SecretKey{}.Encrypt(nil)),
		"sign": second(SigningKey{}.Sign(nil)), "open": second(PrivateKey{}.Open(make([]byte, 99))),
		"derive": second(KeyDerivation{}.CanaryKey()), "token": second(AccessToken{}.Hex()),
		"RSA": second(SequesterPrivateKey{}.Decrypt(nil)), "authority": second(SequesterSigningKey{}.Sign(nil)),
	} {
		if !errors.Is(err, ErrWiped) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if same.Equal(same) || (SecretKey{}).Equal(SecretKey{}) {
		t.Error("wiped keys are equal")
	}
}

func second[T any](_ T, err error) error { return err }

func TestEqual(t *testing.T) {
	a, b := GenerateSecretKey(), GenerateSecretKey()
	copied := must(NewSecretKey(must(a.Export())))
	if !a.Equal(copied) || a.Equal(b) {
		t.Error("equality of keys is wrong")
	}
}
