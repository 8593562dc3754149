package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"filippo.io/age"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// WriterOptions configures a Writer.
type WriterOptions struct {
	// Passphrase opens the archive again: 1 to MaxPassphrase bytes without line ends.
	Passphrase []byte
	// AgentVersion, Created (default: now) and Keys go into the manifest.
	AgentVersion string
	Created      time.Time
	Keys         int

	testOnlyWorkFactor int
}

// Writer writes an archive.
type Writer struct {
	sealed io.WriteCloser // age's side
	plain  plainWriter
}

// NewWriter begins an archive in w. It blocks for the derivation of its key. What was
// written without a Close is refused by every reader.
func NewWriter(ctx context.Context, w io.Writer, opts WriterOptions) (*Writer, error) {
	if err := checkPassphrase(opts.Passphrase); err != nil {
		return nil, err
	}
	m := Manifest{AgentVersion: opts.AgentVersion, Created: opts.Created, Keys: opts.Keys}
	if m.Created.IsZero() {
		m.Created = time.Now()
	}
	scrypt, err := opts.recipient()
	if err != nil {
		return nil, err
	}
	sealed, err := age.Encrypt(w, recipient{scrypt, ctx})
	if err != nil {
		return nil, fmt.Errorf("cannot begin an archive: %w", err)
	}
	aw := &Writer{sealed: sealed}
	if err := aw.plain.begin(sealed, m); err != nil {
		return nil, err
	}
	return aw, nil
}

// Write adds a record. A record that no archive may hold is refused with
// StatusInvalidArgument and leaves the archive as it was; any other error ends it.
func (w *Writer) Write(r *Record) error { return w.plain.write(r) }

// Keys returns how many records were written.
func (w *Writer) Keys() int { return w.plain.end.Keys }

// Close writes the end of the archive. It does not close what is below.
func (w *Writer) Close() error {
	if err := w.plain.close(); err != nil {
		return err
	}
	if err := w.sealed.Close(); err != nil {
		return fmt.Errorf("cannot end the archive: %w", err)
	}
	return nil
}

// plainWriter writes the lines inside an archive.
type plainWriter struct {
	out    io.Writer
	digest hash.Hash
	line   []byte
	seen   identities
	end    endLine
	err    error
}

// begin writes the manifest.
func (w *plainWriter) begin(out io.Writer, m Manifest) error {
	if y := m.Created.UTC().Year(); !text(m.AgentVersion, MaxText) || m.Keys < 0 || y < 0 || y > 9999 {
		return errors.New("cannot begin an archive: its manifest has impossible values")
	}
	w.out, w.digest, w.seen = out, sha256.New(), identities{}
	line, err := appendLine(nil, manifestOf(m))
	if err != nil {
		return fmt.Errorf("cannot begin an archive: %w", err)
	}
	return w.put(line)
}

func (w *plainWriter) write(r *Record) error {
	if w.err != nil {
		return w.err
	}
	rec := *r // the material stays the caller's
	rec.Note = note(r.Note)
	switch {
	case w.end.Keys == MaxRecords:
		return refusal(&rec, fmt.Errorf("an archive holds at most %d keys", MaxRecords))
	case rec.check() != nil:
		return refusal(&rec, rec.check())
	case w.seen.has(&rec):
		return refusal(&rec, errTwice)
	}
	line, err := appendRecord(w.line[:0], &rec)
	w.line = line[:0]
	defer clear(line)
	switch {
	case err != nil:
		return refusal(&rec, err)
	case len(line) > maxLine:
		return refusal(&rec, fmt.Errorf("its record is longer than %d bytes", maxLine))
	}
	if err := w.put(line); err != nil {
		return err
	}
	w.seen.add(&rec)
	w.end.Keys++
	if len(rec.Material) > 0 {
		w.end.Material++
	}
	return nil
}

// put writes a line and its line feed.
func (w *plainWriter) put(line []byte) error {
	for _, b := range [][]byte{line, {'\n'}} {
		_, _ = w.digest.Write(b) // never fails
		if _, err := w.out.Write(b); err != nil {
			w.err = fmt.Errorf("cannot write the archive: %w", err)
			return w.err
		}
	}
	return nil
}

// close writes the end line, once.
func (w *plainWriter) close() error {
	if w.err != nil {
		return w.err
	}
	w.end.Record, w.end.SHA256 = kindEnd, hex.EncodeToString(w.digest.Sum(nil))
	line, err := appendLine(nil, &w.end)
	if err != nil {
		return fmt.Errorf("cannot end the archive: %w", err)
	}
	if err := w.put(line); err != nil {
		return err
	}
	w.err = errors.New("the archive is closed")
	return nil
}

func refusal(r *Record, err error) error {
	return &wire.Error{Status: wire.StatusInvalidArgument, Object: object(r.Name), Reason: err.Error(), Err: err}
}
