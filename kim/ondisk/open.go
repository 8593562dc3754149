package ondisk

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/internal/index"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// directory is what all openings of one directory share.
type directory struct {
	path  string
	index *index.Index

	// writing guards root and is held while files change: shared by changes, alone by
	// what exchanges the directory. Reservations keep the inserts of one name apart,
	// stripes the changes of one entry. Order: writing before stripes, one stripe.
	writing sync.RWMutex
	root    *os.Root
	seed    maphash.Seed
	stripes [64]sync.Mutex
	// making is held while an insert makes directories. Order: writing before making.
	making sync.Mutex
}

// canonical makes the directory and returns the one path that it has.
func canonical(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", start(dir, "", fmt.Errorf("cannot make it: %w", err))
	}
	target, err := filepath.EvalSymlinks(dir)
	if err == nil {
		target, err = filepath.Abs(target)
	}
	if err != nil {
		return "", start(dir, "", err)
	}
	return target, nil
}

func open(dir string) (*directory, error) {
	d := &directory{path: dir, index: index.New(nil), seed: maphash.MakeSeed()}
	if err := d.read(); err != nil {
		return nil, err
	}
	if err := protect(d.root); err != nil {
		return nil, errors.Join(start(dir, "", err), d.close())
	}
	d.sweep()
	return d, nil
}

// refresh serves a further opening: it takes in what other programs changed.
func (d *directory) refresh() error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.read()
}

func (d *directory) close() error { return d.root.Close() }

// read takes all that is in the directory into memory, or fails and leaves memory as it
// is.
func (d *directory) read() error {
	root, err := os.OpenRoot(d.path)
	if err != nil {
		return start(d.path, "", err)
	}
	l := loader{dir: d.path, root: root, entries: map[index.Key]kim.Entry{}}
	if err := l.load(); err != nil {
		return errors.Join(err, root.Close())
	}
	if d.root != nil {
		_ = d.root.Close() // only read
	}
	d.root = root
	d.index.Replace(l.entries)
	return nil
}

// sweep removes temporary files that a crash left. They were never linked to a name, and
// the lock says that nobody writes them.
func (d *directory) sweep() {
	files, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return // it was readable just now; a rest does no harm
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), temporary) && f.Type().IsRegular() {
			_ = d.root.Remove(f.Name()) // a rest does no harm
		}
	}
}

// loader reads a whole directory.
type loader struct {
	dir     string
	root    *os.Root
	entries map[index.Key]kim.Entry
}

// load reads all levels. Plain files at the top, files that are not ours directly under
// an application's directory, and directories below the providers' are ignored, as the
// original does; a name matters only where a file is.
func (l *loader) load() error {
	return l.each(".", func(_ *os.Root, owner fs.DirEntry) error {
		switch {
		case !owner.IsDir():
			return nil
		case owner.Name() == internalDir:
			return l.each(internalDir, l.internal)
		}
		return l.each(owner.Name(), func(in *os.Root, f fs.DirEntry) error { return l.application(in, owner.Name(), f) })
	})
}

// each visits what is in a directory, with the directory itself at hand: opening a file
// from there takes one step, not one for each level.
func (l *loader) each(dir string, visit func(in *os.Root, f fs.DirEntry) error) error {
	in, err := l.root.OpenRoot(dir)
	if err != nil {
		return start(l.dir, dir, err)
	}
	defer func() { _ = in.Close() }() // only read
	files, err := fs.ReadDir(in.FS(), ".")
	if err != nil {
		return start(l.dir, dir, err)
	}
	for _, f := range files {
		if !f.IsDir() && !f.Type().IsRegular() {
			return start(l.dir, path.Join(dir, f.Name()), errors.New("it is neither a file nor a directory"))
		}
		if err := visit(in, f); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) application(in *os.Root, owner string, f fs.DirEntry) error {
	if f.IsDir() {
		return l.each(path.Join(owner, f.Name()), func(in *os.Root, g fs.DirEntry) error {
			if g.IsDir() {
				return nil
			}
			k, err := keyOf(owner, f.Name(), g.Name())
			return l.original(in, path.Join(owner, f.Name(), g.Name()), k, err)
		})
	}
	if !isOurs(f.Name()) {
		return nil
	}
	app, err := decode(owner)
	if err != nil {
		return start(l.dir, owner, err)
	}
	return l.ours(in, path.Join(owner, f.Name()), kim.Owner{App: app})
}

func (l *loader) internal(in *os.Root, f fs.DirEntry) error {
	name := path.Join(internalDir, f.Name())
	if f.IsDir() {
		return nil
	}
	if isOurs(f.Name()) {
		return l.ours(in, name, kim.Internal())
	}
	k, known, err := internalKeyOf(f.Name())
	if err == nil && !known {
		return nil
	}
	return l.original(in, name, k, err)
}

// original reads a file of the original's; err is what was wrong with its name.
func (l *loader) original(in *os.Root, name string, k index.Key, err error) error {
	if err != nil {
		return start(l.dir, name, err)
	}
	e := plain(k)
	b, err := readFile(in, path.Base(name))
	if err == nil {
		e.KeyID, e.Attributes, err = parseOriginal(b)
	}
	return l.add(name, k, e, err)
}

// ours reads a file of our own, whose name must be the one that its content asks for.
func (l *loader) ours(in *os.Root, name string, owner kim.Owner) error {
	var e kim.Entry
	b, err := readFile(in, path.Base(name))
	if err == nil {
		e, err = parseOurs(b)
	}
	e.Owner = owner
	k := index.Key{Owner: owner, Name: e.Name, Provider: e.Provider.ID}
	if err == nil {
		err = checkNames(k)
	}
	if err == nil {
		var right string
		if right, _, err = place(k, e); err == nil && right != name {
			err = fmt.Errorf("it is that of key %q and should be %q", e.Name, right)
		}
	}
	return l.add(name, k, e, err)
}

func (l *loader) add(name string, k index.Key, e kim.Entry, err error) error {
	if _, twice := l.entries[k]; err == nil && twice {
		err = fmt.Errorf("there is another file of key %q", k.Name)
	}
	if err != nil {
		return start(l.dir, name, err)
	}
	l.entries[k] = e
	return nil
}

func readFile(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	return b, errors.Join(err, f.Close())
}

// protect gives the directory the mode that the original gives it.
func protect(root *os.Root) error {
	fi, err := root.Stat(".")
	if err == nil && fi.Mode().Perm() != 0o700 {
		err = root.Chmod(".", 0o700)
	}
	return err
}

// start is an error of an opening: it names the file.
func start(dir, name string, err error) error {
	return &wire.Error{
		Status: wire.StatusKeyInfoManagerError, Object: filepath.Join(dir, name), Reason: err.Error(),
		Remedy: "correct it, move it away, or restore a backup; the key itself stays in its provider", Err: err,
	}
}
