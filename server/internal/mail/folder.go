package mail

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
)

// maxKept is how many mails a folder has.
const maxKept = 100

// Folder is where mails end instead of being sent, for trying out: a file for each, which only the server's account may read.
type Folder struct {
	dir string
	log *slog.Logger

	mu sync.Mutex // one mail at a time
	n  int
}

// NewFolder makes the directory.
func NewFolder(dir string, log *slog.Logger) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the folder of mails: %w", err)
	}
	return &Folder{dir: dir, log: log}, nil
}

// Send puts a mail into the folder. The oldest go when there are many.
func (f *Folder) Send(_ context.Context, _, _ string, content []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, err := durable.Open(f.dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }() // what was written is durable
	f.n++
	name := fmt.Sprintf("%s-%06d.eml", time.Now().UTC().Format("20060102T150405.000000"), f.n)
	if err := d.Create(name, content); err != nil {
		return err
	}
	f.log.Info("a mail was written to a file instead of being sent", "path", filepath.Join(f.dir, name))
	return f.prune(d)
}

func (f *Folder) prune(d *durable.Dir) error {
	names, err := d.Names()
	if err != nil {
		return err
	}
	slices.Sort(names)
	for len(names) > maxKept {
		if err := d.Remove(names[0]); err != nil {
			return err
		}
		names = names[1:]
	}
	return nil
}
