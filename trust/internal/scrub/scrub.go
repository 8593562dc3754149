// Package scrub overwrites what work with secrets leaves on the stack and in registers. Go never does: what a frame held stays where it was
// until another one lies there, and stacks that are given back are not cleared either. A signal, by which the runtime stops goroutines too,
// has the kernel write all registers to memory, where they stay until the next one.
//
// It reaches what the work and all that it calls had on the stack, as long as that is less than Depth. It reaches no heap,
// no variables of the caller, no other goroutine, and no copy that a stack leaves behind which the runtime makes smaller meanwhile.
package scrub

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Depth is how much stack the work may take, in bytes.
const Depth = 8 << 10

// Do calls work, and overwrites the stack and the registers that it used. Signals to the thread wait until then, so the work is short. It may
// call Do itself. When it panics, signals come again, and the stack is left to what runs next.
//
//go:noinline
func Do(work func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := unix.Sigset_t{}
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &waiting, &before); err != nil {
		panic("scrub: signals cannot be held back: " + err.Error()) // the system refuses what is not of its form only
	}
	defer func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) }() // likewise
	defer clearVectors()
	defer overwrite()
	overwrite() // makes sure of the room: a stack that grows in between would leave its old self behind
	apart(work)
}

// apart calls work so far down the stack that nothing of it lies where overwrite has the rest of its frame.
//
//go:noinline
func apart(work func()) {
	var gap [256]byte
	work()
	runtime.KeepAlive(&gap)
}

// Copy copies a secret.
func Copy(to, from []byte) (n int) {
	Do(func() { n = copy(to, from) })
	return n
}

//go:noinline
func overwrite() {
	var area [Depth]byte
	clear(area[:])
	runtime.KeepAlive(&area)
}

// waiting is all signals that can wait: not those of the thread's own faults, which end a program that does not take them, nor those that the C
// library stops threads with.
var waiting = func() (set unix.Sigset_t) {
	for s := syscall.Signal(1); s < firstRealTime; s++ {
		switch s {
		case unix.SIGILL, unix.SIGTRAP, unix.SIGABRT, unix.SIGBUS, unix.SIGFPE, unix.SIGSEGV, unix.SIGSYS:
		default:
			bits := int(unsafe.Sizeof(set.Val[0])) * 8
			set.Val[int(s-1)/bits] |= 1 << (uint(s-1) % uint(bits))
		}
	}
	return set
}()

// firstRealTime is the first signal of which the C library has its own.
const firstRealTime = 32
