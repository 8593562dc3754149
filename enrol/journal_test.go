package enrol_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/internal/disktest"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

var update = flag.Bool("update", false, "write the golden files anew")

func repeat(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }

// goldenKey is 32 times the byte 4, as the local key of a device.
func goldenKey(t testing.TB) trust.SecretKey {
	t.Helper()
	local := servertest.Must(trust.NewSecretKey(repeat(4, trust.KeySize)))
	return servertest.Must(enrol.SealKey(&trust.LocalDevice{LocalSymkey: local}))
}

// goldens are entries of all kinds. They must be read for ever.
func goldens(t testing.TB) map[string]enrol.Sealed {
	t.Helper()
	at := trust.DateTime{}.Add(1_900_000_000 * time.Second)
	handle := servertest.Must(trust.NewHumanHandle("alice@example.com", "Alice"))
	label, profile := servertest.Must(trust.NewDeviceLabel("laptop")), trust.Standard
	user, device := trust.UserID(repeat(6, 16)), trust.DeviceID(repeat(5, 16))
	token := servertest.Must(trust.NewAccessToken(repeat(10, trust.TokenSize)))
	attempt, shared := trust.GreetingAttemptID(repeat(11, 16)), servertest.Must(trust.NewSecretKey(repeat(12, trust.KeySize)))
	public, verify := trust.PublicKey(repeat(13, trust.KeySize)), trust.VerifyKey(repeat(14, trust.KeySize))
	entry := func(w enrol.Work, s enrol.Stage) enrol.Entry {
		return enrol.Entry{
			ID: enrol.EntryID(repeat(1, 16)), Work: w, Stage: s, Server: servertest.Must(trust.ParseServerURL("https://parsec.example.com/")),
			Organization: servertest.Must(trust.NewOrganizationID("Golden")), Began: at, Changed: at.Add(time.Minute), Holder: trust.DeviceID(repeat(9, 16)),
		}
	}
	kept := entry(enrol.WorkBootstrap, enrol.StageAsked)
	kept.Human, kept.Label, kept.Protection = &handle, &label, "password"
	asked := entry(enrol.WorkClaimUser, enrol.StageAsked)
	asked.Human, asked.Label, asked.Protection, asked.Provider, asked.Invitation = &handle, &label, "password+provider", "tpm", trust.HashDigest(repeat(8, 32))
	saved := entry(enrol.WorkClaimDevice, enrol.StageSaved)
	saved.Human, saved.Label, saved.Protection, saved.Certificate, saved.User, saved.Device, saved.Profile = &handle, &label, "certificate", repeat(7, 9), &user, &device, &profile
	saved.Root = &verify
	certified := entry(enrol.WorkGreetUser, enrol.StageCertified)
	certified.Human, certified.Label, certified.User, certified.Device, certified.Profile = &handle, &label, &user, &device, &profile
	left := entry(enrol.WorkGreetDevice, enrol.StageLeft)
	left.Human, left.Label, left.User, left.Device, left.Profile = &handle, &label, &user, &device, &profile
	recovering := entry(enrol.WorkRecover, enrol.StageKept)
	recovering.Human, recovering.Label, recovering.Protection, recovering.Invitation = &handle, &label, "password", trust.HashDigest(repeat(8, 32))
	return map[string]enrol.Sealed{
		"v1-recover":      {Entry: recovering, Secrets: enrol.Secrets{Token: &token, Reply: []byte("device"), Held: []enrol.Held{{Holder: user, Sealed: []byte("shares")}}}},
		"v1-bootstrap":    {Entry: kept, Secrets: enrol.Secrets{Token: &token, Request: []byte("request"), Roots: []trust.VerifyKey{verify}}},
		"v1-claim-user":   {Entry: asked, Secrets: enrol.Secrets{Token: &token, Attempt: &attempt, Greeter: &user, Shared: &shared, Payload: []byte("payload")}},
		"v1-claim-device": {Entry: saved, Secrets: enrol.Secrets{Token: &token, Attempt: &attempt, Greeter: &user, Shared: &shared, Payload: []byte("payload"), Reply: []byte("reply")}},
		"v1-greet-user":   {Entry: certified, Secrets: enrol.Secrets{Token: &token, Attempt: &attempt, Payload: []byte("payload"), PublicKey: &public, VerifyKey: &verify}},
		"v1-greet-device": {Entry: left, Secrets: enrol.Secrets{Token: &token, Attempt: &attempt, Payload: []byte("payload"), VerifyKey: &verify}},
	}
}

func TestGolden(t *testing.T) {
	for name, want := range goldens(t) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name+".enrol")
			key := goldenKey(t)
			if *update {
				must(t, os.MkdirAll("testdata", 0o755))
				must(t, os.WriteFile(path, servertest.Must(enrol.SealEntry(want, key)), 0o644))
			}
			content, err := os.ReadFile(path)
			must(t, err)
			got, err := enrol.OpenEntry(content, key)
			must(t, err)
			// The same bytes, but for what the nonce decides, mean the same.
			a, b := servertest.Must(enrol.Plain(got)), servertest.Must(enrol.Plain(want))
			if !bytes.Equal(a, b) {
				t.Errorf("it holds %x\nwant %x", a, b)
			}
		})
	}
}

// TestSpoiltEntries changes each byte of a file in turn: none is read as something else.
func TestSpoiltEntries(t *testing.T) {
	key := goldenKey(t)
	content, err := os.ReadFile("testdata/v1-claim-user.enrol")
	must(t, err)
	for i := range content {
		spoilt := bytes.Clone(content)
		spoilt[i] ^= 1
		if _, err := enrol.OpenEntry(spoilt, key); err == nil {
			t.Errorf("byte %d is of no matter", i)
		}
	}
	for n := range len(content) {
		if _, err := enrol.OpenEntry(content[:n], key); err == nil {
			t.Errorf("%d bytes are enough", n)
		}
	}
	if _, err := enrol.OpenEntry(append(bytes.Clone(content), 0), key); err == nil {
		t.Error("a byte may follow")
	}
	other := servertest.Must(enrol.SealKey(&trust.LocalDevice{LocalSymkey: trust.GenerateSecretKey()}))
	if _, err := enrol.OpenEntry(content, other); !errors.Is(err, trust.ErrDecryption) {
		t.Errorf("opened by another device: %v", err)
	}
}

// TestIncompleteEntries have less than their stage asks for, or a stage of others: nobody of us wrote them.
func TestIncompleteEntries(t *testing.T) {
	key := goldenKey(t)
	for name, spoil := range map[string]func(*enrol.Sealed){
		"v1-bootstrap":    func(s *enrol.Sealed) { s.Secrets.Roots = nil },
		"v1-claim-user":   func(s *enrol.Sealed) { s.Secrets.Shared = nil },
		"v1-claim-device": func(s *enrol.Sealed) { s.Root = nil },
		"v1-greet-user":   func(s *enrol.Sealed) { s.Secrets.PublicKey = nil },
		"v1-greet-device": func(s *enrol.Sealed) { s.Device = nil },
	} {
		for what, change := range map[string]func(*enrol.Sealed){
			"incomplete": spoil, "no label": func(s *enrol.Sealed) { s.Label = nil }, "no name": func(s *enrol.Sealed) { s.Human = nil },
			"stage": func(s *enrol.Sealed) {
				s.Stage = map[bool]enrol.Stage{true: enrol.StageCertified, false: enrol.StageKept}[s.Claims()]
			},
		} {
			g := goldens(t)[name]
			change(&g)
			if _, err := enrol.OpenEntry(servertest.Must(enrol.SealEntry(g, key)), key); err == nil {
				t.Errorf("%s, %s: it opens", name, what)
			}
		}
	}
}

func FuzzEntry(f *testing.F) {
	for name := range goldens(f) {
		content, err := os.ReadFile(filepath.Join("testdata", name+".enrol"))
		must(f, err)
		f.Add(content)
	}
	key := goldenKey(f)
	f.Fuzz(func(t *testing.T, content []byte) {
		e, err := enrol.DecodeEntry(content)
		if err != nil {
			return
		}
		// What can be read can be written, and is read as the same.
		again := servertest.Must(enrol.SealEntry(enrol.Sealed{Entry: e}, key))
		got, err := enrol.DecodeEntry(again)
		must(t, err)
		if !bytes.Equal(servertest.Must(enrol.Plain(enrol.Sealed{Entry: got})), servertest.Must(enrol.Plain(enrol.Sealed{Entry: e}))) {
			t.Error("it changed")
		}
	})
}

func FuzzSecrets(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(servertest.Must(enrol.PlainSecrets(g.Secrets)))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := enrol.DecodeSecrets(content)
		if err != nil {
			return
		}
		again := servertest.Must(enrol.PlainSecrets(s))
		s, err = enrol.DecodeSecrets(again)
		must(t, err)
		if !bytes.Equal(servertest.Must(enrol.PlainSecrets(s)), again) {
			t.Error("it changed")
		}
	})
}

func TestJournalFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "enrol")
	j := enrol.NewJournal(dir)
	if all, bad, err := j.List(); len(all)+len(bad) > 0 || err != nil {
		t.Errorf("no directory: %v, %v, %v", all, bad, err)
	}
	key := goldenKey(t)
	g := goldens(t)["v1-greet-device"]
	g.Stage = enrol.StageCertified
	must(t, j.Write(g, key))
	g.Stage = enrol.StageLeft
	must(t, j.Write(g, key))
	must(t, os.WriteFile(filepath.Join(dir, "damaged.enrol"), []byte("x"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, ".x.enrol.0123456789abcdef.tmp"), []byte("x"), 0o600))
	content, err := os.ReadFile(filepath.Join(dir, g.ID.String()+".enrol"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "01010101010101010101010101010102.enrol"), content, 0o600))
	all, bad, err := j.List()
	must(t, err)
	if len(all) != 1 || all[0].Stage != enrol.StageLeft || len(bad) != 2 {
		t.Errorf("listed are %+v, damaged %+v", all, bad)
	}
	info, err := os.Stat(filepath.Join(dir, g.ID.String()+".enrol"))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
	for range 2 {
		must(t, j.Remove(g.ID))
	}
}

// TestJournalIsFull has more enrolments than there is room for.
func TestJournalIsFull(t *testing.T) {
	j, key := enrol.NewJournal(filepath.Join(t.TempDir(), "enrol")), goldenKey(t)
	g := goldens(t)["v1-bootstrap"]
	for i := range 64 {
		g.ID[0] = byte(i)
		must(t, j.Write(g, key))
	}
	must(t, j.Write(g, key))
	g.ID[0] = 64
	if err := j.Write(g, key); wire.StatusOf(err) != wire.StatusInsufficientStorage {
		t.Errorf("one more: %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	path := disktest.Tiny(t)
	j, key := enrol.NewJournal(filepath.Join(path, "enrol")), goldenKey(t)
	g := goldens(t)["v1-greet-user"]
	must(t, j.Write(g, key))
	disktest.Fill(t, path)
	g.Secrets.Payload = repeat(1, 16<<10)
	if err := j.Write(g, key); wire.StatusOf(err) != wire.StatusInsufficientStorage || strings.Contains(err.Error(), path) {
		t.Errorf("on a full disk: %v", err)
	}
	if all, bad, err := j.List(); len(all) != 1 || len(bad) > 0 || err != nil {
		t.Errorf("listed are %v, %v, %v", all, bad, err)
	}
}
