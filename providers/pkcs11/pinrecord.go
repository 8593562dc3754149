package pkcs11

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// pinRecord remembers, for each token, which PINs it refused and which were sent without
// learning the outcome: docs/formats/pkcs11-pin-record.md. Without a record that is on disk no
// PIN is sent.
type pinRecord struct{ dir string }

// recordLock serialises changes of records: instances of one process may share a token.
var recordLock sync.Mutex

const (
	recordVersion = 1
	maxRecord     = 64 << 10
	maxPINs       = 64
	// maxUnknown is how often a PIN is sent without learning the outcome.
	maxUnknown = 5
)

type tokenRecord struct {
	Version int    `json:"version"`
	Token   string `json:"token"`
	Key     string `json:"key"`
	PINs    []pin  `json:"pins"`
}

type pin struct {
	MAC     string `json:"mac"`
	Refused string `json:"refused,omitempty"` // the CKR name; empty while the outcome is unknown
	Unknown int    `json:"unknown,omitempty"` // how often it was sent without an outcome
}

// path names the file of a token by what does not change while it is the same token.
func (r pinRecord) path(t frame.Token) string {
	h := sha256.New()
	for _, s := range []string{t.Manufacturer, t.Model, t.Serial} {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return filepath.Join(r.dir, hex.EncodeToString(h.Sum(nil)[:16])+".json")
}

// load reads a token's record; one that is missing is empty. One that is damaged is an
// error: it may say that a PIN must not be sent.
func (r pinRecord) load(t frame.Token) (*tokenRecord, error) {
	path := r.path(t)
	b, err := os.ReadFile(path) //nolint:gosec // the name is a hash
	if errors.Is(err, fs.ErrNotExist) {
		key := make([]byte, sha256.Size)
		_, _ = rand.Read(key) // never fails
		return &tokenRecord{Version: recordVersion, Token: fmt.Sprintf("%q, serial number %q", t.Label, t.Serial), Key: hex.EncodeToString(key)}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the record of refused PINs: %w", err)
	}
	rec := &tokenRecord{}
	if len(b) > maxRecord || json.Unmarshal(b, rec) != nil || rec.Version != recordVersion || len(rec.PINs) > maxPINs {
		return nil, fmt.Errorf("the record of refused PINs %s is damaged; remove it if the configured PIN is right", path)
	}
	if key, err := hex.DecodeString(rec.Key); err != nil || len(key) != sha256.Size {
		return nil, fmt.Errorf("the record of refused PINs %s has no key; remove it if the configured PIN is right", path)
	}
	return rec, nil
}

// mac identifies a PIN in a record.
func (rec *tokenRecord) mac(secret []byte) string {
	key, _ := hex.DecodeString(rec.Key) // load checked it
	h := hmac.New(sha256.New, key)
	h.Write([]byte("parsec-agent refused pin v1\x00"))
	h.Write(secret)
	return hex.EncodeToString(h.Sum(nil))
}

func (rec *tokenRecord) find(mac string) *pin {
	for i := range rec.PINs {
		if hmac.Equal([]byte(rec.PINs[i].MAC), []byte(mac)) {
			return &rec.PINs[i]
		}
	}
	return nil
}

// begin refuses a PIN that must not be sent, and else records durably that it is sent.
func (r pinRecord) begin(s frame.Slot, secret []byte) error {
	recordLock.Lock()
	defer recordLock.Unlock()
	rec, err := r.load(s.Token)
	if err != nil {
		return err
	}
	mac := rec.mac(secret)
	entry := rec.find(mac)
	if entry == nil {
		rec.PINs = append(rec.PINs[max(0, len(rec.PINs)-maxPINs+1):], pin{MAC: mac})
		entry = &rec.PINs[len(rec.PINs)-1]
	}
	low := s.Token.Flags&ck.FlagUserPINCountLow != 0
	switch {
	case entry.Refused != "":
		return &pinError{reason: fmt.Sprintf("the token refused this PIN before (%s), so it is not sent again", entry.Refused), file: r.path(s.Token)}
	case entry.Unknown > 0 && (low || entry.Unknown >= maxUnknown):
		return &pinError{
			reason: fmt.Sprintf("this PIN was sent %d times without learning whether it is right, and must not use up the tries", entry.Unknown),
			file:   r.path(s.Token),
		}
	}
	entry.Unknown++
	return r.save(s.Token, rec)
}

// end records what came of a PIN that was sent.
func (r pinRecord) end(t frame.Token, secret []byte, result ck.RV) error {
	recordLock.Lock()
	defer recordLock.Unlock()
	rec, err := r.load(t)
	if err != nil {
		return err
	}
	entry := rec.find(rec.mac(secret))
	switch {
	case entry == nil:
		return errors.New("the record of refused PINs changed while a PIN was tried")
	case result == ck.RVPINIncorrect || result == ck.RVPINInvalid || result == ck.RVPINLenRange:
		entry.Refused, entry.Unknown = result.String(), 0
	default: // it was accepted, or not looked at
		*entry = pin{MAC: entry.MAC}
	}
	rec.compact()
	return r.save(t, rec)
}

// compact leaves out what says nothing.
func (rec *tokenRecord) compact() {
	kept := rec.PINs[:0]
	for _, p := range rec.PINs {
		if p.Refused != "" || p.Unknown > 0 {
			kept = append(kept, p)
		}
	}
	rec.PINs = kept
}

// save writes a record durably; an empty one is removed.
func (r pinRecord) save(t frame.Token, rec *tokenRecord) error {
	err := r.write(t, rec)
	if err != nil {
		return fmt.Errorf("cannot write the record of refused PINs, so no PIN is sent: %w", err)
	}
	return nil
}

func (r pinRecord) write(t frame.Token, rec *tokenRecord) error {
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	path := r.path(t)
	if len(rec.PINs) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return syncDir(r.dir)
	}
	b, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		return err
	}
	if err := replace(path, append(b, '\n')); err != nil {
		return err
	}
	return syncDir(r.dir)
}

// replace writes a file of mode 0600 that is whole or as it was.
func replace(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the provider's own directory
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// pinError is a PIN that is not sent.
type pinError struct{ reason, file string }

func (e *pinError) Error() string { return e.reason }
