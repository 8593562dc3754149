package main

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"golang.org/x/crypto/nacl/secretbox"
	"golang.org/x/sync/errgroup"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Sizes of what the works of room trust handle.
const (
	trustIncrement = 100
	trustEntries   = 16
	trustBlock     = trust.DefaultBlocksize
)

// The works of room trust. A bare one is the same cryptography by the libraries, and nothing else.
const (
	validate      = "validate an organisation"
	verifyBare    = "verify its signatures, bare"
	increment     = "add to it"
	openFolders   = "open folder manifests"
	sealFresh     = "seal a block, fresh memory"
	openFresh     = "open a block, fresh memory"
	sealBlock     = "seal a block"
	sealBlockBare = "seal a block, bare"
	openBlock     = "open a block"
	openBlockBare = "open a block, bare"
)

// trustWork is something that room trust does.
type trustWork struct {
	name string
	// size is how many bytes an operation handles, where that says something.
	size int
	// run does operations on a number of goroutines, some if it takes long and else until a moment, and returns how many. What it keeps
	// counts as memory held.
	run func(processors int, until time.Time) (n int, kept any, err error)
}

// repeat runs an operation, one for each processor, until its time has come.
func repeat(prepare func() (func() error, error)) func(int, time.Time) (int, any, error) {
	return func(processors int, until time.Time) (int, any, error) {
		counts := make([]int, processors)
		group := errgroup.Group{}
		for i := range counts {
			group.Go(func() error {
				once, err := prepare()
				if err != nil {
					return err
				}
				n := 0
				for ; n == 0 || time.Now().Before(until); n++ {
					if err := once(); err != nil {
						return err
					}
				}
				counts[i] = n
				return nil
			})
		}
		err := group.Wait()
		sum := 0
		for _, n := range counts {
			sum += n
		}
		return sum, nil, err
	}
}

// split runs an operation on each of n things, shared by the processors.
func split(n, processors int, once func(i int) error) error {
	group := errgroup.Group{}
	for p := range processors {
		group.Go(func() error {
			for i := p; i < n; i += processors {
				if err := once(i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// trustWorks prepares all works.
func trustWorks(certificates, folders int) ([]trustWork, error) {
	o, err := newOrganisation(certificates, trustIncrement)
	if err != nil {
		return nil, err
	}
	realm := trust.GenerateKeyDerivation()
	sealed, err := o.folders(realm, folders, trustEntries)
	if err != nil {
		return nil, err
	}
	store, err := storeWorks(o)
	if err != nil {
		return nil, err
	}
	commands, err := commandWorks(o, sealed)
	return slices.Concat(store, []trustWork{folderWork(realm, sealed)}, blockWorks(), bareWorks(), commands), err
}

// storeWorks validate an organisation, and what happens then.
func storeWorks(o *organisation) ([]trustWork, error) {
	late := &keeper{}
	full, err := o.store(late)
	if err != nil {
		return nil, err
	}
	if err := full.Add(o.batch); err != nil {
		return nil, err
	}
	late.full = true
	return []trustWork{
		{name: validate, run: func(int, time.Time) (int, any, error) {
			s, err := o.store(nil)
			if err == nil {
				err = s.Add(o.batch)
			}
			return len(o.signed), s, err
		}},
		{name: verifyBare, run: func(processors int, _ time.Time) (int, any, error) {
			return len(o.signed), nil, split(len(o.signed), processors, func(i int) error {
				_, err := o.signed[i].key.Verify(o.signed[i].signed)
				return err
			})
		}},
		{name: increment, run: func(_ int, until time.Time) (n int, _ any, _ error) {
			for ; n == 0 || time.Now().Before(until); n++ {
				if err := full.Add(o.then); !errors.Is(err, errFull) {
					return n, nil, errors.Join(errors.New("the keeper was not asked"), err)
				}
			}
			return n, nil, nil
		}},
	}, nil
}

// keeper keeps nothing once it is full, so that the same certificates can be validated again and again.
type keeper struct{ full bool }

var errFull = errors.New("the keeper is full")

func (k *keeper) Keep([]trust.Entry) error {
	if k.full {
		return errFull
	}
	return nil
}

func (k *keeper) Clear() error { return nil }

// folderWork opens folders as a client does that got them from a server: it derives the key, decrypts, verifies, reads and compares.
func folderWork(realm trust.KeyDerivation, folders []folder) trustWork {
	return trustWork{name: openFolders, run: func(processors int, _ time.Time) (int, any, error) {
		return len(folders), nil, split(len(folders), processors, func(i int) error {
			key, err := realm.VlobKey(folders[i].announced.ID)
			if err != nil {
				return err
			}
			defer key.Wipe()
			_, err = trust.OpenChildManifest(folders[i].sealed, key, folders[i].announced)
			return err
		})
	}}
}

// blockWorks seal and open blocks, into fresh memory and into memory that is there.
func blockWorks() []trustWork {
	plain := make([]byte, trustBlock)
	_, _ = rand.Read(plain) // never fails
	realm, id := trust.GenerateKeyDerivation(), trust.NewBlockID()
	return []trustWork{
		{name: sealFresh, size: trustBlock, run: repeat(func() (func() error, error) {
			return func() error {
				_, _, err := realm.SealBlock(id, 0, plain)
				return err
			}, nil
		})},
		{name: openFresh, size: trustBlock, run: repeat(func() (func() error, error) {
			access, sealed, err := realm.SealBlock(id, 0, plain)
			return func() error {
				_, err := realm.OpenBlock(access, sealed)
				return err
			}, err
		})},
		{name: sealBlock, size: trustBlock, run: repeat(func() (func() error, error) {
			out := make([]byte, 0, trustBlock+trust.SecretKeyOverhead)
			return func() error {
				_, _, err := realm.AppendSealedBlock(out, id, 0, plain)
				return err
			}, nil
		})},
		{name: openBlock, size: trustBlock, run: repeat(func() (func() error, error) {
			access, sealed, err := realm.SealBlock(id, 0, plain)
			out := make([]byte, 0, trustBlock)
			return func() error {
				_, err := realm.AppendOpenedBlock(out, access, sealed)
				return err
			}, err
		})},
	}
}

// bareWorks do for blocks what cannot be left out, with the libraries alone, into memory that is there.
func bareWorks() []trustWork {
	plain := make([]byte, trustBlock)
	_, _ = rand.Read(plain) // never fails
	return []trustWork{
		{name: sealBlockBare, size: trustBlock, run: repeat(func() (func() error, error) {
			out, key, nonce := make([]byte, 0, trustBlock+secretbox.Overhead), [32]byte{}, [24]byte{}
			return func() error {
				secretbox.Seal(out, plain, &nonce, &key)
				sha256.Sum256(plain)
				return nil
			}, nil
		})},
		{name: openBlockBare, size: trustBlock, run: repeat(func() (func() error, error) {
			key, nonce := [32]byte{}, [24]byte{}
			out, sealed := make([]byte, 0, trustBlock), secretbox.Seal(nil, plain, &nonce, &key)
			return func() error {
				opened, ok := secretbox.Open(out, sealed, &nonce, &key)
				if !ok {
					return errors.New("a box does not open")
				}
				sha256.Sum256(opened)
				return nil
			}, nil
		})},
	}
}
