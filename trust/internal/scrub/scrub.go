// Package scrub overwrites what work with secrets leaves on the stack. Go never does: what a frame held stays where it was
// until another one lies there, and stacks that are given back are not cleared either.
//
// It reaches what the work and all that it calls had on the stack, as long as that is less than Depth. It reaches no heap,
// no variables of the caller, and no copy that a stack leaves behind which the runtime makes smaller meanwhile.
package scrub

import "runtime"

// Depth is how much stack the work may take, in bytes.
const Depth = 8 << 10

// Do calls work and overwrites the stack that it used.
//
//go:noinline
func Do(work func()) {
	overwrite() // makes sure of the room: a stack that grows in between would leave its old self behind
	work()
	overwrite()
}

//go:noinline
func overwrite() {
	var area [Depth]byte
	clear(area[:])
	runtime.KeepAlive(&area)
}
