package secrets

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// tokenSize is how many random bytes a token that we make has.
const tokenSize = 32

// Token lets its bearer administer. Only its digest is kept in memory.
type Token struct{ digest [sha256.Size]byte }

// NewToken returns the token with a text.
func NewToken(text string) *Token { return &Token{sha256.Sum256([]byte(text))} }

// Matches compares in constant time.
func (t *Token) Matches(text string) bool {
	digest := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(digest[:], t.digest[:]) == 1
}

// LoadToken reads a token from a file that others must not read, or makes one where there is none.
func LoadToken(path string) (*Token, error) {
	text, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		made := make([]byte, tokenSize)
		_, _ = rand.Read(made) // never fails
		text, err = createPrivate(path, []byte(hex.EncodeToString(made)+"\n"))
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use the administration token in %s: %w", path, err)
	}
	defer clear(text)
	token := strings.TrimSpace(string(text))
	if token == "" {
		return nil, fmt.Errorf("cannot use the administration token in %s: it is empty", path)
	}
	return NewToken(token), nil
}
