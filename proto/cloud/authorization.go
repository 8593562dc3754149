package cloud

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// ErrToken is an authorisation that is not well formed.
var ErrToken = errors.New("this is no authorization")

// Window in which a clock may be wrong: server minus client lies strictly between -ClientEarly and ClientLate.
const (
	ClientEarly = 300 * time.Second
	ClientLate  = 320 * time.Second
)

const (
	headerAuthorization = "Authorization"
	scheme              = "Bearer"
	signedByDevice      = "PARSEC-SIGN-ED25519"
	macOfAccount        = "PARSEC-MAC-BLAKE2B"
	// maxAuthorization is more than the 170 bytes that the longest has.
	maxAuthorization = 512
	tagSize          = 64
)

// claim is what both kinds of tokens say: who, when, and a signature or MAC over the text before it.
type claim struct {
	who    [16]byte
	at     int64
	signed string
	tag    [tagSize]byte
}

func (c *claim) time() time.Time { return time.Unix(c.at, 0) }

// InWindow reports whether a moment that a client states is near enough to the server's.
func InWindow(server, client time.Time) bool {
	d := server.Sub(client)
	return d > -ClientEarly && d < ClientLate
}

// DeviceToken says that a device was here lately. It says nothing of what the device asks for.
type DeviceToken struct{ c claim }

// AccountToken says that somebody with a method of authentication was here lately.
type AccountToken struct{ c claim }

// Device returns who the token claims to be of.
func (t *DeviceToken) Device() trust.DeviceID { return t.c.who }

// Time returns when the client says that it made the token.
func (t *DeviceToken) Time() time.Time { return t.c.time() }

// Verify checks the signature.
func (t *DeviceToken) Verify(key trust.VerifyKey) error {
	return key.VerifyDetached([]byte(t.c.signed), t.c.tag[:])
}

// Method returns what the token claims to be made with.
func (t *AccountToken) Method() trust.AccountAuthMethodID { return t.c.who }

// Time returns when the client says that it made the token.
func (t *AccountToken) Time() time.Time { return t.c.time() }

// Verify checks the MAC.
func (t *AccountToken) Verify(key trust.SecretKey) error {
	want, err := key.MAC512([]byte(t.c.signed))
	if err != nil {
		return err
	}
	if !hmac.Equal(want[:], t.c.tag[:]) {
		return trust.ErrSignature
	}
	return nil
}

// NewDeviceToken returns the value of the header.
func NewDeviceToken(device trust.DeviceID, at time.Time, key trust.SigningKey) (string, error) {
	text := tokenText(signedByDevice, device.String(), at)
	tag, err := key.SignDetached([]byte(text))
	return authorization(text, tag), err
}

// NewAccountToken returns the value of the header.
func NewAccountToken(method trust.AccountAuthMethodID, at time.Time, key trust.SecretKey) (string, error) {
	text := tokenText(macOfAccount, method.String(), at)
	tag, err := key.MAC512([]byte(text))
	return authorization(text, tag), err
}

func tokenText(kind, who string, at time.Time) string {
	return kind + "." + who + "." + strconv.FormatInt(at.Unix(), 10)
}

func authorization(text string, tag [tagSize]byte) string {
	return scheme + " " + text + "." + base64.URLEncoding.EncodeToString(tag[:])
}

// NewInvitationToken returns the value of the header, which is as secret as the token.
func NewInvitationToken(token trust.AccessToken) (string, error) {
	digits, err := token.Hex()
	return scheme + " " + digits, err
}

// ParseDeviceToken reads the header.
func ParseDeviceToken(header string) (DeviceToken, error) {
	c, err := parseClaim(header, signedByDevice)
	return DeviceToken{c}, err
}

// ParseAccountToken reads the header.
func ParseAccountToken(header string) (AccountToken, error) {
	c, err := parseClaim(header, macOfAccount)
	return AccountToken{c}, err
}

// ParseInvitationToken reads the header.
func ParseInvitationToken(header string) (trust.AccessToken, error) {
	text, err := bearer(header)
	if err != nil {
		return trust.AccessToken{}, err
	}
	token, err := trust.ParseAccessToken(text)
	if err != nil {
		return trust.AccessToken{}, ErrToken
	}
	return token, nil
}

// bearer returns what follows the scheme.
func bearer(header string) (string, error) {
	if len(header) > maxAuthorization {
		return "", ErrToken
	}
	words := strings.Fields(header)
	if len(words) != 2 || !strings.EqualFold(words[0], scheme) {
		return "", ErrToken
	}
	return words[1], nil
}

func parseClaim(header, kind string) (claim, error) {
	text, err := bearer(header)
	if err != nil {
		return claim{}, err
	}
	dot := strings.LastIndexByte(text, '.')
	if dot < 0 {
		return claim{}, ErrToken
	}
	c := claim{signed: text[:dot]}
	parts := strings.Split(c.signed, ".")
	if len(parts) != 3 || parts[0] != kind {
		return claim{}, ErrToken
	}
	id := trust.DeviceID{} // a text of any kind of id
	tag, errTag := base64.URLEncoding.DecodeString(text[dot+1:])
	c.at, err = strconv.ParseInt(parts[2], 10, 64)
	if id.UnmarshalText([]byte(parts[1])) != nil || errTag != nil || err != nil || len(tag) != tagSize {
		return claim{}, ErrToken
	}
	if _, err := trust.DateTimeOf(c.time()); err != nil {
		return claim{}, ErrToken
	}
	c.who, c.tag = id, [tagSize]byte(tag)
	return c, nil
}
