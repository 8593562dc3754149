package pkcs11

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
)

// machines are the processors that this program is built for.
var machines = map[string]elf.Machine{
	"386": elf.EM_386, "amd64": elf.EM_X86_64, "arm": elf.EM_ARM, "arm64": elf.EM_AARCH64, "riscv64": elf.EM_RISCV,
}

// misfit says what is wrong with a library that does not load, where the dynamic loader does
// not: one for another processor does not exist for it. Empty means that nothing was found.
func misfit(path string) string {
	if !filepath.IsAbs(path) {
		return "" // the loader chooses the file
	}
	f, err := elf.Open(path)
	if _, unreadable := errors.AsType[*fs.PathError](err); unreadable {
		return "" // the loader has said it
	}
	if err != nil {
		return "it is no shared library"
	}
	defer func() { _ = f.Close() }()
	if want, known := machines[runtime.GOARCH]; known && f.Machine != want {
		return fmt.Sprintf("it is for another processor (%v) than this program (%v)", f.Machine, want)
	}
	return ""
}
