package session

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/internal/disktest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

var update = flag.Bool("update", false, "write the golden files anew")

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func openPins(t *testing.T, dir string) *Pins {
	t.Helper()
	p, err := OpenPins(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

var (
	serverA = must(trust.ParseServerURL("https://parsec.example.com"))
	serverB = must(trust.ParseServerURL("http://parsec.example.com:6777"))
	acme    = must(trust.NewOrganizationID("Acme"))
	rootA   = trust.VerifyKey{1}
	rootB   = trust.VerifyKey{2}
)

// TestPins: the first root key counts until somebody leaves the organisation, also after a restart; servers and names are apart.
func TestPins(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pins")
	p := openPins(t, dir)
	for range 2 {
		if err := errors.Join(p.Check(serverA, acme, rootA), p.Check(serverB, acme, rootB)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OpenPins(dir); err == nil {
		t.Error("opened twice")
	}
	if err := p.accepted(serverA, acme, trust.DeviceID{9}, "nothing"); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p = openPins(t, dir)
	other := &PinError{}
	if err := p.Check(serverA, acme, rootB); !errors.As(err, &other) || !errors.Is(err, ErrOtherRoot) || other.Pinned != FingerprintOf(rootA) || other.Got != FingerprintOf(rootB) ||
		!strings.Contains(err.Error(), FingerprintOf(rootA).String()) {
		t.Errorf("%v", err)
	}
	if pin, ok := p.Get(serverA, acme); !ok || len(pin.Rollbacks) != 1 || pin.Rollbacks[0].Missing != "nothing" || pin.Root != FingerprintOf(rootA) {
		t.Errorf("%+v, %v", pin, ok)
	}
	if left, err := p.Leave(serverA, acme); !left || err != nil {
		t.Errorf("%v, %v", left, err)
	}
	if left, err := p.Leave(serverA, acme); left || err != nil {
		t.Errorf("left twice: %v, %v", left, err)
	}
	if err := p.Check(serverA, acme, rootB); err != nil {
		t.Error(err)
	}
	if all := p.List(); len(all) != 2 {
		t.Errorf("%+v", all)
	}
	if err := p.accepted(serverB, must(trust.NewOrganizationID("Other")), trust.DeviceID{}, ""); err == nil {
		t.Error("accepted for an organisation without a pin")
	}
}

// TestPinsAreBounded: the last acceptances are kept.
func TestPinsAreBounded(t *testing.T) {
	p := openPins(t, t.TempDir())
	if err := p.Check(serverA, acme, rootA); err != nil {
		t.Fatal(err)
	}
	for range maxRollbacks + 3 {
		if err := p.accepted(serverA, acme, trust.DeviceID{}, strings.Repeat("é", maxPinMissing)); err != nil {
			t.Fatal(err)
		}
	}
	if pin, _ := p.Get(serverA, acme); len(pin.Rollbacks) != maxRollbacks || len(pin.Rollbacks[0].Missing) > maxPinMissing {
		t.Errorf("%d", len(pin.Rollbacks))
	}
	if _, err := readPins(p.dir); err != nil {
		t.Error(err)
	}
}

// TestPinsOnFullDisk: what is not stored does not count, and what was there stays.
func TestPinsOnFullDisk(t *testing.T) {
	dir := disktest.Tiny(t)
	p, err := OpenPins(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check(serverA, acme, rootA); err != nil {
		t.Fatal(err)
	}
	disktest.Fill(t, dir)
	if err := p.Check(serverB, acme, rootB); err == nil {
		t.Error("pinned on a full disk")
	}
	if _, ok := p.Get(serverB, acme); ok {
		t.Error("a pin that is not stored counts")
	}
	if err := p.Check(serverA, acme, rootB); !errors.Is(err, ErrOtherRoot) {
		t.Error(err)
	}
	disktest.Free(t, dir)
	if err := errors.Join(p.Check(serverB, acme, rootB), p.Close()); err != nil {
		t.Error(err)
	}
}

func goldenPins() []Pin {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	return []Pin{
		{Server: serverB.String(), Organization: "Acme", Root: FingerprintOf(rootB), Since: at, Rollbacks: []Rollback{
			{Accepted: at.Add(time.Hour), Device: trust.DeviceID{9}.String(), Missing: "the server gave certificates <of \"topic\" common>"},
		}},
		{Server: serverA.String(), Organization: "Acme", Root: FingerprintOf(rootA), Since: at},
	}
}

func TestGoldenPins(t *testing.T) {
	const path = "testdata/pins-v1.json"
	all := goldenPins()
	if comparePins(all[0], all[1]) > 0 {
		all[0], all[1] = all[1], all[0]
	}
	want := must(encodePins(all))
	if *update {
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := must(os.ReadFile(path))
	if !bytes.Equal(b, want) {
		t.Errorf("%s", want)
	}
	if got, err := decodePins(b); err != nil || len(got) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestPinsRefusals(t *testing.T) {
	good := string(must(encodePins(goldenPins()[1:])))
	for name, content := range map[string]string{
		"empty":             "",
		"later version":     strings.Replace(good, `"version": 1`, `"version": 2`, 1),
		"unknown field":     strings.Replace(good, `"root"`, `"more": 1, "root"`, 1),
		"doubled field":     strings.Replace(good, `"version": 1`, `"version": 1, "version": 1`, 1),
		"other letters":     strings.Replace(good, `"server"`, `"Server"`, 1),
		"short fingerprint": strings.Replace(good, FingerprintOf(rootA).String(), "00", 1),
		"bytes behind":      good + " ",
		"doubled pin":       string(must(encodePins([]Pin{goldenPins()[1], goldenPins()[1]}))),
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, pinsName), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenPins(dir); err == nil {
			t.Errorf("%s: opened", name)
		}
		if b := must(os.ReadFile(filepath.Join(dir, pinsName))); string(b) != content {
			t.Errorf("%s: changed", name)
		}
	}
}

func FuzzPins(f *testing.F) {
	f.Add(must(encodePins(goldenPins()[1:])))
	f.Add(must(encodePins(nil)))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := decodePins(data)
		if err != nil {
			return
		}
		if again := must(encodePins(all)); !bytes.Equal(again, data) {
			t.Errorf("%q was read and written as %q", data, again)
		}
	})
}

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Second: "1 second", 59 * time.Second: "59 seconds", time.Minute: "1 minute", 100 * time.Minute: "100 minutes", 3 * time.Hour: "3 hours", 72 * time.Hour: "3 days",
	} {
		if got := durationWords(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
