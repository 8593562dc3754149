package directory

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// enter waits for a turn, which leave ends.
func (s *Store) enter(ctx context.Context) error {
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return blocks.Unavailable(ctx.Err())
	}
}

func (s *Store) leave() { <-s.slots }

// folder is where blocks are: ids spread over 256 folders of their organisation.
type folder struct {
	org   trust.OrganizationID
	first byte // of the id
}

func (f folder) name() string { return hex.EncodeToString([]byte{f.first}) }

// open opens a folder. All is relative to the directory that Open opened, whatever its
// path leads to now: a disk that is no longer mounted has not lost its blocks.
func (s *Store) open(f folder) (*durable.Dir, error) {
	org, err := s.root.OpenDir(f.org.String())
	if err != nil {
		return nil, err
	}
	defer func() { _ = org.Close() }() // of a directory: nothing is lost
	return org.OpenDir(f.name())
}

// ensure opens a folder, which it makes and whose name it makes durable. That the folder
// exists does not say that: another process may be just making it.
func (s *Store) ensure(f folder) (*durable.Dir, error) {
	if _, known := s.folders.Load(f); known {
		return s.open(f)
	}
	if err := s.root.MakeDir(f.org.String()); err != nil {
		return nil, err
	}
	org, err := s.root.OpenDir(f.org.String())
	if err != nil {
		return nil, err
	}
	defer func() { _ = org.Close() }() // of a directory: nothing is lost
	if err := org.MakeDir(f.name()); err != nil {
		return nil, err
	}
	s.folders.Store(f, struct{}{})
	return org.OpenDir(f.name())
}

// Create implements blocks.Store.
func (s *Store) Create(ctx context.Context, org trust.OrganizationID, id trust.BlockID, data []byte) error {
	if err := blocks.CheckCreate(ctx, org, data); err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	d, err := s.ensure(folder{org, id[0]})
	if err != nil {
		return blocks.Unavailable(err)
	}
	defer func() { _ = d.Close() }() // of a directory: nothing is lost
	name := blocks.Name(id)
	err = d.Add(name, data)
	if errors.Is(err, fs.ErrExist) {
		// Who finds the same block does not know whether it is durable yet.
		if err = compare(d, name, data); err == nil {
			err = d.Confirm(name)
		}
	}
	if err == nil || errors.Is(err, blocks.ErrExists) {
		return err
	}
	return blocks.Unavailable(err)
}

// compare says ErrExists when the file has other content.
func compare(d *durable.Dir, name string, data []byte) error {
	old, err := read(d, name, nil)
	if err == nil && subtle.ConstantTimeCompare(old, data) != 1 || errors.Is(err, blocks.ErrCorrupt) {
		return blocks.ErrExists
	}
	return err
}

// read reads a file behind what is in into, which is returned alone after an error.
func read(d *durable.Dir, name string, into []byte) ([]byte, error) {
	f, err := d.OpenFile(name)
	if err != nil {
		return into, err
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := f.Append(into, blocks.MaxSize)
	if errors.Is(err, durable.ErrSize) {
		return into, fmt.Errorf("%w: %w", blocks.ErrCorrupt, err)
	}
	return data, err
}

// Read implements blocks.Store.
func (s *Store) Read(ctx context.Context, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	data, err := s.Append(ctx, []byte{}, org, id)
	if err != nil {
		return nil, err
	}
	return data, nil
}

// Append implements blocks.Appender.
func (s *Store) Append(ctx context.Context, into []byte, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	if err := blocks.Check(ctx, org); err != nil {
		return into, err
	}
	if err := s.enter(ctx); err != nil {
		return into, err
	}
	defer s.leave()
	d, err := s.open(folder{org, id[0]})
	if err != nil {
		return into, failure(err)
	}
	defer func() { _ = d.Close() }() // of a directory: nothing is lost
	data, err := read(d, blocks.Name(id), into)
	if err != nil {
		return into, failure(err)
	}
	return data, nil
}

// Open implements blocks.Opener.
func (s *Store) Open(ctx context.Context, org trust.OrganizationID, id trust.BlockID) (blocks.Content, int, error) {
	if err := blocks.Check(ctx, org); err != nil {
		return nil, 0, err
	}
	if err := s.enter(ctx); err != nil {
		return nil, 0, err
	}
	defer s.leave()
	d, err := s.open(folder{org, id[0]})
	if err != nil {
		return nil, 0, failure(err)
	}
	defer func() { _ = d.Close() }() // of a directory: nothing is lost
	f, err := d.OpenFile(blocks.Name(id))
	switch {
	case err != nil:
		return nil, 0, failure(err)
	case f.Size > blocks.MaxSize:
		return nil, 0, errors.Join(fmt.Errorf("%w: it has %d bytes, at most %d are possible", blocks.ErrCorrupt, f.Size, blocks.MaxSize), f.Close())
	}
	return f, int(f.Size), nil
}

// failure makes an error of a store of one of the file system.
func failure(err error) error {
	switch {
	case errors.Is(err, blocks.ErrCorrupt):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return blocks.ErrNotFound
	}
	return blocks.Unavailable(err)
}

// Delete implements blocks.Store.
func (s *Store) Delete(ctx context.Context, org trust.OrganizationID, id trust.BlockID) error {
	if err := blocks.Check(ctx, org); err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	d, err := s.open(folder{org, id[0]})
	if err == nil {
		defer func() { _ = d.Close() }() // of a directory: nothing is lost
		err = d.Remove(blocks.Name(id))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return blocks.Unavailable(err)
	}
	return nil
}

// Close implements blocks.Store.
func (s *Store) Close() error { return s.root.Close() }
