package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/internal/index"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// database is what all openings of one file share.
type database struct {
	path  string
	index *index.Index

	// queue holds the changes that no transaction has taken yet.
	queueing sync.Mutex
	queue    []*change

	// writing guards the fields below and is held for a whole transaction. Order:
	// writing before queueing.
	writing sync.Mutex
	file    *os.File // read only, for the change counter
	conn    *conn    // nil while there is nothing to write
	counter uint32   // as of the last transaction that we made or read
	doubt   bool     // a commit failed: what is in the file must be read again
	extra   bool     // our own tables exist
}

// canonical makes the directory and returns the one path that a database has.
func canonical(path string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", start(path, fmt.Errorf("cannot make its directory: %w", err))
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return "", start(path, err)
	}
	return filepath.Join(dir, filepath.Base(path)), nil
}

func open(ctx context.Context, path string) (*database, error) {
	d := &database{path: path, index: index.New(nil)}
	if err := create(path); err != nil {
		return nil, start(path, err)
	}
	if err := d.read(ctx); err != nil {
		return nil, start(path, err)
	}
	if err := protect(d.file); err != nil {
		return nil, errors.Join(start(path, err), d.close())
	}
	return d, nil
}

// refresh serves a further opening: it takes in what other programs changed.
func (d *database) refresh(ctx context.Context) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	if err := d.read(ctx); err != nil {
		return start(d.path, err)
	}
	return nil
}

// close ends the shared state; nothing is being written any more.
func (d *database) close() error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return errors.Join(d.hangUp(), d.file.Close())
}

// read opens the file at path and takes all that is in it into memory, or fails and
// leaves memory and file as they are. An empty database gets its tables.
func (d *database) read(ctx context.Context) (err error) {
	file, err := os.Open(d.path)
	if err != nil {
		return err
	}
	if fi, statErr := file.Stat(); statErr != nil || !fi.Mode().IsRegular() {
		return errors.Join(refusal("move it away, or configure another path", "it is no regular file"), statErr, file.Close())
	}
	c, err := dial(ctx, d.path)
	if err != nil {
		return errors.Join(fault("open it", err), file.Close())
	}
	content, err := c.load(ctx, file)
	if err == nil && content.empty {
		err = c.define(ctx)
		content.counter++
	}
	// SQLite lets go of the file before a descriptor of it is closed.
	if err = errors.Join(err, c.close()); err != nil {
		return errors.Join(err, file.Close())
	}
	if d.file != nil {
		_ = d.file.Close() // only read
	}
	d.file = file
	d.adopt(content)
	return nil
}

// content is all that matters in a file at one moment.
type content struct {
	entries      map[index.Key]kim.Entry
	counter      uint32
	empty, extra bool
}

func (d *database) adopt(c content) {
	d.index.Replace(c.entries)
	d.counter, d.extra, d.doubt = c.counter, c.extra, false
}

// load reads the file's content in one transaction.
func (c *conn) load(ctx context.Context, file *os.File) (content, error) {
	if _, err := c.exec(ctx, "BEGIN"); err != nil {
		return content{}, fault("read it", err)
	}
	found, err := c.content(ctx, file)
	if _, end := c.exec(ctx, "ROLLBACK"); err == nil && end != nil {
		err = fault("read it", end)
	}
	return found, err
}

// content reads the file's content inside a transaction.
func (c *conn) content(ctx context.Context, file *os.File) (content, error) {
	found := content{entries: map[index.Key]kim.Entry{}}
	var err error
	if found.extra, err = c.has(ctx, ours); err != nil {
		return content{}, err
	}
	exists, err := c.has(ctx, original)
	if err != nil {
		return content{}, err
	}
	found.empty = !exists
	// The first query took SQLite's lock, so that the counter belongs to what is read.
	if found.counter, err = counter(file); err != nil {
		return content{}, err
	}
	if exists {
		err = original.load(ctx, c, found.entries)
	}
	if err == nil && found.extra {
		err = ours.load(ctx, c, found.entries)
	}
	if err != nil {
		return content{}, fault("read it", err)
	}
	return found, nil
}

// has reports whether the two tables of t exist, in the version that this program knows.
// One without the other is an error.
func (c *conn) has(ctx context.Context, t *table) (bool, error) {
	var mapping, metadata int
	const count = "SELECT count(*) FILTER (WHERE name = ?), count(*) FILTER (WHERE name = ?) FROM sqlite_master WHERE type = 'table'"
	if err := c.QueryRowContext(ctx, count, t.name, t.metadata).Scan(&mapping, &metadata); err != nil {
		return false, fault("read it", err)
	}
	if mapping != metadata {
		return false, refusal("restore a backup", "of the tables %s and %s only one exists", t.name, t.metadata)
	}
	if mapping == 0 {
		return false, nil
	}
	return true, c.version(ctx, t)
}

// version checks the schema version of t. As for the original, no version is fine.
func (c *conn) version(ctx context.Context, t *table) error {
	rows, err := c.QueryContext(ctx, "SELECT int_value FROM "+t.metadata+" WHERE id = 'schema_version'")
	if err != nil {
		return fault("read its version", err)
	}
	defer func() { _ = rows.Close() }() // read only; Err below tells
	for rows.Next() {
		var v any
		if err := rows.Scan(&v); err != nil {
			return fault("read its version", err)
		}
		if v != int64(schemaVersion) {
			return refusal("use the program that made it, or a newer one",
				"the schema_version in %s is %s, this program knows %d", t.metadata, show(v), schemaVersion)
		}
	}
	if err := rows.Err(); err != nil {
		return fault("read its version", err)
	}
	return nil
}

// define makes the original's tables in an empty database.
func (c *conn) define(ctx context.Context) error {
	if _, err := c.exec(ctx, "BEGIN IMMEDIATE;"+original.definition+"COMMIT"); err != nil {
		return fault("make its tables", err)
	}
	return nil
}

// create makes an empty file where there is none.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the configured path of the store
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// protect gives the file the mode that the original gives it.
func protect(f *os.File) error {
	fi, err := f.Stat()
	if err == nil && fi.Mode().Perm() != 0o600 {
		err = f.Chmod(0o600)
	}
	return err
}

func syncDirectory(path string) error {
	dir, err := os.Open(path) //nolint:gosec // the directory of the configured path
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// refusal is an error with its remedy, for start to complete.
func refusal(remedy, format string, args ...any) error {
	e := wire.Errorf(wire.StatusKeyInfoManagerError, format, args...)
	e.Remedy = remedy
	return e
}

// start is an error of an opening: it names the file, and the cause in full.
func start(path string, err error) error {
	e := &wire.Error{
		Status: wire.StatusKeyInfoManagerError, Object: path, Reason: err.Error(),
		Remedy: "let the service's user read and write the file and its directory", Err: err,
	}
	if inner, ok := errors.AsType[*wire.Error](err); ok {
		e.Remedy = inner.Remedy
		if inner.Err != nil {
			e.Reason = fmt.Sprintf("%s (%v)", inner.Reason, inner.Err)
		}
	}
	return e
}
