package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// A scanner reads the lines inside an archive and holds them to the format: a manifest,
// records, an end that counts and digests what came before, nothing behind.
type scanner struct {
	lines    lineReader
	digest   hash.Hash
	manifest Manifest
	seen     identities
	end      endLine // what was read so far
	done     bool
}

// newScanner reads the manifest.
func newScanner(r io.Reader) (*scanner, error) {
	s := &scanner{lines: lineReader{r: r}, digest: sha256.New(), seen: identities{}}
	line, err := s.lines.next()
	if err != nil {
		return nil, truncated(err)
	}
	if s.manifest, err = parseManifest(line); err != nil {
		return nil, err
	}
	s.count(line)
	return s, nil
}

// next returns the next record, or io.EOF after a right end.
func (s *scanner) next() (*Record, error) {
	if s.done {
		return nil, io.EOF
	}
	line, err := s.lines.next()
	if err != nil {
		return nil, truncated(err)
	}
	defer clear(line)
	if bytes.HasPrefix(line, []byte(`{"record":"`+kindEnd+`"`)) {
		return nil, s.finish(line)
	}
	rec, err := parseRecord(line)
	if err != nil {
		return nil, damaged("record %d: %w", s.end.Keys+1, err)
	}
	switch {
	case s.end.Keys == MaxRecords:
		err = fmt.Errorf("an archive holds at most %d keys", MaxRecords)
	case s.seen.has(rec):
		err = errTwice
	default:
		s.seen.add(rec)
		s.end.Keys++
		if len(rec.Material) > 0 {
			s.end.Material++
		}
		s.count(line)
		return rec, nil
	}
	rec.Wipe()
	return nil, damaged("record %d: %w", s.end.Keys+1, err)
}

// finish compares the end line with what was read, and makes sure that nothing follows.
func (s *scanner) finish(line []byte) error {
	var end endLine
	if err := parseLine(line, &end); err != nil {
		return damaged("end: %w", err)
	}
	s.end.Record, s.end.SHA256 = kindEnd, hex.EncodeToString(s.digest.Sum(nil))
	if end != s.end {
		return damaged("its end does not fit its content")
	}
	switch _, err := s.lines.next(); {
	case err == nil || errors.Is(err, errUnfinished) || errors.Is(err, errLong):
		return damaged("something follows its end")
	case !errors.Is(err, io.EOF):
		return truncated(err)
	}
	s.done = true
	return io.EOF
}

func (s *scanner) count(line []byte) {
	_, _ = s.digest.Write(line) // never fails
	_, _ = s.digest.Write([]byte{'\n'})
}

// truncated translates the error of a line that did not come.
func truncated(err error) error {
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, errUnfinished):
		return damaged("it ends before its end")
	case errors.Is(err, errLong):
		return damaged("%w", err)
	}
	return ageError(err)
}
