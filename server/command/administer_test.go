package command_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/command"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	"github.com/seed-73b3884f/parsec-agent/server/processtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// place is where a server has what it keeps.
type place struct {
	t    *testing.T
	args []string
}

// command runs a command there, and returns what it printed as a result. Input is what somebody types.
func (p *place) command(status int, input string, args ...string) string {
	p.t.Helper()
	out, said := &bytes.Buffer{}, &bytes.Buffer{}
	program := &command.Program{In: strings.NewReader(input), Out: out, Err: said, Version: "test", Getenv: func(string) string { return "" }}
	if got := program.Run(p.t.Context(), append(args, p.args...)); got != status {
		p.t.Fatalf("%q: exit status %d, want %d: %s%s", args, got, status, out, said)
	}
	if status != 0 {
		return out.String() + said.String()
	}
	return out.String()
}

// read runs a command with --json, and reads its result.
func read[V any](p *place, args ...string) (v V) {
	p.t.Helper()
	text := p.command(0, "", append(args, "--json")...)
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		p.t.Fatalf("%q: %v: %s", args, err, text)
	}
	return v
}

// TestAdminister: an administrator's day, with the server running and not, on both databases.
func TestAdminister(t *testing.T) {
	for name, database := range map[string]func(t *testing.T) []string{
		"SQLite":     func(*testing.T) []string { return nil },
		"PostgreSQL": func(t *testing.T) []string { return []string{"--db=" + pgtest.Database(t), "--blockstore=POSTGRESQL"} },
	} {
		t.Run(name, func(t *testing.T) {
			p := &place{t, append(database(t), "--data-dir="+t.TempDir())}
			if text := p.command(5, "", "org", "list"); !strings.Contains(text, "there is no server here") {
				t.Error(text)
			}
			running := start(t, append([]string{"run", "--port=0"}, p.args...)...)
			o, bob := p.people(running)
			stream := bob.Listen("")
			p.day(o, bob)
			stream.Ended()
			WantHTTP(t, bob.Do(RealmsOf()), cloud.StatusUserFrozen)
			p.command(0, "", "user", "unfreeze", o.ID.String(), bob.User.String())
			OK(t, bob.Do(RealmsOf()))
			running.Kill()

			// Without a server.
			p.day(o, bob)
			p.command(0, "", "org", "update", o.ID.String(), "--expired", "yes")
			running = start(t, append([]string{"run", "--port=0"}, p.args...)...)
			bob.Org.URL = running.URL()
			WantHTTP(t, bob.Do(RealmsOf()), cloud.StatusOrganizationExpired)
			p.erase(o)
			WantHTTP(t, bob.Do(RealmsOf()), cloud.StatusOrganizationNotFound)
		})
	}
}

// people makes an organisation whose link a command printed.
func (p *place) people(running *processtest.Process) (*Organization, *Device) {
	p.t.Helper()
	s := Remote(p.t, running.URL())
	o := s.Unborn()
	made := read[map[string]string](p, "org", "create", o.ID.String(), "--users", "7", "--server-addr", "parsec3://parsec.example.com")
	if !strings.HasPrefix(made["bootstrap_url"], "parsec3://parsec.example.com/"+o.ID.String()+"?a=bootstrap_organization") ||
		!strings.HasPrefix(made["bootstrap_url_as_http_redirection"], "https://parsec.example.com/redirect/") {
		p.t.Fatalf("%v", made)
	}
	address, ok := Must(trust.ParseAction(made["bootstrap_url"])).(*trust.BootstrapAddress)
	if !ok {
		p.t.Fatalf("%v", made)
	}
	req := o.BootstrapReq()
	req.BootstrapToken = address.Token
	OK(p.t, o.Anonymous(req))
	if text := p.command(4, "", "org", "create", o.ID.String()); !strings.Contains(text, "already exists") {
		p.t.Error(text)
	}
	return o, o.Enrol("bob", trust.Standard)
}

// day looks at everything, changes something, and freezes the user.
func (p *place) day(o *Organization, bob *Device) {
	t, org := p.t, o.ID.String()
	t.Helper()
	all := read[struct {
		Organizations []map[string]any `json:"organizations"`
	}](p, "org", "list").Organizations
	if len(all) != 1 || all[0]["organization_id"] != org || all[0]["is_bootstrapped"] != true || all[0]["active_users_limit"] != 7.0 {
		t.Errorf("%v", all)
	}
	stats := read[struct{ Stats []map[string]any }](p, "org", "stats", org).Stats
	if len(stats) != 1 || stats[0]["users"] != 2.0 {
		t.Errorf("%v", stats)
	}
	p.command(0, "", "org", "update", org, "--outsiders", "no", "--archiving-period", "60", "--terms", "en=https://x", "--users", "7")
	p.command(0, "", "org", "update", org, "--no-terms")
	for _, frozen := range []string{"unfreeze", "freeze"} {
		p.command(0, "", "user", frozen, org, "bob@example.com")
	}
	users := read[struct{ Users []map[string]any }](p, "user", "list", org).Users
	if len(users) != 2 || users[1]["user_id"] != bob.User.String() || users[1]["frozen"] != true {
		t.Errorf("%v", users)
	}
	token := read[map[string]string](p, "token", "create", "t", "--scope", "read", "--organization", org, "--expires", "1h")["token"]
	if !strings.HasPrefix(token, "parsec_admin_") || !strings.Contains(p.command(0, "", "token", "list"), "t     read    "+org) {
		t.Errorf("%q", token)
	}
	p.command(0, "", "token", "revoke", "t")
	records := read[struct{ Records []map[string]string }](p, "audit", "--limit", "2").Records
	if len(records) != 2 || records[0]["action"] != "revoke token" || !strings.HasPrefix(records[0]["who"], "a command of uid ") {
		t.Errorf("%v", records)
	}
	for text, args := range map[string][]string{
		"Organization not found": {"org", "update", "Nobody", "--expired", "no"},
		"User not found":         {"user", "freeze", org, "nobody@example.com"},
		"Token not found":        {"token", "revoke", "none"},
		"Realm not found":        {"realm", "delete", org, strings.Repeat("0", 32), "--yes"},
	} {
		if said := p.command(5, "", args...); !strings.Contains(said, text) {
			t.Errorf("%q: %s", args, said)
		}
	}
}

// erase says the name wrongly, and then right.
func (p *place) erase(o *Organization) {
	p.t.Helper()
	id := o.ID.String()
	for _, typed := range []string{"", "yes\n", id + "x\n"} {
		if said := p.command(4, typed, "org", "erase", id); !strings.Contains(said, "was not confirmed") {
			p.t.Error(said)
		}
	}
	if said := p.command(0, id+"\n", "org", "erase", id); !strings.Contains(said, "is erased") {
		p.t.Error(said)
	}
	if said := p.command(4, "", "org", "create", id); !strings.Contains(said, "was erased") {
		p.t.Error(said)
	}
}

// TestRealmCommands: realms are exported beside a running server, and deleted once nobody can open them.
func TestRealmCommands(t *testing.T) {
	for name, database := range map[string]func(t *testing.T) []string{
		"SQLite":     func(*testing.T) []string { return nil },
		"PostgreSQL": func(t *testing.T) []string { return []string{"--db=" + pgtest.Database(t), "--blockstore=POSTGRESQL"} },
	} {
		t.Run(name, func(t *testing.T) {
			p := &place{t, append(database(t), "--data-dir="+t.TempDir())}
			running := start(t, append([]string{"run", "--port=0", "--spontaneous-organization-bootstrap"}, p.args...)...)
			o := Remote(t, running.URL()).Bootstrapped()
			bob := o.Enrol("bob", trust.Standard)
			realm := bob.CreateRealm()
			OK(t, bob.Do(bob.VlobReq(realm, 0, "12345")))
			OK(t, bob.Do(&cloud.BlockCreateReq{BlockID: trust.NewBlockID(), RealmID: realm, Block: []byte("1234567")}))
			list := func() map[string]any {
				t.Helper()
				return read[struct{ Realms []map[string]any }](p, "realm", "list", o.ID.String()).Realms[0]
			}
			if r := list(); r["realm_id"] != realm.String() || r["metadata_size"] != 5.0 || r["data_size"] != 7.0 || r["deletable"] != "" {
				t.Errorf("%v", r)
			}
			dir := t.TempDir()
			if said := p.command(1, "", "realm", "export", o.ID.String(), realm.String(), dir); !strings.Contains(said, "made after that moment") {
				t.Error(said)
			}
			if said := p.command(5, "", "realm", "export", "Nobody", realm.String(), filepath.Join(dir, "other")); !strings.Contains(said, "no such organisation") {
				t.Error(said)
			}
			if said := p.command(4, "", "realm", "delete", o.ID.String(), realm.String(), "--yes"); !strings.Contains(said, "in use") {
				t.Error(said)
			}
			o.First.Revoke(bob)
			if r := list(); r["deletable"] != "orphaned" {
				t.Errorf("%v", r)
			}
			p.command(4, "no\n", "realm", "delete", o.ID.String(), realm.String())
			p.command(0, realm.String()+"\n", "realm", "delete", o.ID.String(), realm.String())
			if r := list(); r["state"] != "DELETED" || r["metadata_size"] != 0.0 {
				t.Errorf("%v", r)
			}
		})
	}
}

func TestAdministerUsage(t *testing.T) {
	p := &place{t, []string{"--data-dir=" + t.TempDir()}}
	for text, args := range map[string][]string{
		"the form is parsec-server":           {"org", "create"},
		"is no name of an organisation":       {"org", "create", "a b"},
		"a number, or none":                   {"org", "create", "a", "--users", "many"},
		"yes or no is expected":               {"org", "update", "a", "--expired", "maybe"},
		"locale=url":                          {"org", "update", "a", "--terms", "en"},
		"exclude each other":                  {"org", "update", "a", "--terms", "en=x", "--no-terms"},
		"nothing is given to change":          {"org", "update", "a"},
		"a moment such as":                    {"org", "stats", "--at", "now"},
		"--at is for all":                     {"org", "stats", "a", "--at", "2026-01-01T00:00:00Z"},
		"neither the id":                      {"user", "freeze", "a", "b"},
		"is no id of a realm":                 {"realm", "delete", "a", "b"},
		"a token needs a scope":               {"token", "create", "a"},
		"--expires":                           {"token", "create", "a", "--scope", "read", "--expires", "soon"},
		"1 to 1000":                           {"audit", "--limit", "0"},
		"that database goes with its process": {"org", "list", "--db=MOCKED"},
	} {
		if said := p.command(2, "", args...); !strings.Contains(said, text) {
			t.Errorf("%q: %s, want %q", args, said, text)
		}
	}
	all := p.args
	p.args = nil
	for text, args := range map[string][]string{"org needs a command": {"org"}, `does not know "x"`: {"org", "x"}} {
		if said := p.command(2, "", args...); !strings.Contains(said, text) {
			t.Errorf("%q: %s, want %q", args, said, text)
		}
	}
	p.args = all
	failure := struct{ Error map[string]any }{}
	if err := json.Unmarshal([]byte(p.command(5, "", "org", "list", "--json")), &failure); err != nil || failure.Error["exit"] != 5.0 || failure.Error["remedy"] == nil {
		t.Errorf("%v, %v", failure, err)
	}
}

// TestDoctor: a server that serves is well; what is missing, foreign or about to end is found, with what to do.
func TestDoctor(t *testing.T) {
	type found struct {
		Findings []map[string]string `json:"findings"`
	}
	for name, database := range map[string]func(t *testing.T) []string{
		"SQLite":     func(*testing.T) []string { return nil },
		"PostgreSQL": func(t *testing.T) []string { return []string{"--db=" + pgtest.Database(t), "--blockstore=POSTGRESQL"} },
	} {
		t.Run(name, func(t *testing.T) {
			p := &place{t, append(database(t), "--data-dir="+filepath.Join(t.TempDir(), "state"))}
			p.command(1, "", "doctor")
			running := start(t, append([]string{"run", "--port=0"}, p.args...)...)
			port := running.URL()[strings.LastIndex(running.URL(), ":")+1:]
			areas := map[string]bool{}
			for _, f := range read[found](p, "doctor", "--port="+port).Findings {
				if f["severity"] == "error" || f["severity"] == "warning" || f["severity"] != "ok" && f["problem"] == "" {
					t.Errorf("%v", f)
				}
				areas[f["area"]] = true
			}
			for _, area := range []string{"clock", "configuration", "files", "disk", "database", "block store", "TLS", "mail", "server"} {
				if !areas[area] {
					t.Errorf("nothing is said of %s", area)
				}
			}
			running.Kill()
			if said := p.command(0, "", "doctor", "--port="+port); !strings.Contains(said, "it does not answer") {
				t.Error(said)
			}
		})
	}
}

// TestDoctorFinds: each fault is found.
func TestDoctorFinds(t *testing.T) {
	p := &place{t, []string{"--data-dir=" + t.TempDir()}}
	start(t, append([]string{"run", "--port=0"}, p.args...)...).Kill()
	for text, args := range map[string][]string{
		"expired 30 days ago":                   certificate(t, -30),
		"the database was written with another": {"--key-file=" + otherKey(t)},
		"rate-limit-address":                    {"--rate-limit-address=x"},
		"it cannot be opened":                   {"--blockstore=directory:" + t.TempDir() + "/none/none"},
		"it cannot be used":                     {"--db=postgresql://127.0.0.1:1/none"},
	} {
		said := p.command(1, "", append([]string{"doctor"}, args...)...)
		if !strings.Contains(said, text) {
			t.Errorf("%q: %s, want %q", args, said, text)
		}
	}
	args := append([]string{"doctor", "--server-addr=parsec3://other.example.com"}, certificate(t, 5)...)
	if said := p.command(0, "", args...); !strings.Contains(said, "it expires in") ||
		!strings.Contains(said, "clients that use parsec3://other.example.com will not accept it") {
		t.Error(said)
	}
}

// certificate makes one of TLS that ends in so many days, and returns the options that name it.
func certificate(t *testing.T, days int) []string {
	t.Helper()
	dir, key := t.TempDir(), Must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().AddDate(0, 0, -60), NotAfter: time.Now().AddDate(0, 0, days), DNSNames: []string{"parsec.example.com"},
	}
	der := Must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	names := []string{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	for i, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: der}, {Type: "PRIVATE KEY", Bytes: Must(x509.MarshalPKCS8PrivateKey(key))}} {
		if err := os.WriteFile(names[i], pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"--ssl-certfile=" + names[0], "--ssl-keyfile=" + names[1]}
}

// otherKey makes the key of another server.
func otherKey(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server.key")
	if err := os.WriteFile(path, []byte("parsec-server key 1\n"+strings.Repeat("0f", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
