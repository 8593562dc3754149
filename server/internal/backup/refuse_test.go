package backup_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/server/internal/backup"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/memory"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
)

// small is a server with a few blocks, and a backup of it.
func small(t *testing.T, blocks int) (*home, *busy, string) {
	t.Helper()
	h := newHome(t, "SQLite")
	b := newBusy(t, h.serve(t, nil))
	for range blocks {
		b.write()
	}
	return h, b, filepath.Join(t.TempDir(), "backup")
}

// TestInterrupted: a backup that was interrupted counts for nothing, and goes on with the blocks that it has.
func TestInterrupted(t *testing.T) {
	h, b, path := small(t, 24)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := h.take(ctx, t, backup.Options{Path: path, Progress: func(p backup.Progress) {
		if p.Blocks == 12 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := backup.Verify(t.Context(), path, nil); !errors.Is(err, backup.ErrTruncated) {
		t.Errorf("it counts: %v", err)
	}
	b.write()
	reads := atomic.Int64{}
	h.reading = func() { reads.Add(1) }
	if done, err := h.take(t.Context(), t, backup.Options{Path: path}); err != nil || done.Blocks != 25 || reads.Load() > 13 {
		t.Errorf("%+v after %d blocks were read: %v", done, reads.Load(), err)
	}
	whole := Must(backup.Verify(t.Context(), path, nil))
	other := newHome(t, "SQLite")
	if err := backup.Restore(t.Context(), whole, other.target(t)); err != nil {
		t.Fatal(err)
	}
	b.goesOn(t, other.serve(t, b.Clock))
	if _, err := h.take(t.Context(), t, backup.Options{Path: path}); err == nil || !strings.Contains(err.Error(), "there is one already") {
		t.Errorf("a backup was replaced: %v", err)
	}
}

// files returns all files of a backup.
func files(t *testing.T, path string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && d.Name() != ".format" {
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDamaged: a backup in which anything changed or is missing is refused, and nothing is made of it.
func TestDamaged(t *testing.T) {
	h, _, path := small(t, 3)
	if _, err := h.take(t.Context(), t, backup.Options{Path: path}); err != nil {
		t.Fatal(err)
	}
	refused := func(what string) {
		t.Helper()
		if _, err := backup.Verify(t.Context(), path, nil); !errors.Is(err, backup.ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, name := range files(t, path) {
		content := Must(os.ReadFile(name))
		for what, bad := range map[string][]byte{
			"changed": append(slices.Clone(content[:len(content)-1]), content[len(content)-1]^1), "cut": content[:len(content)/2], "empty": {},
			"longer": append(slices.Clone(content), 0),
		} {
			if err := os.WriteFile(name, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if what == "empty" && filepath.Base(name) == "metadata" {
				if _, err := backup.Verify(t.Context(), path, nil); !errors.Is(err, backup.ErrVersion) {
					t.Errorf("%s %s: %v", name, what, err)
				}
				continue
			}
			refused(name + " " + what)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Verify(t.Context(), path, nil); err == nil {
			t.Errorf("%s may be missing", name)
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(filepath.Join(path, "blocks"), path+"-blocks"); err != nil {
		t.Fatal(err)
	}
	refused("no blocks")
}

// TestRefused: a backup goes into an empty place, with the key that belongs to it, and is made in a place of its own.
func TestRefused(t *testing.T) {
	h, b, path := small(t, 2)
	if _, err := h.take(t.Context(), t, backup.Options{Path: path}); err != nil {
		t.Fatal(err)
	}
	whole := Must(backup.Verify(t.Context(), path, nil))
	other := newHome(t, "SQLite")
	target := other.target(t)
	target.Agreement = key(t, 8).Agreement()
	if err := backup.Restore(t.Context(), whole, target); !errors.Is(err, backup.ErrKey) {
		t.Errorf("with another key: %v", err)
	}
	used := newHome(t, "PostgreSQL")
	used.serve(t, b.Clock)
	if err := backup.Restore(t.Context(), whole, used.target(t)); !errors.Is(err, backup.ErrNotEmpty) {
		t.Errorf("into a database that was used: %v", err)
	}
	taken := other.target(t)
	taken.Blocks = func(ctx context.Context, _ *pgxpool.Pool) (blocks.Store, error) {
		s := memory.New(1 << 20)
		for id := range b.blocks {
			if err := s.Create(ctx, b.ID, id, []byte("other")); err != nil {
				return nil, err
			}
		}
		return s, nil
	}
	if err := backup.Restore(t.Context(), whole, taken); !errors.Is(err, blocks.ErrExists) {
		t.Errorf("over other blocks: %v", err)
	}
	if err := backup.Restore(t.Context(), whole, other.target(t)); err != nil {
		t.Errorf("what was refused before left something: %v", err)
	}
	strange := filepath.Join(t.TempDir(), "strange")
	if err := os.MkdirAll(filepath.Join(strange, "letters"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := h.take(t.Context(), t, backup.Options{Path: strange}); err == nil || !strings.Contains(err.Error(), `it has "letters"`) {
		t.Errorf("into a directory of others: %v", err)
	}
}

// TestLost: a block that the block store lost makes a backup fail, unless it is to be noted.
func TestLost(t *testing.T) {
	h, b, path := small(t, 3)
	for id := range b.blocks {
		if err := b.Rules.Blocks.Delete(t.Context(), b.ID, id); err != nil {
			t.Fatal(err)
		}
		delete(b.blocks, id)
		break
	}
	if _, err := h.take(t.Context(), t, backup.Options{Path: path}); !errors.Is(err, blocks.ErrNotFound) {
		t.Fatal(err)
	}
	if done, err := h.take(t.Context(), t, backup.Options{Path: path, TolerateLost: true}); err != nil || done.Lost != 1 || done.Blocks != 3 {
		t.Fatalf("%+v, %v", done, err)
	}
	whole, other := Must(backup.Verify(t.Context(), path, nil)), newHome(t, "SQLite")
	if err := backup.Restore(t.Context(), whole, other.target(t)); err != nil || whole.Done.Lost != 1 {
		t.Fatal(err, whole.Done)
	}
	b.goesOn(t, other.serve(t, b.Clock))
}

// TestWithoutBlocks: a backup of rows alone is one file, and is restored beside the blocks that it names, all of them.
func TestWithoutBlocks(t *testing.T) {
	h, b, path := small(t, 5)
	s := Must(store.OpenToRead(t.Context(), store.Options{URL: h.url}))
	if done, err := backup.Take(t.Context(), s, backup.Options{Path: path}); err != nil || done.AllBlocks != 5 {
		t.Fatalf("%+v, %v", done, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole := Must(backup.Verify(t.Context(), path, nil))
	other := newHome(t, "PostgreSQL")
	if err := backup.Restore(t.Context(), whole, other.target(t)); err == nil || !strings.Contains(err.Error(), "lacks 5") {
		t.Errorf("beside an empty block store: %v", err)
	}
	for id, content := range b.blocks {
		if err := Must(other.blocks(t.Context(), nil)).Create(t.Context(), b.ID, id, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := backup.Restore(t.Context(), whole, other.target(t)); err != nil {
		t.Fatal(err)
	}
	b.goesOn(t, other.serve(t, b.Clock))
	unasked := newHome(t, "SQLite").target(t)
	unasked.WithoutBlocks = true
	if err := backup.Restore(t.Context(), whole, unasked); err != nil {
		t.Error(err)
	}
}
