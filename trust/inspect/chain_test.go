package inspect_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/inspect"
)

func (c *chain) rootKey() *trust.VerifyKey {
	key := must(c.root.VerifyKey())
	return &key
}

func inspected(t *testing.T, r inspect.Request) []inspect.Object {
	t.Helper()
	result, err := inspect.Inspect(r)
	if err != nil {
		t.Fatal(err)
	}
	consistent(t, result)
	return result.Objects
}

// TestContainers: a chain holds in whatever it comes, in any order.
func TestContainers(t *testing.T) {
	c := newChain(t)
	var lines, armour strings.Builder
	for i, b := range c.signed {
		if i%2 == 0 {
			lines.WriteString(hex.EncodeToString(b) + "\r\n\n")
		} else {
			lines.WriteString(base64.StdEncoding.EncodeToString(b) + "\n")
		}
		armour.Write(pem.EncodeToMemory(&pem.Block{Type: "PARSEC SEQUESTER SERVICE CERTIFICATE", Bytes: b}))
	}
	shuffled := slices.Clone(c.signed)
	seed := uint64(trust.NewUserID()[0])
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	for name, inputs := range map[string][][]byte{
		"files": c.signed, "shuffled": shuffled, "list": {c.list()}, "answer": {c.answer()}, "lines": {[]byte(lines.String())},
		"armour": {[]byte(armour.String())}, "list as text": {[]byte(hex.EncodeToString(c.list()))},
	} {
		objects := inspected(t, inspect.Request{Inputs: inputs, Root: c.rootKey()})
		if len(objects) != len(c.signed) {
			t.Errorf("%s: %d objects of %d", name, len(objects), len(c.signed))
		}
		for _, o := range objects {
			if o.State != inspect.Verified || len(o.Fields) < 2 {
				t.Errorf("%s, seed %d: %s %s is %s: %s", name, seed, o.Place, o.Type, o.State, o.Reason)
			}
			if (name == "answer" || name == "lines") && o.Place == "" {
				t.Errorf("%s: a certificate has no place", name)
			}
		}
	}
}

// TestVerdicts: what is wrong with one certificate is said of this one, and of those that rest on it.
func TestVerdicts(t *testing.T) {
	c := newChain(t)
	stranger := newPerson()
	swap := func(name string, certificate trust.Certificate, key trust.SigningKey) func() [][]byte {
		return func() [][]byte {
			signed := slices.Clone(c.signed)
			signed[slices.Index(c.names, name)] = must(trust.SignCertificate(certificate, key))
			return signed
		}
	}
	damaged := func(name string) func() [][]byte {
		return func() [][]byte {
			signed := slices.Clone(c.signed)
			i := slices.Index(c.names, name)
			signed[i] = slices.Clone(signed[i])
			signed[i][3] ^= 1
			return signed
		}
	}
	end := &trust.RevokedUserCertificate{Author: c.bob.device, Timestamp: c.clock, UserID: c.alice.user}
	for name, tc := range map[string]struct {
		inputs  func() [][]byte
		refused map[string]string
		rest    bool // others rest on it
	}{
		"damaged": {damaged("name"), map[string]string{"name": "damaged, forged"}, false},
		"device damaged": {damaged("alice's device"), map[string]string{
			"alice's device": "damaged, forged", "bob": "its author is not known", "bob's device": "its author is not known",
			"alice's role": "its author is not known", "brief": "its author is not known", "bob's end": "its author is not known",
		}, true},
		"user damaged":      {damaged("alice"), map[string]string{"alice": "damaged, forged", "alice's device": "the user is not known"}, true},
		"authority damaged": {damaged("authority"), map[string]string{"authority": "damaged", "service": "is not sequestered", "service's end": "is not sequestered"}, false},
		"no admin":          {swap("bob's end", end, c.bob.key), map[string]string{"bob's end": "its author is no admin"}, false},
		"another's key":     {swap("bob's end", end, stranger.key), map[string]string{"bob's end": "damaged, forged"}, false},
		"key index": {swap("key", &trust.RealmKeyRotationCertificate{
			Author: c.alice.device, Timestamp: must(trust.ParseDateTime("2024-05-01T12:00:07Z")), RealmID: c.realm, KeyIndex: 2, KeyCanary: []byte("x"),
		}, c.alice.key), map[string]string{"key": "key index", "name": "key index"}, false},
		"brief lost": {damaged("brief"), map[string]string{"brief": "damaged", "share": "no brief", "recovery's end": "does not delete"}, false},
	} {
		objects := inspected(t, inspect.Request{Inputs: tc.inputs(), Root: c.rootKey()})
		for i, o := range objects {
			want, refused := tc.refused[c.names[i]]
			if refused != (o.State == inspect.Refused) && (refused || !tc.rest) || refused && !strings.Contains(o.Reason, want) {
				t.Errorf("%s: %s is %s: %s", name, c.names[i], o.State, o.Reason)
			}
			if refused && (len(o.Fields) > 0 || len(o.Claims) != 3) {
				t.Errorf("%s: %s shows %v, %v", name, c.names[i], o.Fields, o.Claims)
			}
		}
	}
}

// TestNothingIsBelievedWithoutKey: without the root key there are claims only, and a wrong root key verifies nothing.
func TestNothingIsBelievedWithoutKey(t *testing.T) {
	c := newChain(t)
	other := must(trust.GenerateSigningKey().VerifyKey())
	for name, tc := range map[string]struct {
		request inspect.Request
		state   inspect.State
		claims  int
	}{
		"no key":       {inspect.Request{}, inspect.Unverified, 3},
		"all claims":   {inspect.Request{Claims: true}, inspect.Unverified, 0},
		"another root": {inspect.Request{Root: &other}, inspect.Refused, 3},
		"another key":  {inspect.Request{Key: other[:]}, inspect.Unverified, 3},
	} {
		tc.request.Inputs = [][]byte{c.answer()}
		for _, o := range inspected(t, tc.request) {
			if o.State != tc.state || len(o.Fields) > 0 || tc.claims > 0 && len(o.Claims) != tc.claims || len(o.Claims) < 2 {
				t.Errorf("%s: %s is %s, %v, %v", name, o.Type, o.State, o.Fields, o.Claims)
			}
		}
	}
}

// TestAuthorKey: the key of an author shows its signature and no more; the rules are asked with the root key only.
func TestAuthorKey(t *testing.T) {
	c := newChain(t)
	key := must(c.alice.key.VerifyKey())
	objects := inspected(t, inspect.Request{Inputs: c.signed, Key: key[:]})
	for i, o := range objects {
		byAlice := !slices.Contains([]string{"authority", "alice", "alice's device", "service", "service's end"}, c.names[i])
		if byAlice != (o.State == inspect.Signed) || byAlice != (len(o.Fields) > 0) || byAlice == (len(o.Claims) > 0) {
			t.Errorf("%s is %s: %s", c.names[i], o.State, o.Reason)
		}
	}
	// A good signature does not help against the rules.
	forged := &trust.RevokedUserCertificate{Author: c.alice.device, Timestamp: c.tick(), UserID: c.alice.user}
	inputs := append(slices.Clone(c.signed), must(trust.SignCertificate(forged, c.alice.key)))
	o := inspected(t, inspect.Request{Inputs: inputs, Key: key[:], Root: c.rootKey()})[len(inputs)-1]
	if o.State != inspect.Refused || len(o.Fields) > 0 || !strings.Contains(o.Reason, "its signature is good, and yet its author must be somebody else") {
		t.Errorf("%s: %s", o.State, o.Reason)
	}
	if _, err := inspect.Inspect(inspect.Request{Inputs: inputs, Key: []byte("short")}); err == nil {
		t.Error("a key of 5 bytes is accepted")
	}
	if _, err := inspect.Inspect(inspect.Request{Inputs: inputs, Key: make([]byte, trust.KeySize)}); err == nil {
		t.Error("a key of small order is accepted")
	}
}

// TestAuthorityKey: services are verified with the key of the authority alone.
func TestAuthorityKey(t *testing.T) {
	for _, v := range vectors(t) {
		if v.Op != "sequester_verify_load" {
			continue
		}
		o := inspected(t, inspect.Request{Inputs: [][]byte{v.bytes("payload")}, Key: v.bytes("public_key_der")})[0]
		if o.State != inspect.Signed || o.Type != "sequester_service_certificate" {
			t.Errorf("%s is %s: %s", o.Type, o.State, o.Reason)
		}
		return
	}
	t.Error("no vector is one")
}

// TestWhoseRecovery: certificates of shared recovery are judged as those see them who got them.
func TestWhoseRecovery(t *testing.T) {
	c := newChain(t)
	result := must(inspect.Inspect(inspect.Request{Inputs: c.signed, Root: c.rootKey()}))
	if result.User == nil || *result.User != c.bob.user {
		t.Errorf("judged as %v, not as the recipient of the share", result.User)
	}
	nobody := trust.NewUserID()
	for user, want := range map[*trust.UserID]map[string]inspect.State{
		&c.bob.user:   {"brief": inspect.Verified, "share": inspect.Verified},
		&c.alice.user: {"brief": inspect.Verified, "share": inspect.Refused},
		&nobody:       {"brief": inspect.Refused, "share": inspect.Refused},
	} {
		for i, o := range inspected(t, inspect.Request{Inputs: c.signed, Root: c.rootKey(), User: user}) {
			if state, ok := want[c.names[i]]; ok && o.State != state {
				t.Errorf("%s is %s: %s", c.names[i], o.State, o.Reason)
			}
		}
	}
}

// TestParseRoot reads the root key in both forms.
func TestParseRoot(t *testing.T) {
	key := must(trust.GenerateSigningKey().VerifyKey())
	address := trust.OrganizationAddress{
		Server: must(trust.ParseServerAddress("parsec3://example.com")), Organization: must(trust.NewOrganizationID("org")), RootVerifyKey: key,
	}
	for _, text := range []string{key.String(), strings.ToUpper(key.String()), address.String()} {
		if got, err := inspect.ParseRoot(text); err != nil || got != key {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", key.String()[2:], strings.Repeat("0", 64), "parsec3://example.com/org"} {
		if _, err := inspect.ParseRoot(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
