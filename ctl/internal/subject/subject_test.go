package subject_test

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/ctl/internal/subject"
)

func parse(t *testing.T, text string) pkix.RDNSequence {
	t.Helper()
	der, err := subject.Parse(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	var name pkix.RDNSequence
	if rest, err := asn1.Unmarshal(der, &name); err != nil || len(rest) > 0 {
		t.Fatalf("%q: %v", text, err)
	}
	return name
}

func TestNames(t *testing.T) {
	for text, want := range map[string][]string{
		"":                             {},
		"CN=a":                         {"2.5.4.3=a"},
		" cn = a b , O=c":              {"2.5.4.3=a b", "2.5.4.10=c"},
		`O=Smith\, Sons,C=DE`:          {"2.5.4.10=Smith, Sons", "2.5.4.6=DE"},
		`CN=a=b`:                       {"2.5.4.3=a=b"},
		`CN=\20a\ `:                    {"2.5.4.3= a "},
		`CN=\C3\BC`:                    {"2.5.4.3=ü"},
		`2.5.4.12=Dr,UID=x`:            {"2.5.4.12=Dr", "0.9.2342.19200300.100.1.1=x"},
		`DC=org,EMAILADDRESS=a@b.test`: {"0.9.2342.19200300.100.1.25=org", "1.2.840.113549.1.9.1=a@b.test"},
		"CN=日本":                        {"2.5.4.3=日本"},
	} {
		name := parse(t, text)
		var got []string
		for _, set := range name {
			got = append(got, set[0].Type.String()+"="+set[0].Value.(string)) //nolint:forcetypeassert,errcheck // else the test fails
		}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"a":                        `"a" is not of the form TYPE=VALUE`,
		"CN=a,":                    "nothing follows the last comma",
		"CN=":                      "CN has no value",
		"XX=a":                     `no attribute is called "XX"`,
		"C=DEU":                    `the country "DEU" is not a code of two letters`,
		`CN=a\`:                    "it ends within an escape",
		`CN=\zz`:                   `"\\zz" is no escape`,
		`CN=\ff`:                   "it is not UTF-8",
		"3.1=x":                    `no attribute is called "3.1"`,
		"1.40=x":                   `"1.40" is not an object identifier`,
		"2.99999999999999999999=x": `"2.99999999999999999999" is not an object identifier`,
	} {
		if _, err := subject.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// FuzzParse: what is accepted is a name in DER that others can read.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"CN=a,O=b", `CN=\,\20x`, "2.5.4.3=x", "C=DE,CN=ü", ",", "=", `\`, "DC=ü", "EMAILADDRESS=\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		der, err := subject.Parse(s)
		if err != nil {
			return
		}
		var name pkix.RDNSequence
		if rest, err := asn1.Unmarshal(der, &name); err != nil || len(rest) > 0 {
			t.Errorf("%q gives %x: %v", s, der, err)
		}
	})
}
