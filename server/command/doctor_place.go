package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/option"
	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
)

// places looks at the directory and the files, and reports whether the database can be looked at.
func (x *examination) places() bool {
	const area = "files"
	if _, err := x.w.place(x.p.Getenv); err != nil {
		x.add(serious, area, x.w.dataDir, "let the server's account have it", "%v", err)
		return false
	}
	x.private(x.w.dataDir, "chmod 700 "+x.w.dataDir)
	x.disk(x.w.dataDir)
	missing := false
	for _, path := range []string{x.w.keyFile, store.File(x.w.db)} {
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			x.add(serious, area, path, "start the server once, or name its place with --data-dir or --config", "there is no server here yet: the file does not exist")
			missing = true
		} else if err != nil {
			x.add(serious, area, path, "let the server's account use it", "%v", err)
			missing = true
		} else {
			x.private(path, "chmod 600 "+path)
		}
	}
	return !missing
}

// private looks at who may use a file or directory besides its owner.
func (x *examination) private(path, remedy string) {
	switch info, err := os.Stat(path); {
	case err != nil:
		x.add(serious, "files", path, "", "%v", err)
	case info.Mode().Perm()&0o077 != 0:
		x.add(warning, "files", path, remedy, "others may use it (mode %#o)", info.Mode().Perm())
	default:
		x.add(fine, "files", path, "", "only its owner uses it")
	}
}

// How much room there should be.
const (
	littleRoom = 1 << 30
	noRoom     = 100 << 20
)

// disk looks at how much room there is.
func (x *examination) disk(path string) {
	s := unix.Statfs_t{}
	if err := unix.Statfs(path, &s); err != nil {
		x.add(warning, "disk", path, "", "how much room there is cannot be said: %v", err)
		return
	}
	room := s.Bavail * uint64(s.Bsize) //nolint:gosec // a size is positive
	severity := fine
	switch {
	case room < noRoom || s.Files > 0 && s.Ffree == 0:
		severity = serious
	case room < littleRoom:
		severity = warning
	}
	x.add(severity, "disk", path, "make room, or move the directory to a larger disk", "%s are free", size(room))
}

// database looks at the database, its schema and its key, and then at the block store.
func (x *examination) database(ctx context.Context) {
	const area, limit = "database", 20 * time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	options := store.Options{URL: x.w.db, MaxConnections: x.w.connections, Log: x.p.log()}
	version, pending, err := store.Pending(ctx, options)
	switch {
	case err != nil:
		x.add(serious, area, kindOf(x.w.db), "see that it runs, and that its address is right", "it cannot be used: %v", err)
		return
	case len(pending) > 0:
		x.add(serious, area, kindOf(x.w.db), "parsec-server migrate, or a restart of the server", "its schema has version %d, and %d changes are pending", version, len(pending))
		return
	}
	s, err := store.OpenToRead(ctx, options)
	if err != nil {
		x.add(serious, area, kindOf(x.w.db), "see that it runs, and that its address is right", "it cannot be read: %v", err)
		return
	}
	defer func() { _ = s.Close() }() // only read
	x.add(fine, area, kindOf(x.w.db), "", "it answers, with schema version %d", version)
	x.content(ctx, s)
	x.blocks(ctx, s)
}

// kindOf is an address of a database without what may be secret in it.
func kindOf(address string) string {
	if path := store.File(address); path != "" {
		return path
	}
	return "PostgreSQL"
}

// content looks at what the rows say of the server itself.
func (x *examination) content(ctx context.Context, s *store.Store) {
	key, err := secrets.OpenFile(x.w.keyFile)
	if err != nil {
		x.add(serious, "files", x.w.keyFile, "", "%v", err)
		return
	}
	var same bool
	var half []tables.Erased
	var all []tables.Organization
	err = s.Read(ctx, func(tx *store.Tx) error {
		if same, err = tables.Agrees(ctx, tx, store.KeyAgreement, key.Agreement()); err != nil {
			return err
		}
		if half, err = tables.HalfErased(ctx, tx); err != nil {
			return err
		}
		all, err = tables.OrganizationsByName(ctx, tx)
		return err
	})
	switch {
	case err != nil:
		x.add(serious, "database", kindOf(x.w.db), "", "it cannot be read: %v", err)
		return
	case !same:
		x.add(serious, "database", x.w.keyFile, "give the server the key file that belongs to the database", "the database was written with another key")
	default:
		x.add(fine, "database", x.w.keyFile, "", "the key belongs to the database, which has %d organisations", len(all))
	}
	for _, e := range half {
		x.add(note, "database", e.ID.String(), "the server removes its blocks within some hours", "it was erased on %s, and is not all removed yet", e.ErasedOn)
	}
}

// blocks looks at the block store.
func (x *examination) blocks(ctx context.Context, s *store.Store) {
	const area = "block store"
	kinds, err := option.Parse(x.w.blocks)
	if err != nil {
		x.add(serious, area, "", "parsec-server run --help", "%v", err)
		return
	}
	kept, err := kinds.Open(ctx, option.Resources{Pool: s.Pool(), Log: x.p.log(), ReadOnly: true})
	if err != nil {
		x.add(serious, area, "", "see that it runs, and that its options are right", "it cannot be opened: %v", err)
		return
	}
	defer func() { _ = kept.Close() }() // only read
	switch err := kept.Health(ctx); {
	case errors.Is(err, blocks.ErrDegraded):
		x.add(warning, area, "", "repair the node that fails", "all blocks can be read, but: %v", err)
	case err != nil:
		x.add(serious, area, "", "see that it runs, and that its options are right", "%v", err)
	default:
		x.add(fine, area, "", "", "it answers")
	}
	for _, m := range kinds.Members {
		if m.Kind != option.Directory || filepath.Clean(m.Path) == filepath.Join(x.w.dataDir, "blocks") {
			continue // the disk of the data directory was looked at
		}
		x.disk(m.Path)
	}
}

// since says how long ago something was, or in what time it will be.
func since(d time.Duration) string {
	if d = d.Round(time.Hour); d >= 48*time.Hour || d <= -48*time.Hour {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return d.String()
}
