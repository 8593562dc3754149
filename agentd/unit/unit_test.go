package unit_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/agentd/unit"
)

// text is a configuration with lines for its tables; without any it needs no hole.
func text(listener, manager, agent, providers string) string {
	if providers == "" {
		providers = "[[provider]]\nprovider_type = \"MbedCrypto\"\nkey_info_manager = \"k\"\n"
	}
	return "[core_settings]\n[listener]\nlistener_type = \"DomainSocket\"\ntimeout = 1\n" + listener +
		"\n[authenticator]\nauth_type = \"UnixPeerCredentials\"\n[[key_manager]]\nname = \"k\"\nmanager_type = \"SQLite\"\n" + manager +
		"\n" + providers + "\n[agent]\n" + agent
}

func tpm(tcti string) string {
	return "[[provider]]\nprovider_type = \"Tpm\"\nkey_info_manager = \"k\"\nowner_hierarchy_auth = \"\"\ntcti = \"" + tcti + "\"\n"
}

func token(library string) string {
	return "[[provider]]\nprovider_type = \"Pkcs11\"\nkey_info_manager = \"k\"\nlibrary_path = \"" + library + "\"\n"
}

func dropIns(t *testing.T, toml string, s unit.System) map[unit.DropIn]string {
	t.Helper()
	cfg, _, err := config.Parse("c.toml", []byte(toml), config.SystemLayout())
	if err != nil {
		t.Fatal(err)
	}
	return unit.DropIns(cfg, s)
}

// settings are the lines of a drop-in that set something.
func settings(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

var all = unit.System{HasGroup: func(string) bool { return true }}

func TestDropIns(t *testing.T) {
	t.Parallel()
	inet := []string{"PrivateNetwork=no", "RestrictAddressFamilies=AF_INET AF_INET6"}
	for name, c := range map[string]struct {
		toml   string
		system unit.System
		want   []string
	}{
		"defaults":              {toml: text("", "", "", "")},
		"state below its place": {toml: text("", `sqlite_db_path = "/var/lib/parsec/x/y"`, `metrics = "unix:/run/parsec/m"`, "")},
		"database elsewhere":    {toml: text("", `sqlite_db_path = "/srv/keys/y"`, "", ""), want: []string{"ReadWritePaths=-/srv/keys"}},
		"database at home": {
			toml: text("", `sqlite_db_path = "/home/a/keys/y"`, "", ""),
			want: []string{"ProtectHome=tmpfs", "BindPaths=-/home/a/keys"},
		},
		"devices elsewhere": {
			toml: text("", "", "[agent.devices]\ndirectory = \"/srv/devices\"", ""), want: []string{"ReadWritePaths=-/srv/devices"},
		},
		"audit and metrics": {
			toml: text("", "", "audit = \"/var/log/parsec/audit\"\nmetrics = \"tcp:0.0.0.0:9\"", ""),
			want: append([]string{"ReadWritePaths=-/var/log/parsec"}, append(inet, "IPAddressAllow=any")...),
		},
		"metrics on the loopback": {toml: text("", "", `metrics = "tcp:[::1]:9"`, ""), want: append(inet, "IPAddressAllow=::1")},
		"device": {
			toml: text("", "", "", tpm("device:/dev/tpmrm0")), system: all,
			want: []string{"BindPaths=-/dev/tpmrm0", "DeviceAllow=/dev/tpmrm0 rw", "SupplementaryGroups=tss"},
		},
		"device without its group": {
			toml: text("", "", "", tpm("device:/dev/tpmrm0")),
			want: []string{"BindPaths=-/dev/tpmrm0", "DeviceAllow=/dev/tpmrm0 rw"},
		},
		"TPM by a Unix socket":       {toml: text("", "", "", tpm("swtpm:path=/run/tpm/s"))},
		"TPM by a socket in /tmp":    {toml: text("", "", "", tpm("swtpm:path=/tmp/t/s")), want: []string{"BindPaths=-/tmp/t"}},
		"TPM by TCP":                 {toml: text("", "", "", tpm("mssim")), want: append(inet, "IPAddressAllow=localhost")},
		"TPM of a named host":        {toml: text("", "", "", tpm("swtpm:host=tpm.example,port=1")), want: append(inet, "IPAddressAllow=any")},
		"TPM by the resource daemon": {toml: text("", "", "", tpm("tabrmd"))},
		"SoftHSM": {
			toml: text("", "", "", token("/usr/lib/softhsm/libsofthsm2.so")), system: all,
			want: []string{"ReadWritePaths=-/var/lib/softhsm/tokens", "SupplementaryGroups=softhsm"},
		},
		"tokens in a TPM": {
			toml: text("", "", "", token("libtpm2_pkcs11.so.1")), system: all,
			want: []string{"ReadWritePaths=-/etc/tpm2_pkcs11", "BindPaths=-/dev/tpmrm0", "DeviceAllow=/dev/tpmrm0 rw", "SupplementaryGroups=tss"},
		},
		"smart cards": {toml: text("", "", "", token("opensc-pkcs11.so")), system: all},
		"working directory": {
			toml: text("", "", "", ""), system: unit.System{WorkingDirectory: "/srv/original"},
			want: []string{"ReadWritePaths=-/srv/original"},
		},
		"path that needs quoting": {toml: text("", `sqlite_db_path = "/srv/%n keys/y"`, "", "")},
		"path that breaks lines":  {toml: text("", `sqlite_db_path = "/srv/\nUser=root\n/y"`, "", "")},
		"name that breaks lines": {
			toml: text("", "", "", strings.Replace(tpm("mssim"), "tcti", "name = \"\\nUser=root\\\\\"\ntcti", 1)),
			want: append(inet, "IPAddressAllow=localhost"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.system.HasGroup == nil {
				c.system.HasGroup = func(string) bool { return false }
			}
			got := dropIns(t, c.toml, c.system)
			lines := settings(got[unit.ServiceDropIn])
			if len(lines) > 0 && lines[0] == "[Service]" {
				lines = lines[1:]
			}
			if !slices.Equal(lines, c.want) {
				t.Errorf("\n got %q\nwant %q\n%s", lines, c.want, got[unit.ServiceDropIn])
			}
			if _, ok := got[unit.SocketDropIn]; ok {
				t.Error("the socket moves")
			}
		})
	}
}

func TestSocketStaysWhereTheConfigurationSays(t *testing.T) {
	t.Parallel()
	got := dropIns(t, text(`socket_path = "/run/other/p.sock"`, "", "", ""), all)
	if lines := settings(got[unit.SocketDropIn]); !slices.Equal(lines, []string{"[Socket]", "ListenStream=", "ListenStream=/run/other/p.sock"}) {
		t.Errorf("%q", lines)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	cfg, _, err := config.Parse("c.toml", []byte(text("", `sqlite_db_path = "/srv/keys/y"`, `metrics = "tcp:127.0.0.1:9"`, "")), config.SystemLayout())
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := unit.Root(root).Missing(cfg); len(got) != 4 || got[0] != "ReadWritePaths=-/srv/keys" {
		t.Errorf("%q", got)
	}
	write("run/systemd/generator/parsec.service.d/50-configuration.conf", unit.DropIns(cfg, unit.System{})[unit.ServiceDropIn])
	if got := unit.Root(root).Missing(cfg); len(got) > 0 {
		t.Errorf("%q", got)
	}
	write("etc/systemd/system/parsec.service.d/a.conf", "[Service]\nWorkingDirectory=-/srv/run\n")
	if got := unit.Root(root).Missing(cfg); !slices.Equal(got, []string{"ReadWritePaths=-/srv/run"}) {
		t.Errorf("%q", got)
	}
	write("etc/systemd/system/parsec.service.d/b.conf", "WorkingDirectory=~")
	if got := unit.Root(root).Missing(cfg); len(got) > 0 {
		t.Errorf("%q", got)
	}
}
