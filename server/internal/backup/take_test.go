package backup_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/backup"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/directory"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// home is where a server has what it keeps.
type home struct {
	url string
	dir string
	// reading is called whenever a block is read, if it is not nil.
	reading func()
}

// database returns a new one of a kind.
func database(t *testing.T, kind string) string {
	t.Helper()
	if kind == "PostgreSQL" {
		return pgtest.Database(t)
	}
	return "sqlite:" + filepath.Join(t.TempDir(), "server.sqlite3")
}

func newHome(t *testing.T, kind string) *home {
	t.Helper()
	return &home{url: database(t, kind), dir: filepath.Join(t.TempDir(), "blocks")}
}

// aged is a block store in which everything is older than a day.
type aged struct {
	blocks.Store
	home *home
}

func (a aged) List(ctx context.Context, org trust.OrganizationID, after *trust.BlockID, limit int) ([]blocks.Entry, error) {
	all, err := a.Store.List(ctx, org, after, limit)
	for i := range all {
		all[i].Modified = all[i].Modified.Add(-48 * time.Hour)
	}
	return all, err
}

func (a aged) Read(ctx context.Context, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	if a.home.reading != nil {
		a.home.reading()
	}
	return a.Store.Read(ctx, org, id)
}

func (h *home) blocks(context.Context, *pgxpool.Pool) (blocks.Store, error) {
	s, err := directory.Open(h.dir)
	return aged{s, h}, err
}

func (h *home) serve(t *testing.T, clock *Clock) *Server {
	t.Helper()
	return New(t, Options{Store: h.url, Blocks: h.blocks, Clock: clock})
}

// take makes a backup in the way of the command: beside the server.
func (h *home) take(ctx context.Context, t *testing.T, o backup.Options) (backup.Progress, error) {
	t.Helper()
	s := Must(store.OpenToRead(ctx, store.Options{URL: h.url, Log: slog.New(slog.DiscardHandler)}))
	kept := Must(h.blocks(ctx, nil))
	if o.Path == "" {
		t.Fatal("no path")
	}
	o.Blocks = kept
	done, err := backup.Take(ctx, s, o)
	return done, errors.Join(err, kept.Close(), s.Close())
}

// key is that of servers for tests.
func key(t *testing.T, b byte) *secrets.Box {
	t.Helper()
	return Must(secrets.NewBox(slices.Repeat([]byte{b}, secrets.KeySize)))
}

func (h *home) target(t *testing.T) backup.Target {
	t.Helper()
	return backup.Target{
		Open: func(ctx context.Context, upTo int64) (*store.Store, error) {
			return store.Open(ctx, store.Options{URL: h.url, UpTo: upTo, Log: slog.New(slog.DiscardHandler)})
		},
		Blocks: h.blocks, Agreement: key(t, 7).Agreement(),
	}
}

// busy is an organisation, and what its clients were told to be stored.
type busy struct {
	*Organization
	realm  trust.RealmID
	bob    *Device
	mu     sync.Mutex
	vlobs  map[trust.VlobID]string
	blocks map[trust.BlockID]string
}

func newBusy(t *testing.T, s *Server) *busy {
	t.Helper()
	o := s.Bootstrapped()
	b := &busy{Organization: o, vlobs: map[trust.VlobID]string{}, blocks: map[trust.BlockID]string{}, bob: o.Enrol("bob", trust.Standard)}
	b.realm = o.First.CreateRealm()
	OK(t, o.First.Do(o.First.RotationReq(b.realm, 1, o.First.User)))
	o.First.Revoke(o.Enrol("mallory", trust.Outsider))
	OK(t, o.First.Do(&cloud.InviteNewUserReq{ClaimerEmail: Must(trust.NewEmailAddress("zoe@example.com"))}))
	return b
}

// write stores a vlob and a block.
func (b *busy) write() bool {
	content := fmt.Sprint(trust.NewBlockID())
	vlob := b.First.VlobReq(b.realm, 1, content)
	a, err := b.First.Try(vlob)
	block := &cloud.BlockCreateReq{BlockID: trust.NewBlockID(), RealmID: b.realm, KeyIndex: 1, Block: []byte(content)}
	c, errBlock := b.First.Try(block)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil && a.Reply == "ok" {
		b.vlobs[vlob.VlobID] = content
	}
	if errBlock == nil && c.Reply == "ok" {
		b.blocks[block.BlockID] = content
	}
	return err == nil && errBlock == nil
}

// load writes until it is stopped, or has written a lot.
func (b *busy) load() (stop func()) {
	end, group := make(chan struct{}), sync.WaitGroup{}
	for range 3 {
		group.Go(func() {
			for n := 0; n < 30 && b.write(); n++ {
				select {
				case <-end:
					return
				default:
				}
			}
		})
	}
	return func() {
		close(end)
		group.Wait()
	}
}

// known returns copies of what was acknowledged up to now.
func (b *busy) known() *busy {
	b.mu.Lock()
	defer b.mu.Unlock()
	return &busy{Organization: b.Organization, realm: b.realm, bob: b.bob, vlobs: maps.Clone(b.vlobs), blocks: maps.Clone(b.blocks)}
}

// goesOn wants clients that know this to find all of it on another server, and to go on there.
func (b *busy) goesOn(t *testing.T, there *Server) {
	t.Helper()
	alice := b.First.At(there)
	for id, content := range b.vlobs {
		read := &cloud.VlobReadBatchReq{RealmID: b.realm, Vlobs: []trust.VlobID{id}}
		if rep := Decode[cloud.VlobReadBatchOK](t, alice.Do(read), read.DecodeReply); len(rep.Items) != 1 || string(rep.Items[0].Blob) != content {
			t.Fatalf("vlob %s is lost", id)
		}
	}
	for id, content := range b.blocks {
		read := &cloud.BlockReadReq{BlockID: id, RealmID: b.realm}
		if rep := Decode[cloud.BlockReadOK](t, alice.Do(read), read.DecodeReply); string(rep.Block) != content {
			t.Fatalf("block %s is lost", id)
		}
	}
	for _, d := range []*Device{b.First, b.bob} {
		for _, req := range []cloud.Request{&cloud.InviteListReq{}, &cloud.ListFrozenUsersReq{}, &cloud.RealmGetKeysBundleReq{RealmID: b.realm, KeyIndex: 1}} {
			if here, other := d.Do(req), d.At(there).Do(req); string(here.Body) != string(other.Body) {
				t.Errorf("%s: %q here, %q there", req.Command(), here.Body, other.Body)
			}
		}
	}
	here := Decode[cloud.CertificateGetOK](t, b.First.Do(RealmsOf()), RealmsOf().DecodeReply)
	other := Decode[cloud.CertificateGetOK](t, alice.Do(RealmsOf()), RealmsOf().DecodeReply)
	if len(here.CommonCertificates) == 0 || !reflect.DeepEqual(here, other) {
		t.Error("the certificates are others")
	}
	poll := &cloud.VlobPollChangesReq{RealmID: b.realm}
	changes := Decode[cloud.VlobPollChangesOK](t, alice.Do(poll), poll.DecodeReply)
	if uint64(len(changes.Changes)) != changes.CurrentCheckpoint || len(changes.Changes) < len(b.vlobs) {
		t.Errorf("%d vlobs under %d checkpoints, want %d", len(changes.Changes), changes.CurrentCheckpoint, len(b.vlobs))
	}
	for id := range b.vlobs {
		OK(t, alice.Do(&cloud.VlobUpdateReq{RealmID: b.realm, VlobID: id, KeyIndex: 1, Timestamp: b.Clock.Tick(), Version: 2, Blob: []byte("on")}))
		break
	}
	OK(t, alice.Do(&cloud.BlockCreateReq{BlockID: trust.NewBlockID(), RealmID: b.realm, KeyIndex: 1, Block: []byte("on")}))
	OK(t, alice.Do(alice.UserCreateReq(alice.Org.NewDevice("late"), trust.Standard)))
}

// TestUnderLoad: a backup that is taken under load has everything that was acknowledged before, and clients go on with it, on either database.
func TestUnderLoad(t *testing.T) {
	for _, from := range []string{"SQLite", "PostgreSQL"} {
		t.Run(from, func(t *testing.T) {
			h := newHome(t, from)
			s := h.serve(t, nil)
			b := newBusy(t, s)
			for range 10 {
				b.write()
			}
			stop := b.load()
			before := b.known()
			path := filepath.Join(t.TempDir(), "backup")
			done, err := h.take(t.Context(), t, backup.Options{Path: path, Program: "test"})
			stop()
			if err != nil || done.Blocks < 10 || done.Blocks != done.AllBlocks {
				t.Fatalf("%+v, %v", done, err)
			}
			if len(b.vlobs) <= len(before.vlobs) {
				t.Error("there was no load")
			}
			for _, to := range []string{"SQLite", "PostgreSQL"} {
				if testing.Short() && to == from {
					continue // into the other one is the harder half
				}
				t.Run(to, func(t *testing.T) {
					other := newHome(t, to)
					whole := Must(backup.Verify(t.Context(), path, nil))
					if err := backup.Restore(t.Context(), whole, other.target(t)); err != nil {
						t.Fatal(err)
					}
					before.goesOn(t, other.serve(t, s.Clock))
					if err := backup.Restore(t.Context(), whole, other.target(t)); err == nil {
						t.Error("restored twice")
					}
				})
			}
		})
	}
}

// TestCollectorWaits: what a backup names is not removed while it is at work, whatever becomes of the rows.
func TestCollectorWaits(t *testing.T) {
	for _, kind := range []string{"SQLite", "PostgreSQL"} {
		t.Run(kind, func(t *testing.T) {
			h := newHome(t, kind)
			s := h.serve(t, nil)
			b := newBusy(t, s)
			for range 10 {
				b.write()
			}
			at := s.Clock.Tick()
			OK(t, b.First.Do(&cloud.RealmUpdateArchivingReq{ArchivingCertificate: b.First.Sign(&trust.RealmArchivingCertificate{
				Author: b.First.ID, Timestamp: at, RealmID: b.realm,
				Configuration: trust.ArchivingConfiguration{State: trust.DeletionPlanned, DeletionDate: at.Add(30 * 24 * time.Hour)},
			})}))
			s.Clock.Advance(31 * 24 * time.Hour)
			collect := func() {
				if err := (&rules.Collector{Service: s.Rules, Clock: s.Clock.Now}).Collect(t.Context()); err != nil {
					t.Error(err)
				}
			}
			once := sync.Once{}
			h.reading = func() {
				once.Do(func() {
					org := Must(s.Rules.Locate(t.Context(), b.ID, false, trust.DateTime{}))
					if err := s.Rules.PurgeRealm(t.Context(), org.Num, b.realm, Must(trust.DateTimeOf(s.Clock.Now()))); err != nil {
						t.Error(err)
					}
					collect()
				})
			}
			path := filepath.Join(t.TempDir(), "backup")
			if done, err := h.take(t.Context(), t, backup.Options{Path: path}); err != nil || done.Blocks != 10 {
				t.Fatalf("%+v, %v", done, err)
			}
			if whole, err := backup.Verify(t.Context(), path, nil); err != nil || whole.Done.Blocks != 10 {
				t.Fatalf("%+v, %v", whole, err)
			}
			left := func() (n int) {
				for _, err := range blocks.All(t.Context(), s.Rules.Blocks, b.ID) {
					if err != nil {
						t.Fatal(err)
					}
					n++
				}
				return n
			}
			if n := left(); n != 10 {
				t.Errorf("%d blocks are left during the backup", n)
			}
			collect()
			if n := left(); n != 0 {
				t.Errorf("%d blocks are left after the backup", n)
			}
		})
	}
}
