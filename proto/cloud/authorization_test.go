package cloud

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// tokenVector is one of the authorisations in testdata/parsec-cloud-rpc.json.
type tokenVector struct {
	ID            string `json:"id"`
	Seed          string `json:"seed_hex"`
	VerifyKey     string `json:"verify_key_hex"`
	Device        string `json:"device_id"`
	MACKey        string `json:"mac_key_hex"`
	Method        string `json:"auth_method_id"`
	Seconds       int64  `json:"unix_seconds"`
	Authorization string `json:"authorization"`
}

func tokenVectors(t testing.TB) map[string]tokenVector {
	t.Helper()
	b, err := os.ReadFile("../../testdata/parsec-cloud-rpc.json")
	if err != nil {
		t.Fatal(err)
	}
	file := struct {
		Tokens []tokenVector `json:"auth_tokens"`
	}{}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	all := map[string]tokenVector{}
	for _, v := range file.Tokens {
		all[v.ID] = v
	}
	return all
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVectorDeviceToken(t *testing.T) {
	v := tokenVectors(t)["token/device"]
	key, err := trust.NewSigningKey(unhex(t, v.Seed))
	if err != nil {
		t.Fatal(err)
	}
	device := trust.DeviceID(unhex(t, v.Device))
	header, err := NewDeviceToken(device, time.Unix(v.Seconds, 0), key)
	if err != nil || header != v.Authorization {
		t.Errorf("%s, %v", header, err)
	}
	token, err := ParseDeviceToken(v.Authorization)
	if err != nil || token.Device() != device || token.Time().Unix() != v.Seconds {
		t.Fatalf("%v, %v", token, err)
	}
	if err := token.Verify(trust.VerifyKey(unhex(t, v.VerifyKey))); err != nil {
		t.Error(err)
	}
	for _, other := range []string{strings.Replace(header, "1577836800", "1577836801", 1), strings.Replace(header, "de10", "de11", 1), strings.Replace(header, "y_UT", "y_UU", 1)} {
		token, err := ParseDeviceToken(other)
		if err != nil || token.Verify(trust.VerifyKey(unhex(t, v.VerifyKey))) == nil {
			t.Errorf("%s is believed: %v", other, err)
		}
	}
}

func TestVectorAccountToken(t *testing.T) {
	v := tokenVectors(t)["token/account"]
	key, err := trust.NewSecretKey(unhex(t, v.MACKey))
	if err != nil {
		t.Fatal(err)
	}
	method := trust.AccountAuthMethodID(unhex(t, v.Method))
	header, err := NewAccountToken(method, time.Unix(v.Seconds, 0), key)
	if err != nil || header != v.Authorization {
		t.Errorf("%s, %v", header, err)
	}
	token, err := ParseAccountToken(v.Authorization)
	if err != nil || token.Method() != method || token.Time().Unix() != v.Seconds {
		t.Fatalf("%v, %v", token, err)
	}
	if err := token.Verify(key); err != nil {
		t.Error(err)
	}
	if token.Verify(trust.GenerateSecretKey()) == nil {
		t.Error("another key verifies")
	}
}

func TestInvitationToken(t *testing.T) {
	token := trust.GenerateAccessToken()
	header, err := NewInvitationToken(token)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseInvitationToken(header); err != nil || !got.Equal(token) {
		t.Error(err)
	}
}

func TestParseAuthorization(t *testing.T) {
	good := tokenVectors(t)["token/device"].Authorization
	edit := func(old, by string) string { return strings.Replace(good, old, by, 1) }
	for header, ok := range map[string]bool{
		good:                             true,
		edit("Bearer", "bearer"):         true,
		edit(" ", "   \t"):               true,
		"":                               false,
		"Bearer":                         false,
		edit("Bearer ", ""):              false,
		edit("Bearer", "Basic"):          false,
		good + " more":                   false,
		edit("SIGN", "sign"):             false,
		edit("PARSEC-SIGN-ED25519.", ""): false,
		edit("1577836800", "15778e"):     false,
		edit("1577836800", ""):           false,
		edit("1577836800", "1.2"):        false,
		edit("1577836800", "9"+strings.Repeat("0", 17)):  false,
		edit("1577836800", "9"+strings.Repeat("0", 40)):  false,
		edit("de10a11cec0010000000000000000000", "de10"): false,
		strings.TrimSuffix(good, "=="):                   false,
		edit("y_UTPYJT0dNs28yxz-Ccdx", "y+U"):            false,
		"Bearer " + strings.Repeat("x", 1<<20):           false,
		"Bearer ...":                                     false,
	} {
		if _, err := ParseDeviceToken(header); (err == nil) != ok {
			t.Errorf("%.200q: %v", header, err)
		}
		if _, err := ParseAccountToken(header); err == nil {
			t.Errorf("%.200q is an account's", header)
		}
		if _, err := ParseInvitationToken(header); err == nil {
			t.Errorf("%.200q is an invitation's", header)
		}
	}
}

func TestInWindow(t *testing.T) {
	now := time.Unix(1e9, 0)
	for d, want := range map[time.Duration]bool{
		0: true, -300 * time.Second: false, -300*time.Second + 1: true, 320 * time.Second: false, 320*time.Second - 1: true,
	} {
		if InWindow(now.Add(d), now) != want {
			t.Errorf("%v: %v", d, !want)
		}
	}
}

// FuzzAuthorization reads headers. What is read is what is written again, but for the form of the id and of white space.
func FuzzAuthorization(f *testing.F) {
	for _, v := range tokenVectors(f) {
		f.Add(v.Authorization)
	}
	f.Add("Bearer 00112233445566778899aabbccddeeff")
	f.Fuzz(func(t *testing.T, header string) {
		if token, err := ParseDeviceToken(header); err == nil {
			again, err := ParseDeviceToken(authorization(token.c.signed, token.c.tag))
			if err != nil || again != token {
				t.Errorf("%q is read again as %v: %v", header, again, err)
			}
		}
		_, _ = ParseAccountToken(header)
		if token, err := ParseInvitationToken(header); err == nil {
			again, err := NewInvitationToken(token)
			if err != nil || !strings.EqualFold(strings.Join(strings.Fields(header), " "), again) {
				t.Errorf("%q is written %q: %v", header, again, err)
			}
		}
	})
}
