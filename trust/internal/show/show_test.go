package show_test

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust/internal/show"
)

type inner struct {
	A []byte `mp:"a"`
}

func (*inner) Type() string { return "INNER" }

type variant struct{ One, Two *inner }

type hidden struct{ s string }

func (hidden) String() string { return "(redacted)" }

type header struct {
	First uint8 `mp:"first"`
}

type outer struct {
	header
	Secret hidden             `mp:"secret"`
	_      struct{}           `mp:"algorithm,const=X"`
	Nested inner              `mp:"nested"`
	None   *inner             `mp:"none,null"`
	Which  variant            `mp:"which"`
	List   []string           `mp:"list,max=9"`
	Set    map[uint8]struct{} `mp:"set,max=9"`
	Map    map[uint8]uint16   `mp:"map,max=9"`
	Fixed  [2]byte            `mp:"fixed"`
	Bool   bool               `mp:"bool"`
	Issuer []byte             `mp:"der_issuer"`
	Serial []byte             `mp:"serial"`
	Label  []byte             `mp:"label"`
	Key    []byte             `mp:"verify_key_der"`
	Other  int                // not on the wire
}

func TestFields(t *testing.T) {
	name, err := asn1.Marshal(pkix.Name{CommonName: "A \x1b B", Organization: []string{"O"}}.ToRDNSequence())
	if err != nil {
		t.Fatal(err)
	}
	v := &outer{
		header: header{7}, Secret: hidden{"hidden"}, Nested: inner{[]byte("x")}, Which: variant{Two: &inner{}}, List: []string{"p", "q\n"},
		Set: map[uint8]struct{}{2: {}, 1: {}}, Map: map[uint8]uint16{4: 40, 3: 30}, Fixed: [2]byte{1, 0xff}, Bool: true,
		Issuer: name, Serial: []byte{0, 1}, Label: []byte("l"), Key: []byte("no key"), Other: 5,
	}
	got := strings.Builder{}
	for _, f := range show.Of(v) {
		fmt.Fprintf(&got, "%s=%s\n", f.Name, f.Value)
	}
	const want = `first=7
secret=(redacted)
algorithm=X
nested.type=INNER
nested.a=1 bytes, SHA-256 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881
none=(none)
which.type=INNER
which.a=(none)
list=p
list="q\n"
set=1
set=2
map.3=30
map.4=40
fixed=01ff
bool=true
der_issuer="CN=A \x1b B,O=O"
serial=0001
label=l
`
	if !strings.HasPrefix(got.String(), want) || strings.Contains(got.String(), "no key") || !strings.Contains(got.String(), "verify_key_der=6 bytes") {
		t.Errorf("%s, want\n%s", got.String(), want)
	}
}

func TestTexts(t *testing.T) {
	for in, want := range map[string]string{
		"":            "",
		"plain é 康":   "plain é 康",
		`a "b"`:       `"a \"b\""`,
		"\x1b[31m":    `"\x1b[31m"`,
		"a\u202eb":    `"a\u202eb"`,
		"\xff":        `"\xff"`,
		`\n`:          `"\\n"`,
		"\u009b":      `"\u009b"`,
		"zero\u200cw": `"zero\u200cw"`,
	} {
		if got := show.Text(in); got != want {
			t.Errorf("%q is shown as %s, want %s", in, got, want)
		}
	}
	if got := show.Text(strings.Repeat("a", 5000)); len(got) > 1100 || !strings.HasSuffix(got, " … (5000 bytes)") {
		t.Errorf("a long text is shown as %d bytes", len(got))
	}
	if got := show.Text(strings.Repeat("康", 500)); !strings.HasPrefix(got, "康") || !strings.HasSuffix(got, "康 … (1500 bytes)") {
		t.Errorf("a long text is shown as %s", got)
	}
	if got := show.Line("a \x1b \"b\" \u202e" + strings.Repeat("c", 5000)); !strings.HasPrefix(got, `a \x1b "b" \u202eccc`) || len(got) > 1100 {
		t.Errorf("a line is shown as %q", got)
	}
}
