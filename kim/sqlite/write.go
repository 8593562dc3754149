package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/internal/index"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

type verb uint8

const (
	insert verb = iota
	update
	remove
)

// change is one row to write. Whoever holds writing runs it and sets the result.
type change struct {
	verb  verb
	table *table
	key   index.Key
	entry kim.Entry
	blob  []byte

	done bool
	err  error
}

// errChanged: the memory is older than the file.
var errChanged error = &wire.Error{
	Status: wire.StatusKeyInfoManagerError,
	Reason: "another program has changed or replaced the database of the key info manager; nothing was written",
	Remedy: "end the other program, then reload the agent",
}

// write makes a change durable and takes it into memory. All changes that wait for the
// same moment go into one transaction, made by whoever comes first. A change that has
// begun is finished whatever becomes of ctx.
func (d *database) write(ctx context.Context, ch *change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.queueing.Lock()
	d.queue = append(d.queue, ch)
	d.queueing.Unlock()

	d.writing.Lock()
	defer d.writing.Unlock()
	if !ch.done {
		d.run(context.WithoutCancel(ctx), d.takeQueue())
	}
	return ch.err
}

func (d *database) takeQueue() []*change {
	d.queueing.Lock()
	defer d.queueing.Unlock()
	batch := d.queue
	d.queue = nil
	return batch
}

func (d *database) waiting() bool {
	d.queueing.Lock()
	defer d.queueing.Unlock()
	return len(d.queue) > 0
}

// run writes a batch and gives each change its result. When the batch fails as a whole,
// every change gets a transaction of its own, so that none suffers for another.
func (d *database) run(ctx context.Context, batch []*change) {
	if again := d.transact(ctx, batch); again && len(batch) > 1 {
		for one := range slices.Chunk(batch, 1) {
			d.transact(ctx, one)
		}
	}
	for _, ch := range batch {
		ch.done = true
	}
	if !d.waiting() {
		_ = d.hangUp() // nothing is pending on the connection
	}
}

// transact writes a batch in one transaction and sets each change's error. It reports
// whether writing fewer changes at once may help.
func (d *database) transact(ctx context.Context, batch []*change) (again bool) {
	if err := d.begin(ctx); err != nil {
		fail(batch, err)
		return false
	}
	written, err := d.apply(ctx, batch)
	if err != nil || written == 0 {
		d.abandon(ctx)
		fail(batch, err)
		return err != nil
	}
	if _, err = d.conn.exec(ctx, "COMMIT"); err != nil {
		d.abandon(ctx)
		return d.settle(ctx, batch, err)
	}
	d.counter++ // as SQLite did
	for _, ch := range batch {
		d.remember(ch)
	}
	return false
}

// begin opens the transaction and makes sure that memory and file agree.
func (d *database) begin(ctx context.Context) error {
	if d.doubt {
		if err := d.read(ctx); err != nil {
			return fault("read the database again", err)
		}
	}
	if d.conn == nil {
		c, err := dial(ctx, d.path)
		if err != nil {
			return fault("open the database", err)
		}
		d.conn = c
	}
	if _, err := d.conn.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return errors.Join(fault("write the database", err), d.hangUp())
	}
	n, err := counter(d.file)
	if err == nil && n == d.counter && !replaced(d.path, d.file) {
		return nil
	}
	d.abandon(ctx)
	return errChanged
}

// apply executes the changes and returns how many had an effect. What is wrong with one
// change alone becomes its error; an error of the database ends all.
func (d *database) apply(ctx context.Context, batch []*change) (written int, err error) {
	extra := d.extra
	for _, ch := range batch {
		if _, there := d.index.Get(ch.key); there && ch.verb == insert {
			ch.err = kim.ErrExists // another program was faster, and a reload has seen it
			continue
		}
		if ch.table == ours && !extra {
			if _, err := d.conn.exec(ctx, ours.definition); err != nil {
				return 0, fault("make a table", err)
			}
			extra = true
		}
		var changed bool
		if changed, ch.err, err = ch.exec(ctx, d.conn); err != nil {
			return 0, fault("write the database", err)
		}
		if changed {
			written++
		}
	}
	return written, nil
}

// exec executes one change and reports whether it changed the file, which an update to
// what is there does not: SQLite would not count a transaction of such changes alone. The
// first error is the change's own, the second that of the database.
func (ch *change) exec(ctx context.Context, c *conn) (changed bool, own, fatal error) {
	e := ch.entry
	auth, app, name := int64(ch.key.Owner.Auth), ch.key.Owner.App, string(ch.key.Name)
	var rows int64
	var err error
	switch ch.verb {
	case insert:
		rows, err = c.exec(ctx, ch.table.insertRow(), auth, app, name, e.Provider.UUID, e.Provider.Name,
			e.KeyID, versionOf(e), ch.blob, attributesVersion)
	case update:
		rows, err = c.exec(ctx, ch.table.updateRow(), auth, app, name, e.KeyID, ch.blob)
		if err == nil && rows == 0 {
			var there bool
			err = c.QueryRowContext(ctx, ch.table.countRow(), auth, app, name).Scan(&there)
			if there {
				return false, nil, err
			}
		}
	case remove:
		rows, err = c.exec(ctx, ch.table.deleteRow(), auth, app, name)
	}
	switch {
	case taken(err):
		return false, kim.ErrExists, nil
	case err == nil && rows == 0:
		return false, kim.ErrNotFound, nil
	}
	return true, nil, err
}

// remember takes a change that is in the file into memory.
func (d *database) remember(ch *change) {
	switch {
	case ch.err != nil:
	case ch.verb == remove:
		d.index.Remove(ch.key)
	default:
		d.index.Put(ch.key, ch.entry)
		d.extra = d.extra || ch.table == ours
	}
}

// settle finds out what a failed commit left: SQLite can fail after the change became
// final. Then the file is read again, memory follows it, and what is there has succeeded.
func (d *database) settle(ctx context.Context, batch []*change, cause error) (again bool) {
	cause = fault("write the database", cause)
	d.doubt = true
	if err := d.read(ctx); err != nil {
		fail(batch, cause)
		return false
	}
	lasting := syncDirectory(filepath.Dir(d.path))
	for _, ch := range batch {
		if !d.holds(ch) || lasting != nil {
			fail([]*change{ch}, cause)
			again = true
			continue
		}
		d.remember(ch)
	}
	return again && lasting == nil
}

// holds reports whether memory is as the change wants it.
func (d *database) holds(ch *change) bool {
	e, ok := d.index.Get(ch.key)
	if ch.verb == remove {
		return !ok
	}
	return ok && string(e.KeyID) == string(ch.entry.KeyID) && e.Attributes == ch.entry.Attributes && e.Adopted == ch.entry.Adopted
}

// abandon ends a transaction without a trace, and the connection with it.
func (d *database) abandon(ctx context.Context) {
	_, _ = d.conn.exec(ctx, "ROLLBACK") // SQLite may have ended it already
	_ = d.hangUp()                      // rolls back what is left
}

func (d *database) hangUp() error {
	if d.conn == nil {
		return nil
	}
	c := d.conn
	d.conn = nil
	return c.close()
}

// fail gives an error to all changes of a batch that have none of their own.
func fail(batch []*change, err error) {
	for _, ch := range batch {
		if ch.err == nil {
			ch.err = err
		}
	}
}
