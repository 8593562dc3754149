package trust

import (
	"strings"
	"testing"
)

func TestEmailAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"a@b": true, "a.b+c@example.com": true, "a--b@c--d.e": true, "A@B.C": true, "a@xn--bcher-kva.example": true,
		" a@b\t": true, "a @ b": true, "a. b@c.\t d": true, "a.(x (y) \\))b@c": true, "a@b.\r\n c": true,
		`""@b`: true, `"a b"@c`: true, `"a@b"@c`: true, `"\""@c`: true, "\"\x1b\"@c": true, "\"a\r\n b\"@c": true, ` "a" (x) @b`: true,
		"a@[]": true, "a@[127.0.0.1]": true, "a@ [ 1 2 ] ": true, "a@x.redacted.invalid": true, "a@redacted.invalid ": true,
		"": false, "a": false, "@": false, "a@": false, "@b": false, "a@b@c": false, "a..b@c": false, ".a@b": false, "a.@b": false,
		"-a@b": false, "a-@b": false, "a@b-": false, "a@-b": false, "a-.b@c": false, "a@b.": false,
		"  a@b": false, "a@b  ": false, "a b@c": false, "a .b@c": false, "(x)a@b": false, "a@b\n": false, "a@b.\r\nc": false,
		`"@b`: false, `"a""@b`: false, `"\"@b`: false, "\"\x00\"@b": false, "\"a\nb\"@c": false, "\"\r\n\r\n \"@c": false,
		"a@[": false, "a@[[]": false, `a@[\]`: false, "a@(x": false, "é@b": false, "a@é": false, "a.(é)b@c": false, "a\u00a0@b": false,
		"a@redacted.invalid": false, strings.Repeat("a", maxRawText) + "@b": false, "a." + strings.Repeat("(", 2000) + "b@c": false,
	} {
		got, err := NewEmailAddress(address)
		if (err == nil) != want {
			t.Errorf("%q: %v", address, err)
		}
		if want && got.String() != address {
			t.Errorf("%q becomes %q", address, got)
		}
	}
}

// TestNewWords: what came with Unicode 16 is accepted in an organisation's name.
func TestNewWords(t *testing.T) {
	for name, want := range map[string]bool{"\U00010d50": true, "\U0002ebf0": true, "\u1c89": true, "a\u0897": true, "\U000105ff": false, "\U0001cc00": false} {
		if _, err := NewOrganizationID(name); (err == nil) != want {
			t.Errorf("%+q: %v", name, err)
		}
	}
}

// TestDateTexts: what String writes is read as the same moment, at the ends of the calendar too.
func TestDateTexts(t *testing.T) {
	for micros, text := range map[int64]string{
		0: "1970-01-01T00:00:00Z", 1: "1970-01-01T00:00:00.000001Z", 1000: "1970-01-01T00:00:00.001Z", -1: "1969-12-31T23:59:59.999999Z",
		minMicros: "-262143-01-01T00:00:00Z", maxMicros: "+262142-12-31T23:59:59.999999Z", -62167219200000000: "0000-01-01T00:00:00Z",
		-62167219200000001: "-0001-12-31T23:59:59.999999Z", 253402300800000000: "+10000-01-01T00:00:00Z",
	} {
		at := DateTime{micros}
		if at.String() != text {
			t.Errorf("%d is written as %s, want %s", micros, at, text)
		}
		if read, err := ParseDateTime(text); err != nil || read != at {
			t.Errorf("%s is read as %d, %v, want %d", text, read.micros, err, micros)
		}
	}
	for _, text := range []string{"", "2020", "10000-01-01T00:00:00Z", "+262143-01-01T00:00:00Z", "+999999-01-01T00:00:00Z", "-999999-01-01T00:00:00Z", "-262144-12-31T23:59:59Z", "2023-02-29T00:00:00Z", "++200-01-01T00:00:00Z", "2020-01-01T00:00:00"} {
		if at, err := ParseDateTime(text); err == nil {
			t.Errorf("%q is read as %s", text, at)
		}
	}
}

// TestPassphraseHasOneText: a letter more, and a last letter with bits that say nothing, are refused.
func TestPassphraseHasOneText(t *testing.T) {
	text := must(must(NewSecretKey(make([]byte, KeySize))).Passphrase())
	for name, typed := range map[string]string{
		"a letter more": string(text) + "A", "a letter less": string(text[:len(text)-1]), "last bits": string(text[:len(text)-1]) + "B", "nothing": "",
	} {
		if _, err := SecretKeyFromPassphrase([]byte(typed)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := SecretKeyFromPassphrase(text); err != nil {
		t.Error(err)
	}
}

// TestSlashesOfAddresses: other readers take what follows three of them for another server.
func TestSlashesOfAddresses(t *testing.T) {
	for _, address := range []string{"parsec3:///a.example/../b.example", "parsec3:/a.example", "parsec3:a.example", `http:/\/a.example/redirect`, "http:///a.example/redirect"} {
		if a, err := ParseServerAddress(address); err == nil {
			t.Errorf("%s is read as %s", address, a)
		}
	}
}

// TestSlashesOfRedirections: one too many is forgiven.
func TestSlashesOfRedirections(t *testing.T) {
	for address, want := range map[string]bool{
		"https://a.example/redirect": true, "https://a.example/redirect/": true, "https://a.example/redirect//": true, "https://a.example/redirect///": false,
		"https://a.example/redirect///x/../": false, "https://a.example/": false, "https://a.example//redirect": false,
	} {
		if _, err := ParseServerAddress(address); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestBrokenPunycode: a label is punycode as a whole, or not at all.
func TestBrokenPunycode(t *testing.T) {
	for host, want := range map[string]string{
		"bücher.example": "xn--bcher-kva.example", "ｘn--bcher-kva。example": "xn--bcher-kva.example", "xn--bcher-kva.é": "xn--bcher-kva.xn--9ca",
		"xn--ébcher-kva.example": "", "XN--é": "", "xn--": "", "xn--.example": "", "xn--..example": "",
	} {
		if a, err := ParseServerAddress("parsec3://" + host); (err == nil) != (want != "") || a.Host() != want {
			t.Errorf("%s is read as %q, want %q, %v", host, a.Host(), want, err)
		}
	}
}

// TestBase64HasOneText: line breaks, and last bits that say nothing, are refused.
func TestBase64HasOneText(t *testing.T) {
	hash := X509HashOf(nil).String()
	for name, s := range map[string]string{"a line break": hash[:20] + "\r" + hash[20:], "a line break at the end": hash + "\n", "last bits": hash[:len(hash)-2] + "V="} {
		if _, err := ParseX509Hash(s); err == nil {
			t.Errorf("hash with %s: accepted", name)
		}
	}
	if _, err := ParseX509Hash(hash); err != nil {
		t.Error(err)
	}
	for p, want := range map[string]bool{"wA": true, "w%0AA": false, "wA%0D": false, "wB": false} {
		if _, err := ParseAction("parsec3://server.example/Org?a=bootstrap_organization&p=" + p); (err == nil) != want {
			t.Errorf("p=%s: %v", p, err)
		}
	}
}
