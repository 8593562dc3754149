package trust

import "errors"

// Failures of primitives. The same error stands for all causes that an attacker could tell apart.
var (
	ErrDecryption = errors.New("cannot decrypt: wrong key or damaged data")
	ErrSignature  = errors.New("the signature is not one of this key")
	ErrKeySize    = errors.New("a key of another size is expected")
	ErrWeakKey    = errors.New("the key is one that everybody can compute with")
	ErrWiped      = errors.New("the secret was wiped")
	ErrAlgorithm  = errors.New("the algorithm is not one that is supported")
	ErrCost       = errors.New("the cost of the password derivation is out of bounds")
	ErrNotRSA     = errors.New("the key is no RSA key of a supported size")
	ErrCode       = errors.New("this is no such code")
)

// UnexpectedError says that a signed object is genuine, and not the one that was asked for.
type UnexpectedError struct {
	// Field is what differs: author, timestamp, realm_id …
	Field string
}

func (e *UnexpectedError) Error() string { return "the signed " + e.Field + " is not the expected one" }
