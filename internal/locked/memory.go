// Package locked holds secrets in memory that the kernel keeps out of swap, core dumps and
// child processes, as far as it is allowed to lock memory.
package locked

import (
	"errors"
	"runtime"

	"golang.org/x/sys/unix"
)

// Allocate returns n bytes in an anonymous mapping of their own. lockErr is set when the
// kernel would not lock it or keep it out of core dumps and child processes; the mapping
// is usable all the same.
func Allocate(n int) (memory []byte, lockErr, err error) {
	memory, err = unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, nil, err
	}
	lockErr = errors.Join(
		unix.Mlock(memory),
		unix.Madvise(memory, unix.MADV_DONTDUMP),
		unix.Madvise(memory, unix.MADV_WIPEONFORK),
	)
	return memory, lockErr, nil
}

// Release wipes memory that Allocate returned and gives it back. It must not be used any
// more.
func Release(memory []byte) {
	clear(memory[:cap(memory)])
	runtime.KeepAlive(memory)
	_ = unix.Munlock(memory)
	_ = unix.Munmap(memory) // fails only for a slice that Mmap did not return
}
