package command_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestOwner: what root's commands write belongs to whom the data directory belongs to.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be another account")
	}
	const nobody = 65534
	dir, err := os.MkdirTemp("", "parsec-server-owner") //nolint:usetesting // that of the test belongs to root, all the way
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	start(t, "run", "--port=0", "--data-dir="+dir)
	count := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); !ok || owner.Uid != nobody || owner.Gid != nobody {
			t.Errorf("%s belongs to %v", path, info.Sys())
		}
		count++
		return nil
	})
	if err != nil || count < 4 {
		t.Errorf("%d files, %v", count, err)
	}
}
