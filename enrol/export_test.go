package enrol

import (
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// Hurry makes a desk wait next to nothing.
func (d *Desk) Hurry() *Desk {
	d.pace = pace{
		poll: []time.Duration{time.Millisecond, 2 * time.Millisecond, 4 * time.Millisecond}, watch: 10 * time.Millisecond,
		offline: []time.Duration{time.Millisecond}, farewell: 5 * time.Second,
	}
	return d
}

// BeforeDisk calls f before each change of the journal's disk, which an error keeps from happening.
func (j *Journal) BeforeDisk(f func() error) { j.testOnlyDisk = f }

// Secrets are the sealed part of an entry.
type Secrets = secrets

// Held are shares, for golden files.
type Held = held

// Sealed is a whole entry.
type Sealed struct {
	Entry
	Secrets Secrets
}

// SealKey derives the key of sealed parts.
func SealKey(d *trust.LocalDevice) (trust.SecretKey, error) { return sealKey(d) }

// SealEntry returns the file of an entry.
func SealEntry(s Sealed, key trust.SecretKey) ([]byte, error) {
	return sealEntry(&s.Entry, &s.Secrets, key)
}

// OpenEntry reads the file of an entry.
func OpenEntry(content []byte, key trust.SecretKey) (Sealed, error) {
	f, err := decodeEntryFile(content)
	if err != nil {
		return Sealed{}, err
	}
	s, err := f.open(key)
	if err != nil {
		return Sealed{}, err
	}
	return Sealed{f.Entry, *s}, nil
}

// DecodeEntry reads what can be read without a key.
func DecodeEntry(content []byte) (Entry, error) {
	f, err := decodeEntryFile(content)
	if err != nil {
		return Entry{}, err
	}
	return f.Entry, nil
}

// Plain is an entry in the clear.
func Plain(s Sealed) ([]byte, error) {
	head, err := encodeHead(&s.Entry)
	if err != nil {
		return nil, err
	}
	inner, err := PlainSecrets(s.Secrets)
	return append(head, inner...), err
}

// PlainSecrets are secrets in the clear.
func PlainSecrets(s Secrets) ([]byte, error) {
	w := &mpack.Writer{}
	encodeSecrets(w, &s)
	return w.Result()
}

// DecodeSecrets reads secrets in the clear.
func DecodeSecrets(b []byte) (Secrets, error) {
	s := Secrets{}
	r := mpack.NewReader(b)
	decodeSecrets(r, &s)
	return s, r.End()
}

// Write makes an entry durable.
func (j *Journal) Write(s Sealed, key trust.SecretKey) error {
	return j.write(&s.Entry, &s.Secrets, key)
}

// Remove ends an entry.
func (j *Journal) Remove(id EntryID) error { return j.remove(id) }
