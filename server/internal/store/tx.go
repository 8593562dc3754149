package store

import (
	"context"
	"fmt"
	"slices"
)

// Row is what a statement found, for the time of a call.
type Row interface {
	Scan(dest ...any) error
}

// Statement is SQL with its arguments.
type Statement struct {
	text string
	args []any
}

// SQL makes a statement. Texts are constants: each is prepared once and kept.
func SQL(text string, args ...any) Statement { return Statement{text, args} }

// is reports whether two statements ask the same. Arguments of other types than numbers, texts and bytes are never the same.
func (s Statement) is(other Statement) bool {
	return s.text == other.text && slices.EqualFunc(s.args, other.args, func(a, b any) bool {
		switch a := a.(type) {
		case int64, string:
			return a == b
		case []byte:
			b, ok := b.([]byte)
			return ok && slices.Equal(a, b)
		}
		return false
	})
}

// Tx is a transaction. One goroutine at a time may use it, and nobody after the function that it was given to.
type Tx struct {
	conn conn
	// emitted are the messages that wait for the commit.
	emitted []Message
	write   bool
	// after is what SQLite does once the transaction has ended.
	after []func() error
}

// conn is a connection inside of a transaction.
type conn interface {
	exec(ctx context.Context, s Statement) (int64, error)
	each(ctx context.Context, s Statement, f func(Row) error) error
	// many runs statements in few round trips.
	many(ctx context.Context, all []Statement, f func(Row) error) error
	// foresee is Tx.Foresee; only says that nothing else will be asked.
	foresee(all []Statement, only bool)
	lock(ctx context.Context, locks []Lock) error
	// put is exec, at the latest when the transaction commits, which it keeps from that if it fails.
	put(ctx context.Context, s Statement) error
}

// Exec runs a statement and returns how many rows it changed.
func (t *Tx) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	if !t.write {
		return 0, fmt.Errorf("cannot run %.20q: the transaction only reads", text)
	}
	return t.conn.exec(ctx, Statement{text, args})
}

// Put runs a statement of which only matters that it works. It need not have run when Put returns: statements after it see what it wrote, and if it fails, so does one of
// those, or the commit. What arguments point to stays as it is until then.
func (t *Tx) Put(ctx context.Context, text string, args ...any) error {
	if !t.write {
		return fmt.Errorf("cannot run %.20q: the transaction only reads", text)
	}
	return t.conn.put(ctx, Statement{text, args})
}

// Get reads the first row of a statement into dest, and reports whether there is one.
func (t *Tx) Get(ctx context.Context, s Statement, dest ...any) (bool, error) {
	found := false
	err := t.conn.each(ctx, s, func(r Row) error {
		if found {
			return nil
		}
		found = true
		return r.Scan(dest...)
	})
	return found && err == nil, err
}

// Each calls f for every row of a statement, in order. f must not use the transaction.
func (t *Tx) Each(ctx context.Context, s Statement, f func(Row) error) error {
	return t.conn.each(ctx, s, f)
}

// Many runs statements, and calls f for every row, in order.
func (t *Tx) Many(ctx context.Context, all []Statement, f func(Row) error) error {
	return t.conn.many(ctx, all, f)
}

// Foresee says what will be read next, each statement once and in this order, or the first ones of them: they go to a database that is far away at once.
func (t *Tx) Foresee(all ...Statement) { t.conn.foresee(all, false) }

// ForeseeAll is Foresee of all that will be read. In a transaction that only reads nothing else can be read then: it has ended when these are answered.
func (t *Tx) ForeseeAll(all ...Statement) { t.conn.foresee(all, !t.write) }

// Lock takes further locks, all of a kind above those that are held.
func (t *Tx) Lock(ctx context.Context, locks ...Lock) error { return t.conn.lock(ctx, locks) }

// Emit sends a message to all processes when the transaction commits.
func (t *Tx) Emit(m Message) { t.emitted = append(t.emitted, m) }
