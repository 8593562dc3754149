package device_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/device/devicetest"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// protected is a row of the table in docs/formats/device-file.md, "What opens a file".
type protected struct {
	name       string
	protection device.Protection
	with       device.Secret
	// wrong is what a person may give by mistake; nil where nothing is given.
	wrong *device.Secret
	// instance is the provider whose absence matters, "card" for the token of a certificate.
	instance string
	device   *trust.LocalDevice
}

// portable reports whether the file opens on another machine.
func (p *protected) portable() bool { return p.instance == "" }

// protections are the rows but for the recovery file, which is no protection that one chooses.
func protections(certificate []byte) []*protected {
	x := secret("x")
	code := &device.CodeLayer{ID: trust.TOTPOpaqueKeyID(bytes.Repeat([]byte{8}, 16))}
	wrongCode := device.Secret{Password: []byte("p"), Code: "654321"}
	return []*protected{
		{name: "password", protection: password("p"), with: secret("p"), wrong: &x},
		{name: "certificate", protection: device.Protection{Certificate: certificate}, instance: "card"},
		{name: "TPM", protection: device.Protection{Provider: "tpm"}, instance: "tpm"},
		{name: "token", protection: device.Protection{Provider: "token"}, instance: "token"},
		{name: "password and TPM", protection: device.Protection{Password: []byte("p"), Provider: "tpm"}, with: secret("p"), wrong: &x, instance: "tpm"},
		{name: "password and token", protection: device.Protection{Password: []byte("p"), Provider: "token"}, with: secret("p"), wrong: &x, instance: "token"},
		{
			name: "password and code", protection: device.Protection{Password: []byte("p"), Code: code},
			with: device.Secret{Password: []byte("p"), Code: "123456"}, wrong: &wrongCode,
		},
		{
			name: "TPM and code", protection: device.Protection{Provider: "tpm", Code: code},
			with: device.Secret{Code: "123456"}, wrong: &device.Secret{Code: "654321"}, instance: "tpm",
		},
		{
			name: "certificate and code", protection: device.Protection{Certificate: certificate, Code: code},
			with: device.Secret{Code: "123456"}, wrong: &device.Secret{Code: "654321"}, instance: "card",
		},
	}
}

// table is a machine with a device under each protection.
type table struct {
	*machine
	rows  []*protected
	cards cards
	now   time.Time
}

func newTable(t *testing.T) *table {
	t.Helper()
	m := &table{machine: newMachine(t), now: time.Now()}
	key, certificate := certified(t, m.token)
	m.cards = cards{trust.X509HashOf(certificate): func(ciphertext []byte) ([]byte, error) {
		return device.CertificateKey(t.Context(), m.token.(providers.AsymmetricDecrypter), key, ciphertext) //nolint:errcheck,forcetypeassert // tokens do
	}}
	m.store = m.with(t, device.Options{Server: server{t}, Certificates: m.cards})
	m.store.SetClock(func() time.Time { return m.now })
	m.rows = protections(certificate)
	for _, row := range m.rows {
		if row.protection.Code != nil {
			row.protection.Code.Key = fixed(t, 7)
		}
		row.device = m.add(t, "Acme", row.protection)
	}
	m.recovery(t)
	return m
}

// recovery adds the row of a recovery file.
func (m *table) recovery(t *testing.T) {
	t.Helper()
	d := devicetest.New(t, "Acme", "recovery")
	file, passphrase, err := device.SealRecovery(d, m.now)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.path(d), file, 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := trust.GenerateSecretKey().Passphrase()
	if err != nil {
		t.Fatal(err)
	}
	m.rows = append(m.rows, &protected{name: "recovery file", with: device.Secret{Password: passphrase}, wrong: &device.Secret{Password: other}, device: d})
}

func (w *world) path(d *trust.LocalDevice) string {
	return filepath.Join(w.dir, "devices", d.DeviceID.String()+".keys")
}

// contents are all files of a person's devices.
func contents(t *testing.T, w *world) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range list(t, filepath.Join(w.dir, "devices")) {
		b, err := os.ReadFile(filepath.Join(w.dir, "devices", name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(b)
	}
	return all
}

// mishap tries to open each device and says what is to come of it. No file changes by that, and only what is a wrong secret counts as one.
func (m *table) mishap(t *testing.T, w *world, s *device.Store, with func(*protected) *device.Secret, want func(row *protected, err error)) {
	t.Helper()
	for _, row := range m.rows {
		given := with(row)
		if given == nil {
			continue
		}
		m.now = m.now.Add(time.Hour) // so that none waits for another
		before, wrong := contents(t, w), s.WrongSecrets()
		err := opens(t, s, row.device, *given)
		want(row, err)
		if detail, ok := errors.AsType[*wire.Error](err); err != nil && (!ok || detail.Reason == "") {
			t.Errorf("%s: %v has no reason", row.name, err)
		}
		if !maps.Equal(contents(t, w), before) {
			t.Errorf("%s: a file changed", row.name)
		}
		counts := map[bool]int{true: wrong + 1, false: wrong}[errors.Is(err, device.ErrSecret)]
		if err == nil {
			counts = 0
		}
		if got := s.WrongSecrets(); got != counts {
			t.Errorf("%s: %d wrong secrets are counted, want %d, after %v", row.name, got, counts, err)
		}
	}
}

func right(row *protected) *device.Secret { return &row.with }

// TestProtectionTable holds each protection against each mishap, with a real software TPM and SoftHSM2: the table of docs/formats/device-file.md.
func TestProtectionTable(t *testing.T) {
	m := newTable(t)
	fine := func(t *testing.T) {
		t.Helper()
		m.mishap(t, m.world, m.store, right, func(row *protected, err error) {
			if err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
		})
	}
	fine(t)
	t.Run("wrong secret", func(t *testing.T) {
		m.mishap(t, m.world, m.store, func(row *protected) *device.Secret { return row.wrong }, func(row *protected, err error) {
			refused(t, row.name, err, device.ErrSecret, wire.StatusNotPermitted)
		})
		fine(t)
	})
	t.Run("another machine", m.anotherMachine)
	t.Run("damaged", m.damaged)
	t.Run("replaced", func(t *testing.T) {
		m.keys.Set("tpm", m.otherTPM)
		m.keys.Set("token", m.otherToken)
		m.mishap(t, m.world, m.store, right, func(row *protected, err error) {
			away := row.instance == "tpm" || row.instance == "token"
			if away != (err != nil) || errors.Is(err, device.ErrSecret) {
				t.Errorf("%s: %v", row.name, err)
			}
		})
		m.keys.Set("tpm", m.tpm)
		m.keys.Set("token", m.token)
		fine(t)
	})
	t.Run("token locked", func(t *testing.T) {
		m.keys.SetUnusable("token", m.locked)
		m.mishap(t, m.world, m.store, right, func(row *protected, err error) {
			if row.instance == "token" {
				refused(t, row.name, err, wire.StatusBadState, wire.StatusBadState)
			} else if err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
		})
		m.keys.Set("token", m.token)
		fine(t)
	})
	t.Run("absent", func(t *testing.T) { // the last one: the TPM does not come back
		m.stopTPM()
		m.stopToken()
		m.mishap(t, m.world, m.store, right, func(row *protected, err error) {
			if row.portable() != (err == nil) || errors.Is(err, device.ErrSecret) || errors.Is(err, wire.StatusNotPermitted) {
				t.Errorf("%s: %v", row.name, err)
			}
		})
		m.startToken()
		m.mishap(t, m.world, m.store, right, func(row *protected, err error) {
			if (row.instance == "tpm") != (err != nil) {
				t.Errorf("%s, with the token again: %v", row.name, err)
			}
		})
	})
}

// anotherMachine has a TPM and a token too, first without keys, then with others of the same names.
func (m *table) anotherMachine(t *testing.T) {
	there := &world{dir: filepath.Join(t.TempDir(), "1000"), keys: devicetest.NewKeys(map[string]providers.Provider{"tpm": m.otherTPM, "token": m.otherToken})}
	if err := os.CopyFS(there.dir, os.DirFS(m.dir)); err != nil {
		t.Fatal(err)
	}
	there.store = there.with(t, device.Options{Certificates: cards{}, Server: server{t}})
	check := func(row *protected, err error) {
		switch {
		case row.portable():
			if err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
		case row.instance == "card":
			refused(t, row.name, err, wire.StatusDoesNotExist, wire.StatusDoesNotExist)
		default:
			refused(t, row.name, err, wire.StatusNotPermitted, wire.StatusNotPermitted)
		}
	}
	m.mishap(t, there, there.store, right, check)
	for _, row := range m.rows {
		if row.protection.Provider == "" {
			continue
		}
		name := "device/1000/" + row.device.DeviceID.String() + "/a"
		choose := func(providers.Provider) (psa.Attributes, error) { return ecdhOf(t), nil }
		if err := there.keys.Make(t.Context(), row.instance, name, choose); err != nil {
			t.Fatal(err)
		}
	}
	m.mishap(t, there, there.store, right, check)
}

// damaged has files that were cut, and others in which one bit was changed: in the ciphertext, and with those of our form anywhere.
func (m *table) damaged(t *testing.T) {
	for name, damage := range map[string]func(row *protected, b []byte) []byte{
		"cut in half":      func(_ *protected, b []byte) []byte { return b[:len(b)/2] },
		"cut by a byte":    func(_ *protected, b []byte) []byte { return b[:len(b)-1] },
		"empty":            func(_ *protected, b []byte) []byte { return b[:0] },
		"a bit at the end": func(row *protected, b []byte) []byte { return flip(b, endOfCiphertext(t, b)) },
		"a bit in the head": func(row *protected, b []byte) []byte {
			if row.protection.Provider == "" {
				return flip(b, endOfCiphertext(t, b)) // nothing else is authenticated in the original's form
			}
			return flip(b, 200) // in what names the provider key, or the header
		},
	} {
		there := &world{dir: filepath.Join(t.TempDir(), "1000"), keys: m.keys}
		if err := os.CopyFS(there.dir, os.DirFS(m.dir)); err != nil {
			t.Fatal(err)
		}
		for _, row := range m.rows {
			b, err := os.ReadFile(there.path(row.device))
			if err == nil {
				err = os.WriteFile(there.path(row.device), damage(row, b), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		there.store = there.with(t, device.Options{Certificates: m.cards, Server: server{t}})
		there.store.SetClock(func() time.Time { return m.now })
		_, bad, err := there.store.List()
		if err != nil {
			t.Fatal(err)
		}
		unreadable := map[string]error{}
		for _, b := range bad {
			unreadable[b.Name] = b.Err
		}
		m.mishap(t, there, there.store, right, func(row *protected, err error) {
			why := unreadable[filepath.Base(there.path(row.device))]
			switch {
			case err == nil:
				t.Errorf("%s, %s: it opens", row.name, name)
			case why != nil:
				refused(t, row.name+", "+name, why, device.ErrDamaged, wire.StatusDataCorrupt)
				refused(t, row.name+", "+name, err, device.ErrNotFound, wire.StatusDoesNotExist)
			case !errors.Is(err, device.ErrSecret) && wire.StatusOf(err) != wire.StatusNotPermitted && wire.StatusOf(err) != wire.StatusDataCorrupt:
				t.Errorf("%s, %s: %v (%v)", row.name, name, err, wire.StatusOf(err))
			}
		})
	}
}

// endOfCiphertext is where the last byte of the ciphertext is.
func endOfCiphertext(t *testing.T, b []byte) int {
	t.Helper()
	f, err := trust.LoadDeviceFile(b)
	if err != nil {
		return len(b) - 1 // of our form, which ends with it
	}
	sealed, _ := f.Sealed()
	return bytes.Index(b, sealed) + len(sealed) - 1
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 4
	return b
}
