package trust

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 as every authenticator application implements it
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"time"
)

const (
	totpSecretSize = 20
	totpStep       = 30 // seconds
	totpDigits     = 6
)

// TOTPSecret makes one-time codes (1.12).
type TOTPSecret struct{ secret }

// GenerateTOTPSecret returns a random secret.
func GenerateTOTPSecret() TOTPSecret { return TOTPSecret{randomSecret(totpSecretSize)} }

// NewTOTPSecret returns the secret with the given 20 bytes, which it copies.
func NewTOTPSecret(b []byte) (TOTPSecret, error) {
	s, err := sizedSecret(b, totpSecretSize)
	return TOTPSecret{s}, err
}

// Base32 returns the secret as authenticator applications take it.
func (s TOTPSecret) Base32() ([]byte, error) {
	b, err := s.open()
	if err != nil {
		return nil, err
	}
	return base32Text.AppendEncode(nil, b), nil
}

// Code returns the code of a moment.
func (s TOTPSecret) Code(at time.Time) (string, error) { return s.code(at.Unix()/totpStep, totpDigits) }

func (s TOTPSecret) code(step int64, digits int) (string, error) {
	b, err := s.open()
	if err != nil {
		return "", err
	}
	h := hmac.New(sha1.New, b)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(step))) //nolint:gosec // times before 1970 wrap, as everywhere
	sum := h.Sum(nil)
	number := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&0xf:]) & 0x7fffffff
	modulus := uint32(1)
	for range digits {
		modulus *= 10
	}
	return fmt.Sprintf("%0*d", digits, number%modulus), nil
}

// Verify reports whether the code is the one of the moment, or of the step before or after. Whoever calls it counts failures.
func (s TOTPSecret) Verify(code string, at time.Time) (bool, error) {
	found := 0
	for step := at.Unix()/totpStep - 1; step <= at.Unix()/totpStep+1; step++ {
		want, err := s.code(step, totpDigits)
		if err != nil {
			return false, err
		}
		found |= subtle.ConstantTimeCompare([]byte(want), []byte(code))
	}
	return found == 1, nil
}
