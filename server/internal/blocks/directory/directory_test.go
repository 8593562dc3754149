package directory_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/internal/disktest"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/blockstest"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/directory"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestDirectory(t *testing.T) {
	blockstest.Run(t, blockstest.Config{
		Place: func(t testing.TB) string { return filepath.Join(t.TempDir(), "blocks") },
		Open:  func(_ testing.TB, place string) (blocks.Store, error) { return directory.Open(place) },
	})
}

func open(t testing.TB, path string) *directory.Store {
	t.Helper()
	s, err := directory.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// fixed is an id whose file is known.
func fixed(t *testing.T) trust.BlockID {
	t.Helper()
	var id trust.BlockID
	if err := id.UnmarshalText([]byte("3b917792-35ac-409f-9af1-fe6de8d2b905")); err != nil {
		t.Fatal(err)
	}
	return id
}

// TestGoldenLayout holds the layout to docs/formats/blockstore.md.
func TestGoldenLayout(t *testing.T) {
	path := filepath.Join(t.TempDir(), "blocks")
	s := open(t, path)
	if err := s.Create(t.Context(), blockstest.Org(t, "CoolOrg"), fixed(t), []byte("content")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		".format": "parsec-agent block directory 1\n",
		"CoolOrg/3b/3b917792-35ac-409f-9af1-fe6de8d2b905": "content",
	} {
		got, err := os.ReadFile(filepath.Join(path, name))
		if err != nil || string(got) != want {
			t.Errorf("%s is %q, %v", name, got, err)
		}
		if st, err := os.Stat(filepath.Join(path, name)); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, st, err)
		}
	}
	for _, name := range []string{"", "CoolOrg", "CoolOrg/3b"} {
		if st, err := os.Stat(filepath.Join(path, name)); err != nil || st.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", name, st, err)
		}
	}
}

func TestOpensGolden(t *testing.T) {
	s := open(t, filepath.Join("testdata", "v1"))
	got, err := s.Read(t.Context(), blockstest.Org(t, "CoolOrg"), fixed(t))
	if err != nil || string(got) != "content" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRefusesOtherDirectories(t *testing.T) {
	strange, newer, home := t.TempDir(), t.TempDir(), t.TempDir()
	write(t, filepath.Join(newer, ".format"), "parsec-agent block directory 2\n")
	write(t, filepath.Join(home, "letter"), "dear")
	for path, want := range map[string]string{
		filepath.Join(strange, "no", "parent"): "cannot make the block directory",
		newer:                                  `has format "parsec-agent block directory 2\n"`,
		home:                                   `is no block directory: it has "letter"`,
	} {
		if _, err := directory.Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	// A crash while the marker was written is no obstacle.
	write(t, filepath.Join(strange, "..format.0123456789abcdef.tmp"), "parsec-ag")
	open(t, strange)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDirectoryThatMoved: without its disk a mount point is an empty directory. No block
// is "not found" for that, none is written beside the disk, and somebody is told.
func TestDirectoryThatMoved(t *testing.T) {
	path, org, old, young := filepath.Join(t.TempDir(), "blocks"), blockstest.Org(t, "o"), fixed(t), trust.NewBlockID()
	s := open(t, path)
	if err := s.Create(t.Context(), org, old, nil); err != nil {
		t.Fatal(err)
	}
	for _, do := range []func() error{
		func() error { return os.Rename(path, path+"-away") },
		func() error { return os.Mkdir(path, 0o700) },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
		if err := s.Health(t.Context()); !errors.Is(err, blocks.ErrDegraded) {
			t.Errorf("health: %v", err)
		}
		if err := s.Create(t.Context(), org, young, nil); err != nil {
			t.Error(err)
		}
		for _, id := range []trust.BlockID{old, young} {
			if _, err := s.Read(t.Context(), org, id); err != nil {
				t.Error(err)
			}
		}
	}
	if left, err := os.ReadDir(path); err != nil || len(left) != 0 {
		t.Errorf("the other directory has %v, %v", left, err)
	}
}

func TestTidiesOldLeftovers(t *testing.T) {
	path, org := filepath.Join(t.TempDir(), "blocks"), blockstest.Org(t, "o")
	s := open(t, path)
	if err := s.Create(t.Context(), org, fixed(t), nil); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(path, "o", "3b")
	for name, age := range map[string]time.Duration{
		".3b917792-35ac-409f-9af1-fe6de8d2b906.0123456789abcdef.tmp": 25 * time.Hour,
		".3b917792-35ac-409f-9af1-fe6de8d2b907.0123456789abcdef.tmp": 23 * time.Hour,
		"3B917792-35AC-409F-9AF1-FE6DE8D2B905":                       25 * time.Hour,
	} {
		write(t, filepath.Join(dir, name), "half")
		then := time.Now().Add(-age)
		if err := os.Chtimes(filepath.Join(dir, name), then, then); err != nil {
			t.Fatal(err)
		}
	}
	page, err := s.List(t.Context(), org, nil, 10)
	if err != nil || len(page) != 1 || page[0].ID != fixed(t) {
		t.Errorf("it lists %v, %v", page, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 3 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestDamagedFile(t *testing.T) {
	path, org := filepath.Join(t.TempDir(), "blocks"), blockstest.Org(t, "o")
	s := open(t, path)
	if err := s.Create(t.Context(), org, fixed(t), nil); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(path, "o", "3b", blocks.Name(fixed(t)))
	if err := os.Truncate(file, blocks.MaxSize+1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(t.Context(), org, fixed(t)); !errors.Is(err, blocks.ErrCorrupt) {
		t.Errorf("a file that is too large: %v", err)
	}
	if err := s.Create(t.Context(), org, fixed(t), nil); !errors.Is(err, blocks.ErrExists) {
		t.Errorf("created over it: %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", file); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(t.Context(), org, fixed(t)); !errors.Is(err, blocks.ErrUnavailable) {
		t.Errorf("a link: %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	mount, org, kept, young := disktest.Tiny(t), blockstest.Org(t, "o"), fixed(t), trust.NewBlockID()
	s := open(t, filepath.Join(mount, "blocks"))
	if err := s.Create(t.Context(), org, kept, []byte("kept")); err != nil {
		t.Fatal(err)
	}
	disktest.Fill(t, mount)
	for range 2 {
		if err := s.Create(t.Context(), org, young, make([]byte, 8192)); !errors.Is(err, blocks.ErrUnavailable) || !errors.Is(err, unix.ENOSPC) {
			t.Errorf("created on a full disk: %v", err)
		}
	}
	if err := s.Health(t.Context()); !errors.Is(err, blocks.ErrDegraded) || !strings.Contains(err.Error(), "full") {
		t.Errorf("health on a full disk: %v", err)
	}
	if got, err := s.Read(t.Context(), org, kept); err != nil || string(got) != "kept" {
		t.Errorf("%q, %v", got, err)
	}
	if page, err := s.List(t.Context(), org, nil, 10); err != nil || len(page) != 1 {
		t.Errorf("it lists %v, %v", page, err)
	}
	disktest.Free(t, mount)
	if err := s.Create(t.Context(), org, young, make([]byte, 8192)); err != nil {
		t.Error(err)
	}
}

func TestReadOnlyDisk(t *testing.T) {
	mount, org, kept := disktest.Tiny(t), blockstest.Org(t, "o"), fixed(t)
	s := open(t, filepath.Join(mount, "blocks"))
	if err := s.Create(t.Context(), org, kept, []byte("kept")); err != nil {
		t.Fatal(err)
	}
	disktest.ReadOnly(t, mount)
	for what, err := range map[string]error{
		"create": s.Create(t.Context(), org, trust.NewBlockID(), nil), "delete": s.Delete(t.Context(), org, kept),
	} {
		if !errors.Is(err, blocks.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := s.Health(t.Context()); !errors.Is(err, blocks.ErrDegraded) || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("health: %v", err)
	}
	if got, err := s.Read(t.Context(), org, kept); err != nil || string(got) != "kept" {
		t.Errorf("%q, %v", got, err)
	}
}
