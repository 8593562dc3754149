// Gendocs writes the reference of the command line: man pages, Markdown and completion
// scripts. It is run by go generate ./ctl.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-73b3884f/parsec-agent/ctl"
	"github.com/seed-73b3884f/parsec-agent/internal/reference"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gendocs DIRECTORY")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

// write replaces everything in the directory.
func write(dir string) error {
	program := &ctl.Program{Version: "unknown"}
	files, err := reference.Files(program.Root(), ctl.Reference)
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil { //nolint:gosec // documents are for everybody
		return err
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // as above
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // as above
			return err
		}
	}
	return nil
}
