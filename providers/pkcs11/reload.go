package pkcs11

import (
	"errors"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
)

// Some libraries hold on to a token that was taken out and is back, and some load objects
// into a chip that has room for few; both let go only when they are loaded anew themselves.
// Until then every request fails, or every one that needs room.

// loading are the functions that take room in the chip. What they are given is the agent's
// choice, so no caller can make the library be loaded anew by bad data.
var loading = map[string]bool{
	"C_GenerateKeyPair": true, "C_SignInit": true, "C_VerifyInit": true, "C_EncryptInit": true, "C_DecryptInit": true,
}

// full are the results of a library that finds no room.
var full = []ck.RV{ck.RVGeneralError, ck.RVHostMemory, ck.RVDeviceMemory}

// isFull reports whether err may mean that the chip is full of what the library has left in
// it. Nothing has happened then.
func (c *connection) isFull(err error) bool {
	failed, ok := errors.AsType[*callError](err)
	return ok && c.profile.hoards && loading[failed.function] && slices.Contains(full, failed.result)
}

// unload makes the next connection begin with a new helper.
func (c *connection) unload() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost, c.spent = true, true
}

// overloaded reports whether the helper of the last connection is to be given up.
func (l *link) overloaded() bool {
	c := l.last()
	if c == nil || c.helper != l.helper {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spent
}

// relieve ends the helper when the requests that it is working at have ended.
func (l *link) relieve() {
	c := l.last()
	c.use.Lock()
	defer c.use.Unlock()
	l.retire(false)
}
