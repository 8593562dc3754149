package inspect_test

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/inspect"
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// consistent checks what holds of every result.
func consistent(t *testing.T, r inspect.Result) {
	t.Helper()
	if len(r.Objects) == 0 || len(r.Objects) > inspect.MaxObjects {
		t.Errorf("%d objects", len(r.Objects))
	}
	for _, o := range r.Objects {
		switch o.State {
		case inspect.Verified, inspect.Signed:
			if len(o.Claims) > 0 || len(o.Fields) == 0 {
				t.Errorf("%s has %d fields and %d claims", o.State, len(o.Fields), len(o.Claims))
			}
		case inspect.Unverified, inspect.Refused:
			if len(o.Fields) > 0 {
				t.Errorf("%s has fields: %v", o.State, o.Fields)
			}
		case inspect.Unsigned:
			if len(o.Claims) > 0 && len(o.Fields) > 0 {
				t.Errorf("%s has fields and claims", o.Kind)
			}
		case inspect.Unknown:
			if o.Kind != "" || o.Type != "" || o.Digest != nil || len(o.Fields)+len(o.Claims) > 0 {
				t.Errorf("what is unknown is described: %+v", o)
			}
		default:
			t.Errorf("state %q", o.State)
		}
		if o.Reason == "" {
			t.Errorf("%s is %s without a reason", o.Kind, o.State)
		}
		for _, text := range texts(&o) {
			if !utf8.ValidString(text) || strings.ContainsFunc(text, unsafe) || len(text) > 8<<10 {
				t.Errorf("%s: %q is not safe to print", o.Kind, text)
			}
		}
	}
}

// unsafe is what can steer a terminal, or turn the direction of a line.
func unsafe(c rune) bool {
	return c < ' ' || c >= 0x7f && c < 0xa0 || c >= 0x200b && c <= 0x200f || c >= 0x2028 && c <= 0x202e || c >= 0x2066 && c <= 0x2069 || c == 0x061c || c == 0xfeff
}

func texts(o *inspect.Object) []string {
	all := []string{o.Place, o.Kind, o.Type, o.Reason}
	for _, fields := range [][]inspect.Field{o.Fields, o.Claims} {
		for _, f := range fields {
			all = append(all, f.Name, f.Value)
		}
	}
	return all
}

// TestTerminal: a name that would steer a terminal is escaped wherever it is shown.
func TestTerminal(t *testing.T) {
	c := newChain(t)
	evil := "\x1b]0;pwned\x07\u009b31m\u202eexe\u200b"
	label := must(trust.NewDeviceLabel(evil))
	c.add("evil", c.alice.key, &trust.DeviceCertificate{
		Purpose: trust.StandardDevice, Author: &c.alice.device, Timestamp: c.tick(), UserID: c.alice.user, DeviceID: trust.NewDeviceID(),
		DeviceLabel: &label, VerifyKey: must(trust.GenerateSigningKey().VerifyKey()),
	})
	for _, r := range []inspect.Request{{Root: c.rootKey()}, {Claims: true}} {
		r.Inputs = c.signed
		o := inspected(t, r)[len(c.signed)-1]
		if !strings.Contains(strings.Join(texts(&o), "\n"), `"\x1b]0;pwned\a\u009b31m\u202eexe\u200b"`) {
			t.Errorf("the label is shown as %v", o)
		}
	}
}

// TestBounds: too much is refused as a whole, and costs little.
func TestBounds(t *testing.T) {
	e := must(zstd.NewWriter(nil))
	w := &mpack.Writer{}
	w.Map(4)
	for _, s := range []string{"type", "x", "more", strings.Repeat("a", 1<<20-100), "author"} {
		w.String(s)
	}
	w.Nil()
	w.String("timestamp")
	w.Ext(1, make([]byte, 8))
	bomb := append(make([]byte, trust.SignatureSize+1), e.EncodeAll(must(w.Result()), nil)...)
	list := &mpack.Writer{}
	list.Array(inspect.MaxObjects + 1)
	for range inspect.MaxObjects + 1 {
		list.Bytes([]byte{1})
	}
	for name, inputs := range map[string][][]byte{
		"bytes":   {make([]byte, inspect.MaxInput), {0}},
		"objects": {must(list.Result())},
		"lines":   {[]byte(strings.Repeat("00\n", inspect.MaxObjects+1))},
		"bombs":   {bytes.Repeat([]byte(hex.EncodeToString(bomb)+"\n"), 70)},
	} {
		before, after := runtime.MemStats{}, runtime.MemStats{}
		runtime.ReadMemStats(&before)
		_, err := inspect.Inspect(inspect.Request{Inputs: inputs})
		runtime.ReadMemStats(&after)
		if !errors.Is(err, inspect.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 256<<20 {
			t.Errorf("%s: %d bytes were allocated", name, used)
		}
	}
}

// TestOddInputs: whatever is not known is said to be so, one after the other.
func TestOddInputs(t *testing.T) {
	signed := vectorPayload(t, "certificate/user")
	for name, input := range map[string][]byte{
		"empty": {}, "zero": {0}, "zeros": make([]byte, 1000), "signature only": signed[:64], "cut": signed[:len(signed)-3],
		"trailing": append(bytes.Clone(signed), 0), "deep": bytes.Repeat([]byte{0x91}, 5000), "array of nothing": {0x90}, "array of text": {0x91, 0xa1, 'x'},
		"announced": {0xdd, 0xff, 0xff, 0xff, 0xff, 0xc4, 1}, "map": {0x81, 0xa4, 't', 'y', 'p', 'e', 0xa1, 'x'}, "status": {0x81, 0xa6, 's', 't', 'a', 't', 'u', 's', 0xa2, 'n', 'o'},
		"address": []byte("parsec3://example.com/org?a=claim_user&p=xBA"), "control": []byte("parsec3://example.com/\x1b[2J"),
		"armour": []byte("-----BEGIN PARSEC SEQUESTER SERVICE CERTIFICATE-----\nx"), "prefix": []byte("RSASSA-PSS-SHA256:abc"),
	} {
		o := inspected(t, inspect.Request{Inputs: [][]byte{input}})[0]
		if o.State != inspect.Unknown {
			t.Errorf("%s is %s %s: %s", name, o.State, o.Kind, o.Reason)
		}
	}
}

// TestPendingEnrolment shows the clear part, and does not follow one enrolment into another.
func TestPendingEnrolment(t *testing.T) {
	content := vectorPayload(t, "async_enrollment/local-pending-content-pki")
	sealed := []byte("sealed")
	pending := &trust.AsyncEnrollmentLocalPending{CleartextContent: content, CleartextDigestSealed: sealed, SigningKeySealed: sealed, PrivateKeySealed: sealed}
	o := inspected(t, inspect.Request{Inputs: [][]byte{must(trust.Dump(pending))}})[0]
	shown := strings.Join(texts(&o), "\n")
	for _, want := range []string{"file of a pending enrolment", "cleartext_content.organization_id", "cleartext_content.identity_system.certificate_ref.hash", "6 bytes, SHA-256 "} {
		if !strings.Contains(shown, want) {
			t.Errorf("no %s in\n%s", want, shown)
		}
	}
	pending.CleartextContent = must(trust.Dump(pending))
	o = inspected(t, inspect.Request{Inputs: [][]byte{must(trust.Dump(pending))}})[0]
	if shown := strings.Join(texts(&o), "\n"); !strings.Contains(shown, `it is of type "async_enrollment_local_pending"`) || strings.Contains(shown, "organization_id") {
		t.Errorf("one in another is shown as\n%s", shown)
	}
}

func vectorPayload(t testing.TB, id string) []byte {
	t.Helper()
	for _, v := range vectors(t) {
		if v.ID == id {
			return v.bytes("payload")
		}
	}
	t.Fatalf("no vector %s", id)
	return nil
}

// TestSecretsAreNotShown looks for secrets in all that is said about what holds them.
func TestSecretsAreNotShown(t *testing.T) {
	mark := bytes.Repeat([]byte{0xab}, trust.KeySize)
	token := must(trust.NewAccessToken(mark[:trust.TokenSize]))
	p := &mpack.Writer{}
	p.Bytes(mark[:trust.TokenSize])
	parameter := base64.RawURLEncoding.EncodeToString(must(p.Result()))
	bundle := &mpack.Writer{}
	bundle.Map(5)
	for _, field := range []string{"type", "realm_keys_bundle", "author"} {
		bundle.String(field)
	}
	bundle.Ext(2, make([]byte, 16))
	bundle.String("timestamp")
	bundle.Ext(1, make([]byte, 8))
	bundle.String("keys")
	bundle.Array(1)
	bundle.Bytes(mark)
	bundle.String("realm_id")
	bundle.Ext(2, make([]byte, 16))
	packed := append([]byte{0}, must(zstd.NewWriter(nil)).EncodeAll(must(bundle.Result()), nil)...)
	device := &mpack.Writer{}
	device.Map(2)
	for _, field := range []string{"type", "local_device", "signing_key"} {
		device.String(field)
	}
	device.Bytes(mark)
	inputs := [][]byte{
		must(device.Result()), packed, append(bytes.Repeat([]byte{1}, trust.SignatureSize), packed...), mark, []byte(hex.EncodeToString(mark)), []byte(base64.StdEncoding.EncodeToString(mark)),
		[]byte(base32.StdEncoding.EncodeToString(mark)), []byte("the passphrase " + hex.EncodeToString(mark) + " of mine"),
		[]byte("parsec3://example.com/org?a=claim_nobody&p=" + parameter), []byte("parsec3://" + hex.EncodeToString(mark) + "@/x"),
		[]byte("https://example.com/redirect/org?a=claim_user&p=" + parameter), []byte("parsec3://example.com/org?a=bootstrap_organization&p=" + parameter),
	}
	for _, known := range inputs[len(inputs)-2:] {
		if a, err := trust.ParseAction(string(known)); err != nil {
			t.Errorf("%v, %v", a, err)
		}
	}
	hexToken := must(token.Hex())
	for _, r := range []inspect.Request{{Inputs: inputs}, {Inputs: inputs, Claims: true}} {
		result, err := inspect.Inspect(r)
		if err != nil {
			t.Fatal(err)
		}
		consistent(t, result)
		for _, o := range result.Objects {
			shown := strings.Join(texts(&o), "\n")
			for _, trace := range []string{string(mark[:4]), hexToken[:8], "q6urq", parameter[3:9], "VOV2X", trust.Digest(mark).String(), "171"} {
				if strings.Contains(shown, trace) {
					t.Errorf("%s shows %q:\n%s", o.Kind, trace, shown)
				}
			}
		}
	}
}

// FuzzInspect: any input is described or refused, and nothing is ever verified that a key did not sign.
func FuzzInspect(f *testing.F) {
	count := 0
	for _, v := range vectors(f) {
		if input := v.input(); input != nil {
			f.Add(input)
			count++
		}
	}
	if count < 200 {
		f.Fatalf("%d seeds", count)
	}
	c := newChain(f)
	f.Add(c.list())
	f.Add(c.answer())
	f.Add([]byte("-----BEGIN PARSEC SEQUESTER SERVICE CERTIFICATE-----\nAAAA\n-----END PARSEC SEQUESTER SERVICE CERTIFICATE-----\n"))
	stranger := must(trust.GenerateSigningKey().VerifyKey())
	f.Fuzz(func(t *testing.T, input []byte) {
		for _, r := range []inspect.Request{{Claims: true}, {Root: &stranger, Key: stranger[:]}} {
			r.Inputs = [][]byte{input, input}
			result, err := inspect.Inspect(r)
			if err != nil {
				if !errors.Is(err, inspect.ErrLimit) {
					t.Fatal(err)
				}
				return
			}
			consistent(t, result)
			for _, o := range result.Objects {
				if o.State == inspect.Verified || o.State == inspect.Signed {
					t.Errorf("%s is %s", o.Type, o.State)
				}
			}
		}
	})
}
