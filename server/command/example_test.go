package command

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestExampleConfig: the committed example is current, and loads with every option, which has its default.
func TestExampleConfig(t *testing.T) {
	text, err := os.ReadFile("../../docs/server.example.toml")
	if err != nil || string(text) != ExampleConfig() {
		t.Errorf("the example is not current (%v): run go generate ./server/command", err)
	}
	path := filepath.Join(t.TempDir(), "config.toml")
	all := regexp.MustCompile(`(?m)^#([a-z0-9-]+ = )`).ReplaceAll(text, []byte("$1"))
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
	given, fresh := pflag.NewFlagSet("", pflag.ContinueOnError), pflag.NewFlagSet("", pflag.ContinueOnError)
	(&runOptions{}).flags(given)
	(&runOptions{}).flags(fresh)
	if err := given.Set("config", path); err != nil {
		t.Fatal(err)
	}
	file, err := readFile(given)
	if err != nil {
		t.Fatal(err)
	}
	fresh.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "config" {
			return
		}
		if !strings.Contains(string(text), "\n#"+f.Name+" = ") {
			t.Errorf("%s is not in the example", f.Name)
		}
		if err := assign(given, given.Lookup(f.Name), "the example", file[f.Name]); err != nil {
			t.Error(err)
		}
		if got := given.Lookup(f.Name).Value.String(); got != f.Value.String() {
			t.Errorf("%s is %s in the example, and %s by default", f.Name, got, f.Value)
		}
	})
}
