package directory

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
)

// Health implements blocks.Store.
func (s *Store) Health(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := readMarker(s.root); err != nil {
		return blocks.Unavailable(err)
	}
	if err := s.there(); err != nil {
		return err
	}
	return writable(s.path)
}

// there checks that the path still leads to the directory that was opened, for the next
// start will follow it.
func (s *Store) there() error {
	d, err := durable.Open(s.path)
	if err != nil {
		return fmt.Errorf("%w: %w", blocks.ErrDegraded, err)
	}
	defer func() { _ = d.Close() }() // of a directory: nothing is lost
	if d.Identity() != s.root.Identity() {
		return fmt.Errorf("%w: %s is another directory than at the start", blocks.ErrDegraded, s.path)
	}
	return nil
}

// writable reports a disk that takes no further block.
func writable(path string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return blocks.Unavailable(err)
	}
	if st.Flags&unix.ST_RDONLY != 0 {
		return fmt.Errorf("%w: the disk of %s is read-only", blocks.ErrDegraded, path)
	}
	if st.Bavail*uint64(st.Bsize) < blocks.MaxSize { //nolint:gosec // a size of blocks is positive
		return fmt.Errorf("%w: the disk of %s is full", blocks.ErrDegraded, path)
	}
	return nil
}
