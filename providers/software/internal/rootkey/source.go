package rootkey

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
)

// ErrAbsent says that a source has no root key; others may be asked.
var ErrAbsent = errors.New("no root key")

// Source is where a root key comes from.
type Source interface {
	// Load returns the key, or ErrAbsent. The caller wipes it.
	Load(ctx context.Context) (*Key, error)
	// String names the source for people, such as a path.
	String() string
}

// Creator is a source that can make and keep a new key. It never replaces one.
type Creator interface {
	Source
	Create(ctx context.Context) (*Key, error)
}

// Credential is a systemd credential. It is absent when Directory is empty or holds no
// such name.
type Credential struct {
	Directory, Name string
}

func (c Credential) String() string { return fmt.Sprintf("credential %q", c.Name) }

// Load reads the credential.
func (c Credential) Load(context.Context) (*Key, error) {
	if c.Directory == "" {
		return nil, ErrAbsent
	}
	if c.Name != filepath.Base(c.Name) || strings.HasPrefix(c.Name, ".") {
		return nil, fmt.Errorf("cannot load the root key from %s: not the name of a credential", c)
	}
	k, err := rules{
		limit:     maxCredential,
		forbidden: 0o007, // group bits may be the mask of an access list
		owners:    []int{0, os.Geteuid()},
		parse:     ParseCredential,
	}.load(c.Directory, c.Name)
	if err != nil && !errors.Is(err, ErrAbsent) {
		return nil, fmt.Errorf("cannot load the root key from %s: %w", c, err)
	}
	return k, err
}

// File is a key file, such as root.key in the key store.
type File struct {
	Path string
}

func (f File) String() string { return f.Path }

// Load reads the file.
func (f File) Load(context.Context) (*Key, error) {
	k, err := rules{
		limit:     FileSize,
		forbidden: 0o177, // all but 0600
		owners:    []int{os.Geteuid()},
		parse:     ParseFile,
	}.load(filepath.Dir(f.Path), filepath.Base(f.Path))
	if err != nil && !errors.Is(err, ErrAbsent) {
		return nil, fmt.Errorf("cannot load the root key from %s: %w", f.Path, err)
	}
	return k, err
}

// Create makes a new key and writes it. An existing file is an error.
func (f File) Create(context.Context) (*Key, error) {
	k, err := f.create()
	if err != nil {
		return nil, fmt.Errorf("cannot create the root key in %s: %w", f.Path, err)
	}
	return k, nil
}

func (f File) create() (*Key, error) {
	dir, err := durable.Open(filepath.Dir(f.Path))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	k, err := Generate()
	if err != nil {
		return nil, err
	}
	content, err := k.MarshalFile()
	if err == nil {
		err = dir.Create(filepath.Base(f.Path), content)
		wipe(content)
	}
	if err != nil {
		k.Wipe()
		return nil, err
	}
	return k, nil
}

// rules says which files are taken as a root key.
type rules struct {
	limit     int64       // largest size in bytes
	forbidden fs.FileMode // permission bits that must not be set
	owners    []int       // uids that it may belong to
	parse     func([]byte) (*Key, error)
}

func (r rules) load(dir, name string) (*Key, error) {
	d, err := durable.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrAbsent
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	f, err := d.OpenFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrAbsent
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := r.judge(f.Stat); err != nil {
		return nil, err
	}
	b, err := f.Read(r.limit)
	if err != nil {
		return nil, err
	}
	defer wipe(b)
	return r.parse(b)
}

// ErrUnsafe is wrapped by errors about permissions and owners.
var ErrUnsafe = errors.New("not safe")

func (r rules) judge(st durable.Stat) error {
	if st.Mode&r.forbidden != 0 {
		return fmt.Errorf("%w: mode %04o lets others read it; chmod it to %04o", ErrUnsafe, st.Mode, st.Mode&^r.forbidden)
	}
	if !slices.Contains(r.owners, int(st.UID)) {
		return fmt.Errorf("%w: it belongs to uid %d, this is uid %d", ErrUnsafe, st.UID, os.Geteuid())
	}
	return nil
}
