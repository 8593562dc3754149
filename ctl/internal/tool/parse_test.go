package tool

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// FuzzParse: every command line is either understood with all that the subcommand needs,
// or answered with a text.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"ping", "list-opcodes -p 1", "sign -k e x", "create-csr -k e --san a b --cn x", "-p=1 create-rsa-key -sok r -b1024", "-h", "help sign",
		"-t 0 generate-random --nbytes=4", "sign -k e -- -x", "sign -kk -k", "", "- --", "create-rsa-key --oaep=x -k k", "-=", "ping -x=",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words := strings.Split(line, " ")
		p, err := parse(slices.Clone(words))
		if err != nil {
			s, ok := errors.AsType[*shown](err)
			if !ok || s.text == "" || s.failed && !strings.Contains(s.text, "error: ") && !strings.Contains(s.text, "USAGE:") {
				t.Errorf("%q: %v", words, err)
			}
			return
		}
		for _, o := range p.command.options {
			if n := len(p.own[o.long]); o.must && n == 0 || n > 1 && !o.many {
				t.Errorf("%q: --%s has %d values", words, o.long, n)
			}
			if _, ok := p.number(o.long, globals); o.bits > 0 && len(p.values[o.long]) > 0 && !ok {
				t.Errorf("%q: --%s is no number", words, o.long)
			}
		}
		if p.command.arg == "" && p.arg != "" {
			t.Errorf("%q: argument %q", words, p.arg)
		}
	})
}

func TestHelpNamesEveryOption(t *testing.T) {
	// The options of parsec-tool 0.7.0.
	for name, options := range map[string]string{
		"ping": "", "list-providers": "", "list-authenticators": "", "list-keys": "", "list-clients": "",
		"list-opcodes": "-p, --provider <provider>", "generate-random": "-n, --nbytes <nbytes>", "create-ecc-key": "-k, --key-name <key-name>",
		"create-rsa-key":    "-s, --for-signing|-o, --oaep|-b, --bits <bits>|-k, --key-name <key-name>",
		"export-public-key": "    --pkcs1|-k, --key-name <key-name>", "sign": "-k, --key-name <key-name>|<input-data>",
		"encrypt": "-k, --key-name <key-name>|<input-data>", "decrypt": "-k, --key-name <key-name>|<input-data>",
		"delete-key": "-k, --key-name <key-name>", "delete-client": "-c, --client <client>",
		"create-csr": "--cn <common-name>|--c <country>|-k, --key-name <key-name>|--l <locality>|--o <organization>|--ou <organizational-unit>|" +
			"--serialNumber <serial-number>|--st <state>|--san <subject-alternative-name>...",
	} {
		_, err := parse([]string{name, "--help"})
		s, ok := errors.AsType[*shown](err)
		if !ok || s.failed {
			t.Fatalf("%s: %v", name, err)
		}
		for form := range strings.SplitSeq(options+"|-h, --help|-V, --version", "|") {
			if !strings.Contains(s.text, form) {
				t.Errorf("the help of %s lacks %q:\n%s", name, form, s.text)
			}
		}
	}
	if len(commands) != 16 {
		t.Errorf("%d subcommands", len(commands))
	}
}
