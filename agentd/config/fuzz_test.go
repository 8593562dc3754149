package config

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

// FuzzParse: a text is either refused with problems that name the file, or read into a
// configuration that keeps every promise of its types; and it is read the same way twice.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile(exampleFile)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{
		whole, specification, string(example), "", "[[provider]]", "a.b.c = {d = [1, {e = '''x'''}]}", "x = \"\\", "[a]\n[[a.b]]\n[a.b.c]",
		with("[core_settings]", "thread_pool_size = 99999999999"), edit("SQLite", "OnDisk"), edit("UnixPeerCredentials", "JwtSvid"),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l := SystemLayout()
		c, warnings, err := Parse("f.toml", data, l)
		again, _, err2 := Parse("f.toml", data, l)
		if !reflect.DeepEqual(c, again) || (err == nil) != (err2 == nil) {
			t.Fatal("two readings differ")
		}
		for _, w := range warnings {
			checkProblem(t, w, data)
		}
		if err == nil {
			checkConfig(t, c)
			return
		}
		problems, ok := errors.AsType[Errors](err)
		if !ok || len(problems) == 0 || c != nil {
			t.Fatalf("config %v with %T %v", c, err, err)
		}
		for _, p := range problems {
			checkProblem(t, p, data)
		}
	})
}

func checkProblem(t *testing.T, p Problem, data []byte) {
	t.Helper()
	if p.File != "f.toml" || p.Reason == "" || p.Line < 0 || p.Line > strings.Count(string(data), "\n")+1 {
		t.Fatalf("bad problem %v", p)
	}
}

func checkConfig(t *testing.T, c *Config) {
	t.Helper()
	abs := func(p string) {
		if !strings.HasPrefix(p, "/") {
			t.Fatalf("%q is not absolute", p)
		}
	}
	abs(c.Listener.SocketPath)
	if c.Listener.Timeout <= 0 || c.Agent.Limits.IdleTimeout <= 0 || len(c.Providers) == 0 || c.Authenticator.Type == 0 {
		t.Fatalf("%+v", c)
	}
	if l := c.Agent.Limits; l.MemoryPerUID < int64(c.Core.BodyLimit) || l.Connections < 1 || l.ConnectionsPerUID < 1 || l.RequestsPerUID < 1 {
		t.Fatalf("%+v", l)
	}
	names := map[string]bool{}
	for _, p := range c.Providers {
		if _, ok := c.KeyManager(p.KeyManager); !ok || names[p.Name] {
			t.Fatalf("%+v", p)
		}
		names[p.Name] = true
		set := 0
		for _, is := range []bool{p.Software != nil, p.PKCS11 != nil, p.TPM != nil} {
			if is {
				set++
			}
		}
		if set != 1 {
			t.Fatalf("%d kinds of settings in %+v", set, p)
		}
		if p.Software != nil {
			abs(p.Software.KeyStorePath)
		}
	}
	for _, m := range c.KeyManagers {
		abs(m.Path)
	}
}

// FuzzLocate: any text is scanned to its end, and every line exists.
func FuzzLocate(f *testing.F) {
	for _, s := range []string{whole, specification, "'''", `"""`, "[[", "a={", "a=[", "a.\"b\\\"c\".d=1", "\\", "a=\"\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		lines, err := locate(src)
		if (lines == nil) != (err != nil) {
			t.Fatalf("%v with %v", lines, err)
		}
		for path, n := range lines {
			if n < 1 || n > strings.Count(src, "\n")+1 {
				t.Fatalf("%q on line %d", path, n)
			}
		}
	})
}
