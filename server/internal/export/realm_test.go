package export_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/export"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// one is held by whoever reads.
var one sync.Mutex

func TestMain(m *testing.M) { pgtest.Exit(m.Run()) }

// written is a realm with what it has until a moment, and more after it.
type written struct {
	o     *Organization
	realm trust.RealmID
	at    trust.DateTime
	want  map[string]string
}

// realm makes a realm of a sequestered organisation.
func realm(t *testing.T, s *Server, vlobs, stored int) *written {
	t.Helper()
	o := s.Unborn()
	req := o.BootstrapReq()
	o.Sequestered(req)
	OK(t, o.Anonymous(req))
	key := Must(rsa.GenerateKey(rand.Reader, 1024))
	service := &trust.SequesterServiceCertificate{
		Timestamp: s.Clock.Tick(), ServiceID: trust.SequesterServiceID{7}, ServiceLabel: "box", EncryptionKeyDER: Must(x509.MarshalPKIXPublicKey(&key.PublicKey)),
	}
	by := rules.Administrator{Who: "test", Now: s.Clock.Tick()}
	signed := Must(trust.SignServiceCertificate(service, o.Authority))
	if err := s.Rules.AddSequesterService(t.Context(), by, o.ID, signed, nil); err != nil {
		t.Fatal(err)
	}
	alice, w := o.First, &written{o: o, want: map[string]string{}}
	w.realm = alice.CreateRealm()
	w.rotate(t, 1)
	var last *cloud.VlobCreateReq
	for i := range vlobs {
		last = alice.VlobReq(w.realm, 1, fmt.Sprint("vlob ", i))
		OK(t, alice.Do(last))
	}
	OK(t, alice.Do(&cloud.VlobUpdateReq{
		RealmID: w.realm, VlobID: last.VlobID, KeyIndex: 1, Timestamp: s.Clock.Tick(), Version: 2, Blob: []byte("second"),
	}))
	for i := range stored {
		w.block(t, fmt.Sprint("block ", i))
		s.Clock.Tick()
	}
	w.at = s.Clock.Tick()
	for table, n := range map[string]int{
		"common_certificate": 2, "sequester_certificate": 2, "realm_certificate": 2, "realm_keys_bundle": 1, "realm_keys_bundle_access": 1,
		"realm_sequester_keys_bundle_access": 1, "vlob_atom": vlobs + 1, "block": stored, "block_data": stored,
	} {
		w.want[table] = fmt.Sprint(n)
	}
	s.Clock.Tick()
	o.Enrol("bob", trust.Standard)
	w.rotate(t, 2)
	OK(t, alice.Do(alice.VlobReq(w.realm, 2, "late")))
	w.block(t, "late")
	return w
}

func (w *written) rotate(t *testing.T, index uint64) {
	t.Helper()
	req := w.o.First.RotationReq(w.realm, index, w.o.First.User)
	req.PerSequesterServiceKeysBundleAccess = map[trust.SequesterServiceID][]byte{{7}: []byte("access of the service")}
	OK(t, w.o.First.Do(req))
}

func (w *written) block(t *testing.T, content string) {
	t.Helper()
	index := uint64(1)
	if content == "late" {
		index = 2
	}
	OK(t, w.o.First.Do(&cloud.BlockCreateReq{BlockID: trust.NewBlockID(), RealmID: w.realm, KeyIndex: index, Block: []byte(content)}))
}

// options are those of an export as of the moment.
func (w *written) options(path string) export.Options {
	return export.Options{
		Store: w.o.Rules.Store, Blocks: w.o.Rules.Blocks, Organization: w.o.ID, Realm: w.realm, At: &w.at,
		Now: w.at.Add(time.Hour), Path: path,
	}
}

// open reads a file that was written.
func open(t *testing.T, path string) func(query string) string {
	t.Helper()
	db := Must(sql.Open("sqlite", path))
	t.Cleanup(func() { _ = db.Close() })
	return func(query string) (text string) {
		t.Helper()
		if err := db.QueryRow(query).Scan(&text); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return text
	}
}

// TestExport: the file has what the realm had at the moment, and nothing that came later.
func TestExport(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		w, path := realm(t, s, 3, 2), filepath.Join(t.TempDir(), "export.sqlite")
		if at, err := export.Realm(t.Context(), w.options(path)); err != nil || at != w.at {
			t.Fatal(at, err)
		}
		get := open(t, path)
		for table, want := range w.want {
			if n := get(`SELECT count(*) FROM ` + table); n != want {
				t.Errorf("%s has %s rows, want %s", table, n, want)
			}
		}
		root := Must(w.o.Root.VerifyKey())
		info := get(`SELECT magic || ' ' || version || ' ' || organization_id || ' ' || lower(hex(realm_id)) || ' ' || lower(hex(root_verify_key)) || ' ' || snapshot_timestamp || ' '
			|| vlobs_total_bytes || ' ' || blocks_total_bytes || ' ' || certificates_export_done || vlobs_export_done || blocks_metadata_export_done || blocks_data_export_done FROM info`)
		if want := fmt.Sprintf("87948 1 %s %s %s %d %d %d 1111", w.o.ID, w.realm, hex.EncodeToString(root[:]), w.at.Micros(), 3*6+6, 2*7); info != want {
			t.Errorf("info is %s, want %s", info, want)
		}
		if text := get(`SELECT group_concat(CAST(blob AS TEXT) || ' ' || version || ' ' || size || ' ' || key_index, ', ') FROM (SELECT * FROM vlob_atom ORDER BY sequential_id)`); text !=
			"vlob 0 1 6 1, vlob 1 1 6 1, vlob 2 1 6 1, second 2 6 1" {
			t.Error(text)
		}
		if text := get(`SELECT group_concat(CAST(data AS TEXT) || ' ' || size, ', ') FROM (SELECT * FROM block JOIN block_data ON block = sequential_id ORDER BY sequential_id)`); text !=
			"block 0 7, block 1 7" {
			t.Error(text)
		}
		if text := get(`SELECT CAST(keys_bundle AS TEXT) || (SELECT CAST(access AS TEXT) FROM realm_sequester_keys_bundle_access) FROM realm_keys_bundle`); text != "bundleaccess of the service" {
			t.Error(text)
		}
		signed := Must(hex.DecodeString(get(`SELECT hex(certificate) FROM realm_certificate WHERE _id = 1`)))
		c, err := trust.VerifyCertificate(signed, trust.Author{Device: &w.o.First.ID, Key: Must(w.o.First.Signing.VerifyKey())})
		if rotation, ok := c.(*trust.RealmKeyRotationCertificate); err != nil || !ok || rotation.KeyIndex != 1 {
			t.Errorf("%+v, %v", c, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Error(info, err)
		}
	})
}

// failing is a block store that ends a context after so many reads.
type failing struct {
	blocks.Store

	left   int
	cancel func()
}

func (f *failing) Read(ctx context.Context, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	if f.left--; f.left < 0 {
		f.cancel()
		return nil, ctx.Err()
	}
	return f.Store.Read(ctx, org, id)
}

// TestExportGoesOn: one that is interrupted again and again ends with the same file as one that is not, also when the realm changes meanwhile.
func TestExportGoesOn(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		w, path := realm(t, s, 150, 100), filepath.Join(t.TempDir(), "export.sqlite")
		o, interruptions := w.options(path), 0
		for done := false; !done; {
			ctx, cancel := context.WithCancel(t.Context())
			f := &failing{Store: w.o.Rules.Blocks, left: 1 + 40*interruptions, cancel: cancel}
			f.left = min(f.left, 50)
			o.Blocks = &lonely{f}
			steps := 0
			o.Progress = func(export.Progress) {
				if steps++; steps == interruptions+1 && interruptions < 6 {
					cancel()
				}
			}
			_, err := export.Realm(ctx, o)
			done = err == nil
			cancel()
			if interruptions++; interruptions > 30 {
				t.Fatalf("it does not end: %v", err)
			}
			o.At = nil // the file says as of when
		}
		if interruptions < 6 {
			t.Errorf("interrupted %d times", interruptions)
		}
		get := open(t, path)
		for table, want := range w.want {
			if n := get(`SELECT count(*) FROM ` + table); n != want {
				t.Errorf("%s has %s rows, want %s", table, n, want)
			}
		}
	})
}

// lonely makes reads come one after the other.
type lonely struct{ *failing }

func (l *lonely) Read(ctx context.Context, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	one.Lock()
	defer one.Unlock()
	return l.failing.Read(ctx, org, id)
}

func TestExportIsRefused(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		w, dir := realm(t, s, 1, 1), t.TempDir()
		path := filepath.Join(dir, "export.sqlite")
		if _, err := export.Realm(t.Context(), w.options(path)); err != nil {
			t.Fatal(err)
		}
		text := filepath.Join(dir, "text")
		if err := os.WriteFile(text, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		early, late, other := w.at.Add(-time.Hour), w.at.Add(time.Hour), w.at.Add(-time.Second)
		for name, c := range map[string]struct {
			change func(*export.Options)
			want   error
			text   string
		}{
			"organisation": {func(o *export.Options) { o.Organization, o.Path = Must(trust.NewOrganizationID("Nobody")), "new" }, export.ErrNoOrganization, ""},
			"realm":        {func(o *export.Options) { o.Realm, o.Path = trust.NewRealmID(), "new" }, export.ErrNoRealm, ""},
			"early":        {func(o *export.Options) { o.At, o.Path = &early, "new" }, export.ErrTooEarly, ""},
			"late":         {func(o *export.Options) { o.At, o.Path = &late, "new" }, export.ErrTooLate, ""},
			"another time": {func(o *export.Options) { o.At = &other }, export.ErrOther, "it is of " + w.at.String()},
			"no database":  {func(o *export.Options) { o.Path = "text" }, export.ErrOther, ""},
		} {
			o := w.options(path)
			c.change(&o)
			if !filepath.IsAbs(o.Path) {
				o.Path = filepath.Join(dir, o.Path)
			}
			if _, err := export.Realm(t.Context(), o); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		id := trust.BlockID(Must(hex.DecodeString(open(t, path)(`SELECT hex(block_id) FROM block`))))
		if err := w.o.Rules.Blocks.Delete(t.Context(), w.o.ID, id); err != nil {
			t.Fatal(err)
		}
		if _, err := export.Realm(t.Context(), w.options(filepath.Join(dir, "lost"))); !errors.Is(err, blocks.ErrNotFound) || !strings.Contains(err.Error(), id.String()) {
			t.Error(err)
		}
	})
}
