package software

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// store is an open key store: its directory, the lock on it and the ids given out. All
// providers of one process that use the directory share it.
type store struct {
	dir   *durable.Dir
	users int // guarded by stores.mu

	mu    sync.Mutex // guards the fields below
	last  keyID      // the highest id that may not be given out any more
	first keyID      // the first id that this process could give out

	// rewriting holds a lock per residue of ids: who replaces a file must not revive
	// one that is being removed.
	rewriting [64]sync.Mutex
}

// stores are the key stores that this process has open. The lock of a directory belongs
// to an open file, so a second provider of this process could not take it again.
var stores = struct {
	mu   sync.Mutex // guards the map and the users of its stores
	open map[durable.Identity]*store
}{open: map[durable.Identity]*store{}}

// joinStore opens the key store, or joins the providers of this process that have it open.
func joinStore(path string, known []keyID, log *slog.Logger) (*store, error) {
	dir, err := openDir(path)
	if err != nil {
		return nil, err
	}
	stores.mu.Lock()
	defer stores.mu.Unlock()
	s := stores.open[dir.Identity()]
	if s != nil {
		err = dir.Close()
	} else if s, err = newStore(dir, log); err != nil {
		err = errors.Join(err, dir.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open key store %s: %w", path, err)
	}
	stores.open[s.dir.Identity()] = s
	s.users++
	s.raise(known)
	return s, nil
}

// leave gives the store up; the last user gives up the lock.
func (s *store) leave() error {
	stores.mu.Lock()
	defer stores.mu.Unlock()
	if s.users--; s.users > 0 {
		return nil
	}
	delete(stores.open, s.dir.Identity())
	return s.dir.Close()
}

// openDir opens the directory and makes it where it is missing.
func openDir(path string) (*durable.Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("cannot create key store %s: %w", path, err)
	}
	dir, err := durable.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open key store %s: %w", path, err)
	}
	return dir, nil
}

func newStore(dir *durable.Dir, log *slog.Logger) (*store, error) {
	st, err := dir.Stat()
	if err != nil {
		return nil, err
	}
	if st.Mode()&0o002 != 0 {
		return nil, errors.New("every local user can write to it; chmod it to 0700")
	}
	if err := dir.Lock(); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errors.New("another process has it open")
		}
		return nil, err
	}
	names, err := dir.Names()
	if err != nil {
		return nil, err
	}
	s := &store{dir: dir, last: 1, first: 2}
	s.raise(keyIDs(names))
	s.removeLeftovers(names, log)
	return s, nil
}

// removeLeftovers removes what a crash left half written. The lock is ours and this
// process has no other user of the directory, so nobody is writing these.
func (s *store) removeLeftovers(names []string, log *slog.Logger) {
	for _, name := range names {
		if !isLeftover(name) {
			continue
		}
		if err := s.dir.Remove(name); err != nil {
			log.Warn("cannot remove a temporary file", "file", name, "error", err)
			continue
		}
		log.Info("removed a temporary file that a crash left", "file", name)
	}
}

// isLeftover reports whether the name is that of a temporary file of ours.
func isLeftover(name string) bool {
	final, ok := durable.Leftover(name)
	_, isKey := parseFileName(final)
	return ok && (isKey || final == rootKeyFile || final == sealedFile || final == recoveryFile)
}

// keyIDs returns the ids of the key files among the names, ascending.
func keyIDs(names []string) []keyID {
	ids := make([]keyID, 0, len(names))
	for _, name := range names {
		if id, ok := parseFileName(name); ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// raise takes ids out of what can be given out. Only the opening of a provider raises.
func (s *store) raise(ids []keyID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if id.valid() && id > s.last {
			s.last = id
			s.first = id + 1
		}
	}
}

// next gives an id out, for good.
func (s *store) next() (keyID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last >= maxID {
		return 0, wire.Errorf(wire.StatusInsufficientMemory, "all %d key ids were used", maxID)
	}
	s.last++
	return s.last, nil
}

// fresh reports whether the id was given out by this process.
func (s *store) fresh(id keyID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return id >= s.first
}

// create stores a new key. encode makes the content for the id, which is only known once
// it is taken.
func (s *store) create(encode func(keyID) ([]byte, error)) (keyID, error) {
	const attempts = 100 // files that appeared behind our back
	for range attempts {
		id, err := s.next()
		if err != nil {
			return 0, err
		}
		content, err := encode(id)
		if err != nil {
			return 0, err
		}
		err = s.dir.Create(id.fileName(), content)
		wipe(content)
		if !errors.Is(err, fs.ErrExist) {
			return id, storageError("store the key", err)
		}
	}
	return 0, wire.Errorf(wire.StatusStorageFailure, "key files appear in the key store that the agent did not write")
}

func (s *store) rewrite(id keyID) *sync.Mutex { return &s.rewriting[id%keyID(len(s.rewriting))] }

// remove deletes the file of a key, durably.
func (s *store) remove(id keyID) error {
	mu := s.rewrite(id)
	mu.Lock()
	defer mu.Unlock()
	err := s.dir.Remove(id.fileName())
	if errors.Is(err, fs.ErrNotExist) {
		return &wire.Error{Status: wire.StatusDoesNotExist, Reason: "the key file is missing", Err: err}
	}
	return storageError("remove the key", err)
}

// storageError gives an error of the file system the status and a reason without paths.
func storageError(what string, err error) error {
	if err == nil {
		return nil
	}
	failure := &wire.Error{Status: wire.StatusStorageFailure, Err: err}
	because := "the key store failed"
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		failure.Status = wire.StatusInsufficientStorage
		because = "the disk of the key store is full"
		failure.Remedy = "free space on the disk of the key store"
	case errors.Is(err, unix.EROFS), errors.Is(err, fs.ErrPermission):
		because = "the agent may not write to the key store"
		failure.Remedy = "parsecctl doctor"
	}
	failure.Reason = strings.Join([]string{"cannot", what + ":", because}, " ")
	return failure
}
