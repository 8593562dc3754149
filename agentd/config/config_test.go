package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// specification is the example of docs/spec/parsec-service.md section 4.4.
const specification = `
[core_settings]
log_level = "info"

[listener]
listener_type = "DomainSocket"
timeout = 200

[authenticator]
auth_type = "UnixPeerCredentials"
admins = [ { name = "0" } ]

[[key_manager]]
name = "kim"
manager_type = "SQLite"

[[provider]]
provider_type = "MbedCrypto"
key_info_manager = "kim"

[[provider]]
provider_type = "Pkcs11"
key_info_manager = "kim"
library_path = "/usr/lib/softhsm/libsofthsm2.so"
serial_number = "0123456789abcdef"
user_pin = "str:1234"

[[provider]]
provider_type = "Tpm"
key_info_manager = "kim"
tcti = "device:/dev/tpmrm0"
owner_hierarchy_auth = ""
skip_if_no_tpm = true
`

func reveal(t *testing.T, s *Secret) string {
	t.Helper()
	var text string
	if err := s.Use(func(b []byte) error { text = string(b); return nil }); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSpecificationExample(t *testing.T) {
	t.Parallel()
	c := mustParse(t, specification)
	if c.Core.LogLevel != LevelInfo || c.Listener.Timeout != 200*time.Millisecond || c.Listener.SocketPath != "/run/parsec/parsec.sock" {
		t.Errorf("core %+v, listener %+v", c.Core, c.Listener)
	}
	if diff := cmp.Diff(Authenticator{Type: wire.AuthUnixPeer, Admins: []string{"0"}}, c.Authenticator); diff != "" {
		t.Error(diff)
	}
	var names []string
	for _, p := range c.Providers {
		names = append(names, fmt.Sprintf("%d %s %s", p.Type, p.Name, p.KeyManager))
	}
	if diff := cmp.Diff([]string{"1 mbed-crypto-provider kim", "2 pkcs11-provider kim", "3 tpm-provider kim"}, names); diff != "" {
		t.Error(diff)
	}
	p := c.Providers[1].PKCS11
	if p.LibraryPath != "/usr/lib/softhsm/libsofthsm2.so" || p.Serial != "0123456789abcdef" || p.Slot != nil || !p.AllowExport || reveal(t, p.UserPIN) != "1234" {
		t.Errorf("%+v", p)
	}
	m := c.Providers[2].TPM
	if m.TCTI != (TCTI{Kind: "device", Path: "/dev/tpmrm0"}) || !m.SkipIfNone || m.OwnerAuth == nil || reveal(t, m.OwnerAuth) != "" || m.EndorsementAuth != nil {
		t.Errorf("%+v", m)
	}
}

// TestEverything sets each key to something else than its default.
func TestEverything(t *testing.T) {
	t.Parallel()
	c := mustParse(t, `
[core_settings]
thread_pool_size = 7
idle_listener_sleep_duration = 0
log_level = "TRACE"
log_timestamp = true
body_len_limit = 9223372036854775807
log_error_details = true
allow_root = true
buffer_size_limit = 5
allow_deprecated = true
[listener]
listener_type = "DomainSocket"
timeout = 9223372036854775807
socket_path = "/s/../p.sock"
[authenticator]
auth_type = "JwtSvid"
admins = [ { name = "spiffe://a/b" }, { name = "spiffe://a/b" }, { name = "spiffe://a/c" } ]
workload_endpoint = "unix:///w.sock"
[[key_manager]]
name = "a"
manager_type = "SQLite"
sqlite_db_path = "/a/a.db"
[[key_manager]]
name = "b"
manager_type = "SQLite"
sqlite_db_path = "/b/b.db"
[[provider]]
provider_type = "MbedCrypto"
name = "soft"
key_info_manager = "a"
key_store_path = "/keys"
key_storage = "compatible"
root_key_credential = "root"
cache_keys = 0
[[provider]]
provider_type = "MbedCrypto"
name = "soft2"
key_info_manager = "b"
[[provider]]
provider_type = "Pkcs11"
name = "token"
key_info_manager = "b"
library_path = "libvendor.so"
slot_number = 9223372036854775807
serial_number = " 42 "
user_pin = "hex:00ff"
software_public_operations = true
allow_export = false
[[provider]]
provider_type = "Tpm"
name = "tpm"
key_info_manager = "b"
tcti = "swtpm:port=1234,host=h"
owner_hierarchy_auth = "plain"
endorsement_hierarchy_auth = "hex:61"
[agent]
admin_groups = ["a", "100"]
audit = "/var/log/audit"
metrics = "tcp:[::1]:9"
log_format = "json"
allow_backup = false
[agent.limits]
connections_per_uid = 1
connections = 2
requests_per_uid = 3
memory_per_uid = 9223372036854775807
idle_timeout = 5
[agent.devices]
directory = "/devices"
idle_limit = 9
[[agent.authenticator]]
auth_type = "UnixPeerCredentials"
admins = [{name="1"}]
`)
	core := Core{
		Threads: 7, LogLevel: LevelTrace, LogTimestamp: true, LogErrorDetails: true,
		BodyLimit: math.MaxUint32, BufferSizeLimit: 5, AllowRoot: true, AllowDeprecated: true,
	}
	if diff := cmp.Diff(core, c.Core); diff != "" {
		t.Error(diff)
	}
	if c.Listener.SocketPath != "/p.sock" || c.Listener.Timeout != time.Duration(maxMillis)*time.Millisecond {
		t.Errorf("listener %+v", c.Listener)
	}
	auth := []Authenticator{
		{Type: wire.AuthJWTSVID, Admins: []string{"spiffe://a/b", "spiffe://a/c"}, WorkloadEndpoint: "unix:///w.sock"},
		{Type: wire.AuthUnixPeer, Admins: []string{"1"}},
	}
	if diff := cmp.Diff(auth, c.Authenticators()); diff != "" {
		t.Error(diff)
	}
	software := []*Software{
		{KeyStorePath: "/keys", KeyStoreGiven: true, KeyStorage: providers.ProtectionCompatible, RootKey: RootKeyAuto, RootKeyCredential: "root"},
		{KeyStorePath: "/b", KeyStorage: providers.ProtectionEncrypted, RootKey: RootKeyAuto, RootKeyCredential: "parsec-root-key", CacheKeys: defaultCacheKeys},
	}
	if diff := cmp.Diff(software, []*Software{c.Providers[0].Software, c.Providers[1].Software}); diff != "" {
		t.Error(diff)
	}
	p := c.Providers[2].PKCS11
	if p.LibraryPath != "libvendor.so" || p.Slot == nil || *p.Slot != math.MaxInt64 || p.Serial != "42" || !p.SoftwarePublicOperations || p.AllowExport || reveal(t, p.UserPIN) != "\x00\xff" {
		t.Errorf("%+v", p)
	}
	m := c.Providers[3].TPM
	if m.TCTI != (TCTI{Kind: "swtpm", Host: "h", Port: 1234}) || reveal(t, m.OwnerAuth) != "plain" || reveal(t, m.EndorsementAuth) != "a" {
		t.Errorf("%+v", m)
	}
	agent := Agent{
		AdminGroups: []string{"a", "100"}, Audit: Audit{AuditFile, "/var/log/audit"}, Metrics: Metrics{"tcp", "[::1]:9"}, LogFormat: LogJSON,
		Limits:         Limits{ConnectionsPerUID: 1, Connections: 2, RequestsPerUID: 3, MemoryPerUID: math.MaxInt64, IdleTimeout: 5 * time.Millisecond},
		Devices:        Devices{Directory: "/devices", IdleLimit: 9 * time.Millisecond},
		Authenticators: auth[1:],
	}
	if diff := cmp.Diff(agent, c.Agent); diff != "" {
		t.Error(diff)
	}
	c.WipeSecrets()
	if reveal(t, p.UserPIN) != "" || reveal(t, m.OwnerAuth) != "" {
		t.Error("a secret is left after the wipe")
	}
}

// TestOtherSyntax: every way to write a table is read, and found again by its line.
func TestOtherSyntax(t *testing.T) {
	t.Parallel()
	src := `core_settings.thread_pool_size = 3
listener = { listener_type = "DomainSocket", timeout = 1 }
authenticator."auth_type" = 'UnixPeerCredentials'
key_manager = [ # comment ]
  { name = """kim""", manager_type = "OnDisk" }, # "
]
provider = [{provider_type = "MbedCrypto", key_info_manager = "kim"},
 {provider_type = "MbedCrypto", name = '''
two [x] "''', key_info_manager = "kim", cache_keys = -1}]
`
	_, _, err := parse(t, src)
	if want := "c.toml:9: provider[2].cache_keys: -1 is negative"; err == nil || err.Error() != want {
		t.Fatalf("got %v, want %s", err, want)
	}
	c := mustParse(t, strings.Replace(src, "-1", "1", 1))
	if c.Core.Threads != 3 || c.KeyManagers[0].Path != "/var/lib/parsec/mappings" || c.Providers[1].Name != "two [x] \"" {
		t.Errorf("%+v", c)
	}
	if got := c.Providers[0].Software.KeyStorePath; got != "/var/lib/parsec/mappings-keys" {
		t.Errorf("key directory %s", got)
	}
}

func TestLimitsFollowTheBody(t *testing.T) {
	t.Parallel()
	c := mustParse(t, with("[core_settings]", "body_len_limit = 1000000000"))
	if got := c.Agent.Limits.MemoryPerUID; got != 1000000000+wire.MaxAuthLen {
		t.Errorf("memory per uid is %d", got)
	}
}

func TestRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	c, warnings, err := parse(t, with("[listener]", `socket_path = "p.sock"`))
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("c.toml:4: listener.socket_path: relative to the working directory, thus %s/p.sock; write an absolute path", dir)
	if len(warnings) != 1 || warnings[0].String() != want || c.Listener.SocketPath != dir+"/p.sock" {
		t.Errorf("%v %s", warnings, c.Listener.SocketPath)
	}
}

func TestTCTI(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"device": "device:/dev/tpm0", "device:/dev/tpmrm0": "device:/dev/tpmrm0",
		"mssim": "mssim:host=localhost,port=2321", "swtpm:port=1": "swtpm:host=localhost,port=1",
		"swtpm:path=/run/tpm.sock": "swtpm:path=/run/tpm.sock",
		"tabrmd":                   "tabrmd:bus_name=com.intel.tss2.Tabrmd,bus_type=system", "tabrmd:bus_type=session": "tabrmd:bus_name=com.intel.tss2.Tabrmd,bus_type=session",
	} {
		got, err := parseTCTI(in)
		if err != nil || got.String() != want {
			t.Errorf("%s: got %s, %v; want %s", in, got, err, want)
		}
		if again, err := parseTCTI(got.String()); err != nil || again != got {
			t.Errorf("%s does not come back: %v %v", got, again, err)
		}
	}
}

func TestUserLayout(t *testing.T) {
	t.Parallel()
	env := func(m map[string]string) func(string) string { return func(k string) string { return m[k] } }
	for _, c := range []struct {
		name string
		env  map[string]string
		want Layout
	}{
		{"home", map[string]string{"HOME": "/h"}, Layout{true, 7, "/h/.config/parsec/config.toml", "/h/.local/state/parsec", "/h/.local/state/parsec"}},
		{
			"all",
			map[string]string{"XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/r"},
			Layout{true, 7, "/c/parsec/config.toml", "/s/parsec", "/r/parsec"},
		},
		{
			"relative",
			map[string]string{"HOME": "/h", "XDG_STATE_HOME": "s", "XDG_RUNTIME_DIR": "r"},
			Layout{true, 7, "/h/.config/parsec/config.toml", "/h/.local/state/parsec", "/h/.local/state/parsec"},
		},
	} {
		got, err := UserLayout(env(c.env), 7)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
	if _, err := UserLayout(env(nil), 7); err == nil || !strings.Contains(err.Error(), "neither XDG_CONFIG_HOME nor HOME is an absolute path") {
		t.Errorf("no home: %v", err)
	}
	l, err := UserLayout(env(map[string]string{"HOME": "/h", "XDG_RUNTIME_DIR": "/r"}), 7)
	if err != nil {
		t.Fatal(err)
	}
	c := Default(l)
	if c.Listener.SocketPath != "/r/parsec/parsec.sock" || c.KeyManagers[0].Path != "/h/.local/state/parsec/kim-mappings/sqlite/sqlite-key-info-manager.sqlite3" {
		t.Errorf("%+v %+v", c.Listener, c.KeyManagers)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		name, content string
		mode          os.FileMode
		want          string // of the only warning, after the path
	}{
		{"plain", whole, 0o644, ""},
		{"writable", whole, 0o664, "others than its owner can write to the file (mode 0664); run: chmod go-w "},
		{"pin", specification, 0o644, "everybody can read the file (mode 0644), which holds a PIN or an authorisation; run: chmod o-r "},
		{"hidden", specification, 0o640, ""},
	} {
		path := write(c.name, c.content, c.mode)
		cfg, warnings, err := Load(path, SystemLayout())
		if err != nil || cfg.Path != path {
			t.Fatal(c.name, err)
		}
		if c.want == "" && len(warnings) > 0 || c.want != "" && (len(warnings) != 1 || warnings[0].String() != path+": "+c.want+path) {
			t.Errorf("%s: %v", c.name, warnings)
		}
	}
	if _, _, err := Load(filepath.Join(dir, "none"), SystemLayout()); err == nil ||
		err.Error() != "cannot read the configuration: open "+dir+"/none: no such file or directory" {
		t.Error(err)
	}
	if _, _, err := Load(dir, SystemLayout()); err == nil || err.Error() != "cannot read the configuration: read "+dir+": is a directory" {
		t.Error(err)
	}
	big := write("big", strings.Repeat("#", maxFile+1), 0o600)
	if _, _, err := Load(big, SystemLayout()); err == nil || err.Error() != "cannot read the configuration: "+big+" is larger than 1048576 bytes" {
		t.Error(err)
	}
}

// TestSecretsDoNotShow prints configurations in every way there is.
func TestSecretsDoNotShow(t *testing.T) {
	t.Parallel()
	const pin = "hunter2"
	c, _, err := parse(t, strings.Replace(specification, "str:1234", "str:"+pin, 1))
	if err != nil {
		t.Fatal(err)
	}
	secret := c.Providers[1].PKCS11.UserPIN
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb, c.Providers[1].PKCS11)
		fmt.Fprintf(&out, verb, secret)
		fmt.Fprintf(&out, verb, *c.Providers[1].PKCS11)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "secret", secret, "provider", c.Providers[1].PKCS11, "config", c)
	}
	if b, err := json.Marshal(c); err == nil {
		out.Write(b)
	}
	for _, bad := range []string{pin, "68756e74657232", "104 117 110"} {
		if strings.Contains(out.String(), bad) {
			t.Errorf("%q shows in %s", bad, out.String())
		}
	}
}
