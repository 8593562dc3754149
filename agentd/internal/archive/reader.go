package archive

import (
	"context"
	"errors"
	"io"

	"filippo.io/age"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Reader reads an archive that it has verified.
type Reader struct {
	src      io.ReadSeeker
	key      []byte
	scan     *scanner
	verified endLine
	manifest Manifest
	err      error // sticks
}

// NewReader opens the archive in src, from its beginning, and verifies all of it before it
// returns: passphrase, every byte, every record, counts and digest. It blocks for the
// derivation of the key and one pass over src, which must not change as long as the
// Reader is used.
//
// Errors carry StatusDataCorrupt (damaged, or no archive), StatusNotSupported (a later
// version), or are ErrPassphrase.
func NewReader(ctx context.Context, src io.ReadSeeker, passphrase []byte) (*Reader, error) {
	if err := checkPassphrase(passphrase); err != nil {
		return nil, err
	}
	r := &Reader{src: src}
	if err := rewind(src); err != nil {
		return nil, err
	}
	header, err := age.ExtractHeader(src)
	if err != nil {
		return nil, ageError(err)
	}
	if r.key, err = fileKey(ctx, header, passphrase); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, ageError(err)
	}
	if err := r.verify(ctx); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// verify reads everything once.
func (r *Reader) verify(ctx context.Context) error {
	if err := r.Rewind(); err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		rec, err := r.scan.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		rec.Wipe()
	}
	r.verified, r.manifest = r.scan.end, r.scan.manifest
	return r.Rewind()
}

// Manifest returns what the archive says about itself.
func (r *Reader) Manifest() Manifest { return r.manifest }

// Keys returns how many records there are.
func (r *Reader) Keys() int { return r.verified.Keys }

// Next returns the next record, whose material the caller wipes, or io.EOF after the last.
func (r *Reader) Next() (*Record, error) {
	if r.err != nil {
		return nil, r.err
	}
	rec, err := r.scan.next()
	switch {
	case errors.Is(err, io.EOF) && r.scan.end != r.verified:
		r.err = damaged("it was replaced while it was read")
	case err != nil:
		r.err = err
	default:
		return rec, nil
	}
	return nil, r.err
}

// Rewind goes back to the first record. It costs no derivation.
func (r *Reader) Rewind() error {
	if r.key == nil {
		return errClosed
	}
	if r.scan != nil {
		r.scan.lines.wipe()
	}
	if r.err = rewind(r.src); r.err != nil {
		return r.err
	}
	plain, err := age.Decrypt(r.src, age.NewInjectedFileKeyIdentity(r.key))
	if err == nil {
		r.scan, err = newScanner(plain)
	}
	if err != nil {
		r.err = ageError(err)
	}
	return r.err
}

var errClosed = errors.New("the archive is closed")

// Close wipes what the Reader holds. It does not close what is below.
func (r *Reader) Close() {
	clear(r.key)
	r.key, r.err = nil, errClosed
	if r.scan != nil {
		r.scan.lines.wipe()
	}
}

func rewind(src io.Seeker) error {
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return &wire.Error{Status: wire.StatusStorageFailure, Object: objectArchive, Reason: "it cannot be read", Err: err}
	}
	return nil
}
