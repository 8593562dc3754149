package durable

import (
	"errors"
	"io/fs"
	"testing"
)

// TestLinkNew covers file systems without RENAME_NOREPLACE.
func TestLinkNew(t *testing.T) {
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	temp, err := d.writeTemp("a", []byte("one"), fsync)
	if err != nil {
		t.Fatal(err)
	}
	if final, ok := Leftover(temp); !ok || final != "a" {
		t.Errorf("a crash now would leave %q unrecognised", temp)
	}
	if err := d.linkNew(temp, "a"); err != nil {
		t.Fatal(err)
	}
	if temp, err = d.writeTemp("a", []byte("two"), writeOut); err != nil {
		t.Fatal(err)
	}
	if err := d.linkNew(temp, "a"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("linked over a name: %v", err)
	}
	if err := d.unlink(temp); err != nil {
		t.Fatal(err)
	}
	names, err := d.Names()
	if err != nil || len(names) != 1 {
		t.Errorf("the directory holds %q, %v", names, err)
	}
}
