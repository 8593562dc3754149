package trust

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
)

// codeAlphabet has no letters or digits that look alike.
const codeAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

const (
	symbolBits = 5
	sasSymbols = 4
	sasBits    = symbolBits * sasSymbols
	// NonceSize is the size of the nonces that greeter and claimer exchange.
	NonceSize = 64
)

// SASCode is a short code that two people compare (1.8).
type SASCode string

// GenerateNonce returns a nonce for SASCodes.
func GenerateNonce() [NonceSize]byte {
	nonce := [NonceSize]byte{}
	_, _ = rand.Read(nonce[:]) // never fails
	return nonce
}

// SASCodes returns the codes of both sides.
func SASCodes(shared SecretKey, claimerNonce, greeterNonce []byte) (claimer, greeter SASCode, err error) {
	mac, err := shared.MAC512(claimerNonce, greeterNonce)
	if err != nil {
		return "", "", err
	}
	number := uint64(0)
	for _, b := range mac[:2*sasBits/8] {
		number = number<<8 | uint64(b)
	}
	const mask = 1<<sasBits - 1
	return sasFromBits(uint32(number & mask)), sasFromBits(uint32(number >> sasBits)), nil
}

// sasFromBits writes the least significant symbol first. Only 20 bits of the number count.
func sasFromBits(number uint32) SASCode {
	text := [sasSymbols]byte{}
	for i := range text {
		text[i] = codeAlphabet[number&(1<<symbolBits-1)]
		number >>= symbolBits
	}
	return SASCode(text[:])
}

// SASCodeFromInt returns the code of a number below 2^20.
func SASCodeFromInt(number uint32) (SASCode, error) {
	if number >= 1<<sasBits {
		return "", fmt.Errorf("%w: the number %d is too large", ErrCode, number)
	}
	return sasFromBits(number), nil
}

// ParseSASCode reads a code. Small letters are not forgiven.
func ParseSASCode(text string) (SASCode, error) {
	if err := checkCode(text, sasSymbols); err != nil {
		return "", err
	}
	return SASCode(text), nil
}

func checkCode(text string, symbols int) error {
	if len(text) != symbols {
		return fmt.Errorf("%w: it has %d symbols", ErrCode, symbols)
	}
	for _, c := range text {
		if !strings.ContainsRune(codeAlphabet, c) {
			return fmt.Errorf("%w: its symbols are %s", ErrCode, codeAlphabet)
		}
	}
	return nil
}

// Equal compares in constant time.
func (c SASCode) Equal(o SASCode) bool {
	return subtle.ConstantTimeCompare([]byte(c), []byte(o)) == 1
}

// maxCandidates bounds what a person can look through.
const maxCandidates = 256

// Candidates returns size different codes in random order, the right one among them.
func (c SASCode) Candidates(size int) ([]SASCode, error) {
	if size > maxCandidates {
		return nil, fmt.Errorf("%w: more than %d candidates", ErrCode, maxCandidates)
	}
	if size < 1 {
		return nil, nil
	}
	codes := []SASCode{c}
	seen := map[SASCode]bool{c: true}
	for len(codes) < size {
		random := [4]byte{}
		_, _ = rand.Read(random[:]) // never fails
		if other := sasFromBits(binary.BigEndian.Uint32(random[:])); !seen[other] {
			seen[other] = true
			codes = append(codes, other)
		}
	}
	n, err := rand.Int(rand.Reader, big.NewInt(int64(size)))
	if err != nil {
		return nil, err
	}
	at := n.Int64()
	codes[0], codes[at] = codes[at], codes[0]
	return codes, nil
}

// ValidationCode is what a server sends by e-mail (1.9).
type ValidationCode string

const validationSymbols = 6

// GenerateValidationCode returns a random code.
func GenerateValidationCode() ValidationCode {
	text := [validationSymbols]byte{}
	_, _ = rand.Read(text[:]) // never fails
	for i, b := range text {
		text[i] = codeAlphabet[b%byte(len(codeAlphabet))] // 32 symbols: no bias
	}
	return ValidationCode(text[:])
}

// ParseValidationCode reads a code.
func ParseValidationCode(text string) (ValidationCode, error) {
	if err := checkCode(text, validationSymbols); err != nil {
		return "", err
	}
	return ValidationCode(text), nil
}

// Equal compares in constant time.
func (c ValidationCode) Equal(o ValidationCode) bool {
	return subtle.ConstantTimeCompare([]byte(c), []byte(o)) == 1
}

// AccessToken lets its bearer do one thing: claim an invitation, bootstrap an organisation, reveal a
// recovery. It is a secret.
type AccessToken struct{ secret }

// TokenSize is the size of an AccessToken.
const TokenSize = 16

// GenerateAccessToken returns a random token.
func GenerateAccessToken() AccessToken { return AccessToken{randomSecret(TokenSize)} }

// NewAccessToken returns the token with the given 16 bytes, which it copies.
func NewAccessToken(b []byte) (AccessToken, error) {
	s, err := sizedSecret(b, TokenSize)
	return AccessToken{s}, err
}

// ParseAccessToken reads 32 hexadecimal digits.
func ParseAccessToken(text string) (AccessToken, error) {
	b, err := hex.DecodeString(text)
	if err != nil {
		return AccessToken{}, ErrCode
	}
	defer wipe(b)
	return NewAccessToken(b)
}

// Hex returns the token in hexadecimal, for a header or an address.
func (t AccessToken) Hex() (string, error) {
	b, err := t.open()
	return hex.EncodeToString(b), err
}

// Equal compares in constant time.
func (t AccessToken) Equal(o AccessToken) bool { return t.equal(o.secret) }
