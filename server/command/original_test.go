package command

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestOptionsOfTheOriginal: every option that the specification lists for the original's run is one of ours, or is refused by its name.
func TestOptionsOfTheOriginal(t *testing.T) {
	spec, err := os.ReadFile("../../docs/spec/parsec-cloud-rpc.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(spec), "### 5.3 `run` options")
	section, _, _ = strings.Cut(section, "### 5.4")
	o, flags := runOptions{}, pflag.NewFlagSet("run", pflag.ContinueOnError)
	o.flags(flags)
	found := []string{}
	for _, m := range regexp.MustCompile("`--([a-z0-9-]+)[`=]").FindAllStringSubmatch(section, -1) {
		if found = append(found, m[1]); flags.Lookup(m[1]) == nil {
			t.Errorf("--%s does not exist", m[1])
		}
	}
	if len(found) < 50 {
		t.Errorf("only %d options were found: %q", len(found), found)
	}
	for name := range refused {
		if !slices.Contains(found, name) && name != "scws-web-application-private-key-content" { // which stands there as …-content
			t.Errorf("--%s is refused, and none of the original", name)
		}
	}
}

// TestWords: values are those that the original takes.
func TestWords(t *testing.T) {
	for word, want := range map[string]bool{"1": true, "TRUE": true, "yes": true, "On": true, "t": true, "0": false, "no": false, "OFF": false, "f": false, "n": false} {
		got := !want
		if err := (truth{&got}).Set(word); err != nil || got != want {
			t.Errorf("%q: %t, %v", word, got, err)
		}
	}
	for text, want := range map[string][]string{
		`en:a,fr:b`: {"en:a", "fr:b"}, `en:a\,b,fr:c`: {"en:a,b", "fr:c"}, `a\\,b`: {`a\`, "b"}, `a\x`: {`a\x`}, `a\`: {`a\`},
	} {
		if got := splitEscaped(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	getenv := func(name string) string {
		return map[string]string{"PARSEC_CMD_ARGS": "--db=$DB --host=${HOST}x $NONE", "DB": "postgresql://h/d", "HOST": "::"}[name]
	}
	if got := moreArguments(getenv); !slices.Equal(got, []string{"--db=postgresql://h/d", "--host=::x", "$NONE"}) {
		t.Errorf("%q", got)
	}
	if got := paired([]string{"run", "--validation-email-rate-limit", "60", "3", "--dev"}); !slices.Equal(got, []string{"run", "--validation-email-rate-limit=60 3", "--dev"}) {
		t.Errorf("%q", got)
	}
	if got := fromEnvironment("proxy-trusted-addresses", func(name string) string { return map[string]string{"FORWARDED_ALLOW_IPS": "*"}[name] }); got != "*" {
		t.Errorf("%q", got)
	}
	for host, want := range map[string]string{"parsec.example.com": "parsec.example.com", "127.0.0.1": "[127.0.0.1]", "[::1]": "[IPv6:::1]"} {
		if got := helloName(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}
