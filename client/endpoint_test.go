package client_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-73b3884f/parsec-agent/client"
)

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestEndpoints(t *testing.T) {
	system := client.Endpoint{Path: client.SystemSocket, Origin: client.OriginSystem}
	one := func(path string, origin client.Origin) []client.Endpoint {
		return []client.Endpoint{{Path: path, Origin: origin}}
	}
	for _, tc := range []struct {
		name, explicit string
		env            func(string) string
		want           []client.Endpoint
	}{
		{"path", "/a/b", env(client.EndpointVariable, "unix:/c"), one("/a/b", client.OriginExplicit)},
		{"url", "unix:/a/b", env(), one("/a/b", client.OriginExplicit)},
		{"url with an empty host", "unix:///a//b", env(), one("/a/b", client.OriginExplicit)},
		{"environment", "", env(client.EndpointVariable, "unix:/c", "XDG_RUNTIME_DIR", "/run/user/7"), one("/c", client.OriginEnvironment)},
		{"escaped", "", env(client.EndpointVariable, "unix:/a%20b"), one("/a b", client.OriginEnvironment)},
		{"runtime directory", "", env("XDG_RUNTIME_DIR", "/run/user/7", "HOME", "/home/x"), []client.Endpoint{{Path: "/run/user/7/parsec/parsec.sock", Origin: client.OriginUser}, system}},
		{"state directory", "", env("XDG_STATE_HOME", "/s", "HOME", "/home/x"), []client.Endpoint{{Path: "/s/parsec/parsec.sock", Origin: client.OriginUser}, system}},
		{"home", "", env("HOME", "/home/x", "XDG_RUNTIME_DIR", "relative"), []client.Endpoint{{Path: "/home/x/.local/state/parsec/parsec.sock", Origin: client.OriginUser}, system}},
		{"nobody", "", env(), []client.Endpoint{system}},
		{"home too long for a socket", "", env("HOME", "/"+strings.Repeat("x", 90)), []client.Endpoint{system}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := client.Endpoints(tc.explicit, tc.env)
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
}

func TestBadEndpoints(t *testing.T) {
	for name, text := range map[string]string{
		"http:/a":                           `PARSEC_SERVICE_ENDPOINT "http:/a": not a URL of the form unix:/path`,
		"/a":                                `PARSEC_SERVICE_ENDPOINT "/a": not a URL of the form unix:/path`,
		"unix://host/a":                     `PARSEC_SERVICE_ENDPOINT "unix://host/a": a host in the URL: write unix:/path or unix:///path`,
		"unix:a":                            `PARSEC_SERVICE_ENDPOINT "unix:a": the socket path is not absolute`,
		"unix:/a%00":                        `PARSEC_SERVICE_ENDPOINT "unix:/a%00": the socket path holds a zero byte`,
		"unix:%zz":                          `PARSEC_SERVICE_ENDPOINT "unix:%zz": the socket path is not absolute`,
		"\x7f":                              `PARSEC_SERVICE_ENDPOINT "\x7f": not a URL`,
		"unix:/" + strings.Repeat("x", 107): "",
	} {
		_, err := client.Endpoints("", env(client.EndpointVariable, name))
		e, is := errors.AsType[*client.EndpointError](err)
		if !is || text != "" && e.Error() != text {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := client.Endpoints("relative", env()); err == nil {
		t.Error("a relative path is accepted")
	}
}

func TestUserAgentBeforeSystem(t *testing.T) {
	s := newServer(t, nil)
	dir := filepath.Dir(s.path)
	if err := os.MkdirAll(filepath.Join(dir, "parsec"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(s.path, filepath.Join(dir, "parsec", "parsec.sock")); err != nil {
		t.Fatal(err)
	}
	t.Setenv(client.EndpointVariable, "")
	t.Setenv("XDG_RUNTIME_DIR", dir)
	c, err := client.Dial(t.Context(), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ping(t, c)
	if c.Endpoint().Origin != client.OriginUser {
		t.Errorf("endpoint %+v", c.Endpoint())
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Setenv(client.EndpointVariable, "")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	_, err := client.Dial(t.Context(), client.Options{})
	lost, is := errors.AsType[*client.ConnectionError](err)
	if !is {
		if err == nil {
			t.Log("a service of the system runs on this machine")
			return
		}
		t.Fatal(err)
	}
	if len(lost.Endpoints) != 2 || lost.Sent || !strings.HasPrefix(err.Error(), "no key service answers, neither on ") {
		t.Errorf("%v", err)
	}
}
