package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"
)

// holdFile is what a backup locks beside a file of SQLite, shared with other backups.
const holdFile = ".backup"

// holdPause is how often a backup looks whether it may begin.
const holdPause = 20 * time.Millisecond

// HoldBlocks keeps content in block stores from being removed, until the release, for a backup that copies what rows name which may be gone by then. Whoever
// removes content asks Tx.Unheld in the transaction that decides about it. The release says when the hold was lost on the way.
func (s *Store) HoldBlocks(ctx context.Context) (release func() error, err error) {
	switch b := s.backend.(type) {
	case *postgres:
		return b.hold(ctx)
	case *sqlite:
		return hold(ctx, strings.TrimSuffix(b.lock.Name(), lockSuffix))
	case *reader:
		return hold(ctx, b.path)
	}
	return nil, fmt.Errorf("a store of kind %T cannot hold blocks", s.backend)
}

func hold(ctx context.Context, path string) (func() error, error) {
	f, err := os.OpenFile(path+holdFile, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the administrator's path
	if err != nil {
		return nil, fmt.Errorf("cannot hold blocks: %w", err)
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
		if err == nil {
			return f.Close, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(fmt.Errorf("cannot hold blocks: %w", err), f.Close())
		}
		select {
		case <-time.After(holdPause):
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		}
	}
}

// hold keeps a connection of its own: the lock ends with it.
func (p *postgres) hold(ctx context.Context) (func() error, error) {
	c, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return nil, postgresFault(err)
	}
	// Transactions that removed something before they could see the first lock have ended when the second one is had.
	for i, text := range []string{"SELECT pg_advisory_lock_shared($1)", "SELECT pg_advisory_lock($1)", "SELECT pg_advisory_unlock($1)"} {
		if _, err := c.Exec(ctx, text, backups+int64(min(i, 1))); err != nil {
			return nil, errors.Join(postgresFault(err), c.Close(context.WithoutCancel(ctx)))
		}
	}
	return func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), holdTime)
		defer cancel()
		held := false
		err := c.QueryRow(ctx, "SELECT pg_advisory_unlock_shared($1)", backups).Scan(&held)
		if err = errors.Join(err, c.Close(ctx)); err == nil && !held {
			err = errors.New("the lock was not held")
		}
		if err != nil {
			return fmt.Errorf("%w: the hold on blocks was lost: %w", ErrUnavailable, err)
		}
		return nil
	}, nil
}

// holdTime bounds the end of a hold.
const holdTime = 10 * time.Second

// backups is the key of the lock that backups share; those who remove something share the next one. No other lock has the highest kind.
const backups = int64(kindBackups) << 56

// Unheld reports whether no backup is at work, and keeps one from beginning until the transaction has ended.
func (t *Tx) Unheld(ctx context.Context) (free bool, err error) {
	switch c := t.conn.(type) {
	case *pgConn:
		c.queue("SELECT pg_advisory_xact_lock_shared($1)", backups+1)
		const look = `SELECT NOT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database()
			AND l.locktype = 'advisory' AND l.mode = 'ShareLock' AND l.granted AND l.classid = $1 AND l.objid = 0 AND l.objsubid = 1)`
		_, err := t.Get(ctx, SQL(look, uint32(backups>>32)), &free)
		return free, err
	case *session:
		return t.unheld(c.path)
	}
	return false, fmt.Errorf("a transaction of kind %T knows no backups", t.conn)
}

func (t *Tx) unheld(path string) (bool, error) {
	f, err := os.OpenFile(path+holdFile, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the administrator's path
	if err != nil {
		return false, fmt.Errorf("cannot look for backups: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		if errors.Is(err, unix.EWOULDBLOCK) {
			return false, nil
		}
		return false, fmt.Errorf("cannot look for backups: %w", err)
	}
	t.after = append(t.after, f.Close)
	return true, nil
}
