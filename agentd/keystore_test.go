package agentd

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
)

// systemConfig is the configuration of a system's agent with its state in dir.
func systemConfig(t *testing.T, dir, lines string) *config.Config {
	t.Helper()
	l := config.Layout{StateDir: dir, RuntimeDir: dir}
	text := `[core_settings]
[listener]
listener_type = "DomainSocket"
timeout = 1
[authenticator]
auth_type = "UnixPeerCredentials"
[[key_manager]]
name = "k"
manager_type = "SQLite"
[[provider]]
provider_type = "MbedCrypto"
key_info_manager = "k"
` + lines
	cfg, _, err := config.Parse("c.toml", []byte(text), l)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

const keyFile = "0000000000000001.psa_its"

// TestKeysOfTheOriginalAreFound: the original keeps keys where it runs, and so does an
// agent that takes its place, as long as its own directory has none.
func TestKeysOfTheOriginalAreFound(t *testing.T) {
	const second = `[[key_manager]]
name = "l"
manager_type = "OnDisk"
[[provider]]
provider_type = "MbedCrypto"
key_info_manager = "l"
name = "second"
`
	for name, c := range map[string]struct {
		lines      string
		here, ours string // files to make in the working directory and in the default one
		original   bool
	}{
		"no keys":                  {},
		"keys of the original":     {here: keyFile, original: true},
		"root key beside them":     {here: "root.key", original: true},
		"something else":           {here: "notes.psa_its"},
		"keys of ours":             {here: keyFile, ours: keyFile},
		"root key of ours":         {here: keyFile, ours: "root.key"},
		"set by the configuration": {here: keyFile, lines: "key_store_path = \"/srv/keys\"\n"},
		"two key managers":         {here: keyFile, lines: second},
	} {
		t.Run(name, func(t *testing.T) {
			state, cwd := t.TempDir(), t.TempDir()
			t.Chdir(cwd)
			cfg := systemConfig(t, state, c.lines)
			software := cfg.Providers[0].Software
			if c.here != "" {
				touch(t, filepath.Join(cwd, c.here))
			}
			if c.ours != "" {
				touch(t, filepath.Join(software.KeyStorePath, c.ours))
			}
			want := software.KeyStorePath
			if c.original {
				want = cwd
			}
			cfg.Layout.User = true
			if got := keyStore(cfg, software); got != software.KeyStorePath {
				t.Errorf("a user's agent: %q", got)
			}
			cfg.Layout.User = false
			for range 2 { // a configuration that was settled stays
				settleKeyStores(t.Context(), slog.New(slog.DiscardHandler), cfg)
				if got := software.KeyStorePath; got != want {
					t.Errorf("%q, want %q", got, want)
				}
			}
		})
	}
}

func TestCountKeys(t *testing.T) {
	t.Chdir(t.TempDir())
	state := t.TempDir()
	cfg := systemConfig(t, state, "")
	count := func(want int) {
		t.Helper()
		if n, err := CountKeys(t.Context(), cfg); n != want || err != nil {
			t.Errorf("%d keys, %v, want %d", n, err, want)
		}
	}
	count(0)
	if entries, err := os.ReadDir(state); err != nil || len(entries) > 0 {
		t.Errorf("counting made %v, %v", entries, err)
	}
	b, err := build(t.Context(), slog.New(slog.DiscardHandler), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.close(); err != nil {
		t.Fatal(err)
	}
	count(0) // the agent has run, and made no key
	touch(t, filepath.Join(cfg.Providers[0].Software.KeyStorePath, keyFile))
	count(1)
	if err := os.WriteFile(cfg.KeyManagers[0].Path, []byte("no database, and too long to be taken for an empty one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := CountKeys(t.Context(), cfg); err == nil {
		t.Error("a database that cannot be read is taken for empty")
	}
}
