package enrol

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Journal keeps what must not be lost of the enrolments of one person, an entry in a file of its own.
type Journal struct {
	dir string
	// testOnlyDisk is asked before each change of the disk.
	testOnlyDisk func() error

	mu   sync.Mutex // guards the field below
	busy map[EntryID]bool
}

const (
	entrySuffix = ".enrol"
	// maxEntries bounds what one person may have begun.
	maxEntries = 64
)

// NewJournal returns the journal in a directory, which is made when there is something to keep. There is one Journal for each directory.
func NewJournal(dir string) *Journal { return &Journal{dir: dir, busy: map[EntryID]bool{}} }

// Damaged is a file of the journal that cannot be read.
type Damaged struct {
	Name string
	Err  error
}

// List returns the entries, the oldest first, and the files that cannot be read.
func (j *Journal) List() (all []Entry, bad []Damaged, err error) {
	files, bad, err := j.read()
	for _, f := range files {
		all = append(all, f.Entry)
	}
	return all, bad, err
}

func (j *Journal) read() (all []*file, bad []Damaged, err error) {
	d, err := durable.Open(j.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, storage("the journal of enrolments cannot be read", err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	names, err := d.Names()
	if err != nil {
		return nil, nil, storage("the journal of enrolments cannot be read", err)
	}
	slices.Sort(names)
	for _, name := range names {
		base, ok := strings.CutSuffix(name, entrySuffix)
		if _, temporary := durable.Leftover(name); !ok || temporary || len(all)+len(bad) >= 2*maxEntries {
			continue
		}
		f, err := readEntry(d, name)
		if err == nil && f.ID.String() != base {
			err = errors.New("it is the file of another entry")
		}
		if err != nil {
			bad = append(bad, Damaged{name, err})
			continue
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *file) int {
		if order := a.Began.Compare(b.Began); order != 0 {
			return order
		}
		return slices.Compare(a.ID[:], b.ID[:])
	})
	return all, bad, nil
}

func readEntry(d *durable.Dir, name string) (*file, error) {
	in, err := d.OpenFile(name)
	if err != nil {
		return nil, err
	}
	b, err := in.Read(int64(maxEntry))
	if err := errors.Join(err, in.Close()); err != nil {
		return nil, err
	}
	return decodeEntryFile(b)
}

// find returns an entry.
func (j *Journal) find(id EntryID) (*file, error) {
	return j.first(func(e *Entry) bool { return e.ID == id })
}

// first returns the first entry that fits, ErrNoEntry without one.
func (j *Journal) first(fits func(*Entry) bool) (*file, error) {
	all, _, err := j.read()
	if err != nil {
		return nil, err
	}
	for _, f := range all {
		if fits(&f.Entry) {
			return f, nil
		}
	}
	return nil, noEntry()
}

// hold lets one flow at a time work on an entry.
func (j *Journal) hold(id EntryID) (release func(), err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.busy[id] {
		return nil, busy()
	}
	j.busy[id] = true
	return func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		delete(j.busy, id)
	}, nil
}

// write makes an entry durable, a new one or one that changed.
func (j *Journal) write(e *Entry, s *secrets, key trust.SecretKey) error {
	content, err := sealEntry(e, s, key)
	if err != nil {
		return err
	}
	if err := j.room(e.ID); err != nil {
		return err
	}
	if err := durable.MakeAll(j.dir); err != nil {
		return storage("the directory of the journal of enrolments cannot be made", err)
	}
	return j.inDir("the journal of enrolments cannot be written", func(d *durable.Dir) error {
		return d.Replace(e.ID.String()+entrySuffix, content)
	})
}

// room refuses a new entry where there are too many.
func (j *Journal) room(id EntryID) error {
	all, bad, err := j.read()
	if err != nil {
		return err
	}
	if len(all)+len(bad) < maxEntries || slices.ContainsFunc(all, func(f *file) bool { return f.ID == id }) {
		return nil
	}
	return tooMany()
}

// remove ends an entry. One that is not there is no error.
func (j *Journal) remove(id EntryID) error {
	return j.inDir("an entry of the journal of enrolments cannot be removed", func(d *durable.Dir) error {
		if err := d.Remove(id.String() + entrySuffix); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

func (j *Journal) inDir(what string, do func(*durable.Dir) error) error {
	if j.testOnlyDisk != nil {
		if err := j.testOnlyDisk(); err != nil {
			return err
		}
	}
	d, err := durable.Open(j.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was ever kept
	}
	if err != nil {
		return storage(what, err)
	}
	if err := errors.Join(do(d), d.Close()); err != nil {
		return storage(what, err)
	}
	return nil
}
