package ctl

import (
	"context"
	"crypto"
	_ "crypto/md5"  //nolint:gosec // keys of old systems verify with it
	_ "crypto/sha1" //nolint:gosec // as above
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"fmt"
	"io"

	_ "golang.org/x/crypto/ripemd160" //nolint:staticcheck,gosec // keys of old systems verify with it

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/policy"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// signing is how a file is signed or verified with a key.
type signing struct {
	alg psa.Algorithm
	// hashed: the file is hashed here, and the hash goes to the service; else the service
	// gets the file.
	hashed bool
}

// plan decides how a key signs (or verifies: then the flags of verification count).
func plan(k client.KeyInfo, hash string, verify bool) (signing, error) {
	a := k.Attributes
	alg := a.Alg
	if !alg.Kind.Signature() {
		return signing{}, fmt.Errorf("key %q is for %s, not for signatures", k.Name, alg)
	}
	wanted := psa.HashNone
	if hash != "" {
		var err error
		if wanted, err = policy.ParseHash(hash); err != nil {
			return signing{}, &usageError{err}
		}
	}
	switch {
	case alg.Kind == psa.AlgPureEdDSA && wanted != psa.HashNone:
		return signing{}, usagef("an Ed25519 key signs the file itself: leave --hash out")
	case alg.Hash == psa.HashAny:
		alg.Hash = wanted
		if wanted == psa.HashNone {
			alg.Hash = policy.TypeOf(a).Hash
		}
	case alg.Hash != psa.HashNone && wanted != psa.HashNone && wanted != alg.Hash:
		return signing{}, usagef("key %q permits the hash %s only", k.Name, alg.Hash)
	}
	one, whole := psa.UsageSignHash, psa.UsageSignMessage
	if verify {
		one, whole = psa.UsageVerifyHash, psa.UsageVerifyMessage
	}
	s := signing{alg: alg, hashed: alg.Kind != psa.AlgPureEdDSA && a.Usage.Has(one)}
	if !s.hashed && !a.Usage.Has(whole) {
		return s, advise(fmt.Errorf("key %q is not for that: it may %s", k.Name, usageText(a.Usage)), "make a key with --use sign")
	}
	return s, nil
}

// digestHash returns the hash of what is signed.
func (s signing) digestHash(wanted string) (crypto.Hash, error) {
	h := s.alg.Hash
	if h == psa.HashNone { // ECDSA-any and PKCS #1 of bare bytes take every hash
		h = psa.HashSHA256
		if wanted != "" {
			var err error
			if h, err = policy.ParseHash(wanted); err != nil {
				return 0, &usageError{err}
			}
		}
	}
	if !h.Std().Available() {
		return 0, fmt.Errorf("the hash %s is not in this program", h)
	}
	return h.Std(), nil
}

// digest hashes a file, which may be large.
func (p *Program) digest(ctx context.Context, path string, h crypto.Hash) ([]byte, error) {
	r, size, err := p.open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	bar := terminal.NewProgress(p.Err, p.global.quiet, "hashing", size, true)
	defer bar.Finish()
	sum := h.New()
	buf := make([]byte, 1<<20)
	for {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		n, err := r.Read(buf)
		sum.Write(buf[:n])
		_, _ = bar.Write(buf[:n])
		if err == io.EOF {
			return sum.Sum(nil), nil
		}
		if err != nil {
			return nil, readError(path, err)
		}
	}
}

// tooLarge is the advice for files that cannot be sent whole.
const tooLarge = "keys that may sign hashes (ECDSA, RSA) sign files of any size"
