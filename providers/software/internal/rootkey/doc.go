// Package rootkey holds the root key of the software provider and the sources that it
// comes from. The format and the derivations are in docs/formats/root-key.md.
//
// It promises that the bytes of a Key lie in one locked mapping that Wipe clears, that no
// format prints them and that a damaged, foreign or readable file is refused. It does not
// protect from who can read the memory or the files of the agent's account, and the copies
// that ciphers make of derived keys wait for the garbage collector.
//
// A Key may be used concurrently, also while another goroutine wipes it.
package rootkey
