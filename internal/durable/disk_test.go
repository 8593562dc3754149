package durable_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/internal/disktest"
)

func TestFullDisk(t *testing.T) {
	path := disktest.Tiny(t)
	d := open(t, path)
	if err := d.Create("kept", []byte("one")); err != nil {
		t.Fatal(err)
	}
	disktest.Fill(t, path)
	if err := d.Create("new", make([]byte, 8192)); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("created on a full disk: %v", err)
	}
	if err := d.Add("new", make([]byte, 8192)); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("added on a full disk: %v", err)
	}
	if err := d.Replace("kept", make([]byte, 8192)); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("replaced on a full disk: %v", err)
	}
	if _, b := content(t, d, "kept"); string(b) != "one" {
		t.Errorf("the old content became %q", b)
	}
	if got := names(t, d); len(got) != 2 { // and the file that fills the disk
		t.Errorf("the directory holds %q", got)
	}
}

func TestReadOnlyDisk(t *testing.T) {
	path := disktest.Tiny(t)
	d := open(t, path)
	if err := d.Create("kept", []byte("one")); err != nil {
		t.Fatal(err)
	}
	disktest.ReadOnly(t, path)
	for what, err := range map[string]error{
		"create":  d.Create("new", nil),
		"add":     d.Add("new", nil),
		"replace": d.Replace("kept", nil),
		"remove":  d.Remove("kept"),
	} {
		if !errors.Is(err, unix.EROFS) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := names(t, d); len(got) != 1 {
		t.Errorf("the directory holds %q", got)
	}
}
