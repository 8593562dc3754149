package store

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// Pending returns the version of a database's schema, 0 for one without tables, and the migrations that it waits for. Nothing is changed.
func Pending(ctx context.Context, o Options) (version int64, names []string, err error) {
	if version, err = current(ctx, o); err != nil {
		return 0, nil, err
	}
	all, err := schema.ReadDir("schema")
	if err != nil {
		return 0, nil, err
	}
	last, err := Newest()
	if err != nil {
		return 0, nil, err
	}
	if version > last {
		return 0, nil, fmt.Errorf("%w: its schema has version %d, this program knows %d", ErrForeign, version, last)
	}
	for _, e := range all { // in the order of their numbers, which have four digits
		if e.Name()[:4] > fmt.Sprintf("%04d", version) {
			names = append(names, strings.TrimSuffix(e.Name(), ".sql"))
		}
	}
	return version, names, nil
}

func current(ctx context.Context, o Options) (version int64, err error) {
	if scheme, rest, _ := strings.Cut(o.URL, ":"); scheme == "sqlite" {
		path, err := sqlitePath(rest)
		if err != nil {
			return 0, err
		}
		if info, err := os.Stat(path); os.IsNotExist(err) || err == nil && info.Size() == 0 {
			return 0, nil // it is made when it is migrated
		}
	}
	s, err := OpenToRead(ctx, o)
	if err != nil {
		return 0, err
	}
	err = s.Read(ctx, func(tx *Tx) (err error) {
		version, err = Version(ctx, tx)
		return err
	})
	if e := s.Close(); err == nil {
		err = e
	}
	return version, err
}
