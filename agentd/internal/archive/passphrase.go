package archive

import (
	"bytes"
	"context"
	"runtime/debug"

	"filippo.io/age"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

const (
	// workFactor is the base-2 logarithm of scrypt's N for new archives: 128 MiB and some
	// 0.4 s (r = 8, p = 1).
	workFactor = 17
	// maxWorkFactor is the highest that is read, 256 MiB and some 1.3 s: what the age tool
	// writes by default.
	maxWorkFactor = 18
	// MaxPassphrase is the longest passphrase, in bytes.
	MaxPassphrase = 1 << 10
)

// derivations limits the memory of key derivations to that of one.
var derivations = make(chan struct{}, 1)

// derive runs f, which derives a key, when no other derivation runs.
func derive(ctx context.Context, f func() error) error {
	select {
	case derivations <- struct{}{}:
		defer func() { <-derivations }()
	case <-ctx.Done():
		return ctx.Err()
	}
	// An agent at rest has a fifth of what a derivation took: give it back now.
	defer debug.FreeOSMemory()
	return f()
}

// checkPassphrase refuses what could not be typed again.
func checkPassphrase(p []byte) error {
	var reason string
	switch {
	case len(p) == 0:
		reason = "the passphrase is empty"
	case len(p) > MaxPassphrase:
		reason = "the passphrase is too long"
	case bytes.ContainsAny(p, "\x00\r\n"):
		reason = "the passphrase has a line end or a NUL in it"
	default:
		return nil
	}
	return &wire.Error{Status: wire.StatusInvalidArgument, Object: objectArchive, Reason: reason}
}

// fileKey derives the key of the archive that begins with header. age ties the key to
// the whole header.
func fileKey(ctx context.Context, header, passphrase []byte) (key []byte, err error) {
	identity, err := age.NewScryptIdentity(string(passphrase))
	if err != nil {
		return nil, err
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	err = derive(ctx, func() (err error) {
		key, err = age.DecryptHeader(header, identity)
		return err
	})
	return key, err
}

// recipient returns whom an archive is encrypted to.
func (o *WriterOptions) recipient() (*age.ScryptRecipient, error) {
	r, err := age.NewScryptRecipient(string(o.Passphrase))
	if err != nil {
		return nil, err
	}
	r.SetWorkFactor(workFactor)
	if o.testOnlyWorkFactor != 0 {
		r.SetWorkFactor(o.testOnlyWorkFactor)
	}
	return r, nil
}

// recipient derives like all of this package, and leaves writing out of it: the receiver
// of an archive may be slow.
type recipient struct {
	*age.ScryptRecipient
	ctx context.Context //nolint:containedctx // lives for one call of age, whose interface has no context
}

// WrapWithLabels is how age asks a recipient that must be the only one.
func (r recipient) WrapWithLabels(key []byte) (stanzas []*age.Stanza, labels []string, err error) {
	err = derive(r.ctx, func() (err error) {
		stanzas, labels, err = r.ScryptRecipient.WrapWithLabels(key)
		return err
	})
	return stanzas, labels, err
}
