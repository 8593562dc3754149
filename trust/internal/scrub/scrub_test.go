package scrub_test

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/trust/internal/scrub"
)

const mark = 0x5ec2e75ec2e75e11

// Not on the stack, where they would be found, or cover what is looked for.
var (
	needle = binary.NativeEndian.AppendUint64(nil, mark)
	stack  [6 << 10]byte
)

// leave puts marks on the stack, in frames up to 4 KiB down.
//
//go:noinline
func leave(depth int) uint64 {
	var frame [64]uint64
	for i := range frame {
		frame[i] = mark
	}
	runtime.KeepAlive(&frame)
	if depth > 0 {
		return leave(depth-1) + frame[depth]
	}
	return frame[0]
}

// wash overwrites the stack below the caller's frame.
//
//go:noinline
func wash() {
	var area [len(stack)]byte
	clear(area[:])
	runtime.KeepAlive(&area)
}

// below counts the marks on the stack below the caller's frame, where frames were that ended.
//
//go:noinline
func below(top unsafe.Pointer) int {
	for i := range stack { // memory of this goroutine: the work before was there
		stack[i] = *(*byte)(unsafe.Add(top, -len(stack)+i))
	}
	return bytes.Count(stack[:], needle)
}

// TestDo finds what work leaves on the stack, and not when it ran in Do.
func TestDo(t *testing.T) {
	var anchor byte
	scrub.Do(func() {}) // the stack is large enough from here on
	leave(4)
	if n := below(unsafe.Pointer(&anchor)); n == 0 {
		t.Fatal("nothing was left: the test does not see it")
	}
	wash() // what was left where the frame of Do will be is not its to overwrite
	sum := uint64(0)
	scrub.Do(func() { sum = leave(4) })
	if n := below(unsafe.Pointer(&anchor)); n != 0 || sum == 0 {
		t.Errorf("%d marks are left", n)
	}
}

// held returns which signals wait.
func held(t *testing.T) (set unix.Sigset_t) {
	t.Helper()
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, nil, &set); err != nil {
		t.Fatal(err)
	}
	return set
}

// TestSignals sees that signals wait as long as work does, within other work too, and that they come again, after a panic too.
func TestSignals(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := held(t)
	const preemption = 1 << (unix.SIGURG - 1)
	if before.Val[0]&preemption != 0 {
		t.Fatal("signals wait already")
	}
	during := func() {
		set := held(t)
		if set.Val[0]&preemption == 0 {
			t.Error("a signal may come while there is work")
		}
		if set.Val[0]&(1<<(unix.SIGSEGV-1)) != 0 {
			t.Error("a fault would end the program, whatever the caller makes of panics")
		}
	}
	scrub.Do(func() {
		during()
		scrub.Do(during)
		during()
	})
	if held(t) != before {
		t.Error("signals still wait")
	}
	func() {
		defer func() { _ = recover() }()
		scrub.Do(func() { panic("work") })
	}()
	if held(t) != before {
		t.Error("signals still wait after a panic")
	}
}
