package trust

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
)

// Restore gives a store that has nothing yet the certificates that it, or another like it, had accepted: rows in their order from the start of
// a chain, over as many calls as one likes, each up to the end of a batch. Signatures are not verified again, for the rows are this device's own; rules are
// applied, because what is true follows from them. What is refused leaves the store empty.
func (s *Store) Restore(rows []*Kept) ([]Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := s.restore(rows)
	if err != nil {
		s.state, s.restored = newState(), nil
		return nil, err
	}
	return entries, nil
}

func (s *Store) restore(rows []*Kept) ([]Entry, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	if !rows[len(rows)-1].last {
		return nil, fmt.Errorf("%w: a batch has no end", ErrKept)
	}
	a := &adder{store: s, state: &s.state}
	for _, row := range rows {
		if err := s.follows(row); err != nil {
			return nil, err
		}
		if err := a.restoreRow(row); err != nil {
			return nil, fmt.Errorf("%w: row %d: %w", ErrKept, row.from.Rows, err)
		}
		to := row.to
		s.restored = &to
	}
	return a.accepted, nil
}

// follows reports whether a row is of this store, and the next one.
func (s *Store) follows(row *Kept) error {
	switch {
	case row.root != s.root || row.self != s.self:
		return fmt.Errorf("%w: they are of another user or organisation", ErrKept)
	case s.restored != nil && row.from != *s.restored, s.restored == nil && (row.from.Rows > 0 || !s.state.empty()):
		return fmt.Errorf("%w: row %d does not follow", ErrKept, row.from.Rows)
	}
	return nil
}

func (a *adder) restoreRow(row *Kept) error {
	read := a.readAll(row.entries)
	for i, e := range row.entries {
		c, err := read[i].certificate, read[i].err
		if !read[i].done {
			c, err = a.readKept(e)
		}
		if err == nil {
			err = a.apply(e.topic, e.realm, c)
		}
		if err != nil {
			return located(err, e.topic, e.realm, i)
		}
		a.undo = a.undo[:0] // nobody goes back
		a.accepted = append(a.accepted, Entry{Topic: e.topic, Realm: e.realm, Signed: e.signed, Certificate: c})
	}
	return nil
}

// readAll reads on all processors what needs nothing but itself.
func (a *adder) readAll(entries []keptEntry) []verified {
	results := make([]verified, len(entries))
	workers := runtime.GOMAXPROCS(0)
	wait := sync.WaitGroup{}
	for first := range min(workers, len(entries)) {
		wait.Go(func() {
			for i := first; i < len(entries); i += workers {
				if entries[i].topic == TopicSequester {
					continue // where the content begins says the authority's key, which may be in the same row
				}
				c, err := a.readKept(entries[i])
				results[i] = verified{certificate: c, err: err, done: true}
			}
		})
	}
	wait.Wait()
	return results
}

// readKept reads a certificate whose signature was verified when it was accepted.
func (a *adder) readKept(e keptEntry) (Certificate, error) {
	if e.topic == TopicSequester && bytes.HasPrefix(e.signed, []byte(sequesterSignature+":")) {
		if a.authority == nil {
			return nil, refuse(NotSequestered)
		}
		_, message, err := splitSequester(e.signed, sequesterSignature, a.authorityKey.key.Size())
		if err != nil {
			return nil, err
		}
		c, err := loadCertificate(message, newServiceCertificate)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
	if len(e.signed) < SignatureSize {
		return nil, ErrSignature
	}
	return loadCertificate(e.signed[SignatureSize:], newCertificate)
}
