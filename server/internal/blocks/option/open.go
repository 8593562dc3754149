package option

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/directory"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/memory"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/postgres"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/raid"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/s3"
)

// mockedLimit bounds what is kept in memory.
const mockedLimit = 1 << 30

// Resources are what stores stand on.
type Resources struct {
	// Pool is the data base of the server, which POSTGRESQL needs. It stays the caller's.
	Pool *pgxpool.Pool
	// Roots are the certificate authorities that S3 stores are trusted by, in place of the
	// system's.
	Roots *x509.CertPool
	Log   *slog.Logger
	// Original opens the stores of an original server, whose data base Pool is then, to
	// import from. Nothing is written.
	Original bool
	// ReadOnly opens the stores to read them. Those that cannot be opened so are opened as always.
	ReadOnly bool
}

// Open opens the stores. If one fails, those that were opened are closed.
func (c Config) Open(ctx context.Context, r Resources) (_ blocks.Store, err error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	stores := []blocks.Store{}
	defer func() {
		if err != nil {
			for _, s := range stores {
				err = errors.Join(err, s.Close())
			}
		}
	}()
	for i, m := range c.Members {
		s, err := m.open(ctx, r)
		if err != nil {
			return nil, where(c.Mode, i, fmt.Errorf("cannot open %s: %w", m.place(), err))
		}
		stores = append(stores, s)
	}
	o := raid.Options{PartialCreate: c.PartialCreate, Log: r.Log}
	switch c.Mode {
	case RAID0:
		return raid.NewStripe(stores, r.Log)
	case RAID1:
		return raid.NewMirror(stores, o)
	case RAID5:
		return raid.NewParity(stores, o)
	case Single:
	}
	return stores[0], nil
}

func (m Member) open(ctx context.Context, r Resources) (blocks.Store, error) {
	switch m.Kind {
	case Directory:
		if r.Original {
			return nil, errors.New("an original server has no block directory")
		}
		return directory.Open(m.Path)
	case PostgreSQL:
		if r.Pool == nil {
			return nil, errors.New("POSTGRESQL needs a PostgreSQL data base")
		}
		if r.Original {
			return postgres.OpenOriginal(ctx, r.Pool)
		}
		return postgres.New(ctx, r.Pool)
	case S3:
		o := m.s3Options()
		o.Roots, o.Log, o.ReadOnly = r.Roots, r.Log, r.Original || r.ReadOnly
		return s3.Open(ctx, o)
	case Mocked:
		if r.Original {
			return nil, errors.New("the memory of an original server cannot be read")
		}
	}
	return memory.New(mockedLimit), nil
}

func (m Member) s3Options() s3.Options {
	return s3.Options{Endpoint: m.Endpoint, Region: m.Region, Bucket: m.Bucket, Key: m.Key, Secret: m.Secret, Lookup: m.Lookup}
}
