//go:build amd64 || 386

package scrub

import "golang.org/x/sys/cpu"

// clearVectors overwrites the vector registers, in which bytes are copied and ciphers work.
func clearVectors() {
	if cpu.X86.HasAVX {
		clearAVX()
		return
	}
	clearSSE()
}

//go:noescape
func clearAVX()

//go:noescape
func clearSSE()
