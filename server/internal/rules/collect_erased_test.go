package rules_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/option"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	"github.com/seed-73b3884f/parsec-agent/server/s3test"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// kinds are a block store of each kind.
func kinds(t *testing.T) map[string][]string {
	t.Helper()
	gateway := s3test.Start(t, s3test.Options{})
	bucket := "s3:" + strings.Join([]string{
		strings.ReplaceAll(gateway.URL().String(), ":", `\:`), s3test.Region, s3test.Bucket, s3test.Key, s3test.Secret,
	}, ":")
	all := map[string][]string{"S3": {bucket}, "PostgreSQL": {"POSTGRESQL"}}
	place := func() string { return "directory:" + filepath.Join(t.TempDir(), "blocks") }
	all["directory"] = []string{place()}
	for _, mode := range []string{"RAID0", "RAID1", "RAID5"} {
		for i := range 3 {
			all[mode] = append(all[mode], fmt.Sprintf("%s:%d:%s", mode, i, place()))
		}
	}
	return all
}

// TestErasedBlocks: the blocks of an organisation that was erased are removed from every kind of block store, those of others are not, and
// the name can be used again.
func TestErasedBlocks(t *testing.T) {
	for name, values := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			where := Must(option.Parse(values))
			o := Options{Blocks: func(ctx context.Context, pool *pgxpool.Pool) (blocks.Store, error) {
				return where.Open(ctx, option.Resources{Pool: pool, Log: slog.New(slog.DiscardHandler)})
			}}
			if name == "PostgreSQL" {
				o.Store = pgtest.Database(t)
			}
			s := New(t, o)
			erased, other := s.Bootstrapped(), s.Bootstrapped()
			for _, o := range []*Organization{erased, other} {
				realm := o.First.CreateRealm()
				for range 5 {
					OK(t, o.First.Do(&cloud.BlockCreateReq{BlockID: trust.NewBlockID(), RealmID: realm, Block: []byte("content")}))
				}
			}
			orphan := trust.NewBlockID()
			if err := s.Rules.Blocks.Create(t.Context(), erased.ID, orphan, []byte("orphan")); err != nil {
				t.Fatal(err)
			}
			count := func(o *Organization) (n int) {
				for _, err := range blocks.All(t.Context(), s.Rules.Blocks, o.ID) {
					if err != nil {
						t.Fatal(err)
					}
					n++
				}
				return n
			}
			by := rules.Administrator{Who: "test", Now: s.Clock.Tick()}
			if _, err := s.Rules.EraseOrganization(t.Context(), by, erased.ID); err != nil {
				t.Fatal(err)
			}
			collect := func() {
				if err := (&rules.Collector{Service: s.Rules, Clock: s.Clock.Now}).Collect(t.Context()); err != nil {
					t.Error(err)
				}
			}
			again := func() error {
				_, err := s.Rules.MakeOrganization(t.Context(), by, erased.ID, rules.Change{})
				return err
			}
			collect()
			if n := count(erased); n != 6 {
				t.Errorf("%d blocks are left while a request may be under way", n)
			}
			s.Clock.Advance(time.Hour)
			release := Must(s.Rules.Store.HoldBlocks(t.Context()))
			collect()
			if n := count(erased); n != 6 || again() == nil {
				t.Errorf("%d blocks are left during a backup, or the name is free", n)
			}
			if err := release(); err != nil {
				t.Fatal(err)
			}
			collect()
			if n := count(erased); n != 0 {
				t.Errorf("%d blocks are left", n)
			}
			if n := count(other); n != 5 {
				t.Errorf("another organisation has %d blocks", n)
			}
			if err := again(); err != nil {
				t.Error(err)
			}
		})
	}
}
