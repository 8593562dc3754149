package trust

import (
	"bytes"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust/internal/show"
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// Claims are what a signed object says before anybody has verified it, for people who debug. Beyond the Claim they are texts only:
// no code can take them for a certificate that was verified.
type Claims struct {
	Claim
	// Signature says how it is signed, if it is.
	Signature Signature
	// Size is how large the object is when decompressed. It is known also of one that cannot be read.
	Size int

	data        []byte
	certificate Certificate // nil: it is of another type
}

// Signature is how an object is signed, which says nothing about whether the signature is good.
type Signature uint8

// Ways of signing.
const (
	// NoSignature is that of an object that stands alone.
	NoSignature Signature = iota
	// ByKey is the signature of a device or of the root key.
	ByKey
	// ByAuthority is the signature of a sequester authority.
	ByAuthority
)

// ReadClaims reads a signed object, or one that lost its signature, without verifying anything.
func ReadClaims(data []byte) (Claims, error) {
	c := Claims{data: data}
	message, err := c.message()
	if err != nil {
		return c, err
	}
	plain, err := decompress(message[1:], MaxCertificateSize)
	c.Size = len(plain)
	if err != nil {
		c.Size = MaxCertificateSize
		return c, err
	}
	defer wipe(plain)
	if err := unpackRaw(plain, func(r *mpack.Reader) { decodeClaim(r, &c.Claim) }); err != nil {
		return c, err
	}
	return c, c.read(plain)
}

// message finds the object behind its signature.
func (c *Claims) message() ([]byte, error) {
	prefix := []byte(sequesterSignature + ":")
	switch {
	case bytes.HasPrefix(c.data, prefix):
		c.Signature = ByAuthority
		return behindBlock(c.data[len(prefix):])
	case len(c.data) > SignatureSize && c.data[SignatureSize] == format0 && (c.data[0] != format0 || !isFrame(c.data[1:])):
		c.Signature = ByKey
		return c.data[SignatureSize:], nil
	case len(c.data) > 0 && c.data[0] == format0:
		return c.data, nil
	}
	return nil, ErrFormat
}

// frameMagic begins compressed data.
const frameMagic = "\x28\xb5\x2f\xfd"

func isFrame(b []byte) bool { return bytes.HasPrefix(b, []byte(frameMagic)) }

// behindBlock finds what a sequester authority signed. How long the signature is depends on the key, which is not known here.
func behindBlock(b []byte) ([]byte, error) {
	const shortest, longest = minRSA / 8, maxRSA / 8
	for n := shortest; n <= longest && n < len(b); n++ {
		if b[n] == format0 && isFrame(b[n+1:]) {
			return b[n:], nil
		}
	}
	return nil, ErrFormat
}

// read reads the certificate that the claim is about, if it is one.
func (c *Claims) read(plain []byte) error {
	made := newCertificate(c.Type)
	if c.Signature != ByKey && made == nil {
		if service := newServiceCertificate(c.Type); service != nil {
			made = service
		}
	}
	if made == nil {
		return nil
	}
	if err := unpackRaw(plain, made.decode); err != nil {
		return fmt.Errorf("%s: %w", c.Type, err)
	}
	c.certificate = made
	return check(made)
}

// IsCertificate reports whether it claims to be one.
func (c *Claims) IsCertificate() bool { return c.certificate != nil }

// Fields returns all that a certificate claims, as texts.
func (c *Claims) Fields() []show.Field {
	if c.certificate == nil {
		return nil
	}
	return show.Of(c.certificate)
}

// Subject returns the user that a certificate of the topic of shared recovery claims to be meant for.
func (c *Claims) Subject() (UserID, bool) {
	switch c := c.certificate.(type) {
	case *ShamirRecoveryBriefCertificate:
		return c.UserID, true
	case *ShamirRecoveryShareCertificate:
		return c.Recipient, true
	case *ShamirRecoveryDeletionCertificate:
		return c.SetupToDeleteUserID, true
	}
	return UserID{}, false
}

// place returns where a certificate belongs, and the order of those with one timestamp.
func (c *Claims) place() (topic Topic, realm RealmID, order int) {
	switch c := c.certificate.(type) {
	case *SequesterAuthorityCertificate:
		return TopicSequester, RealmID{}, 0
	case ServiceCertificate:
		return TopicSequester, RealmID{}, 1
	case RealmCertificate:
		return TopicRealm, c.Realm(), 0
	case *ShamirRecoveryBriefCertificate:
		return TopicShamir, RealmID{}, 0
	case *ShamirRecoveryShareCertificate, *ShamirRecoveryDeletionCertificate:
		return TopicShamir, RealmID{}, 1
	case *UserCertificate:
		return TopicCommon, RealmID{}, 0
	}
	return TopicCommon, RealmID{}, 1
}

// TypeOf returns the type that serialised data says it is of, and its size when decompressed. It reads at most a mebibyte.
func TypeOf(data []byte) (kind string, size int, err error) {
	if len(data) == 0 || data[0] != format0 {
		return "", 0, ErrFormat
	}
	plain, err := decompress(data[1:], MaxCertificateSize)
	if err != nil {
		return "", MaxCertificateSize, err
	}
	defer wipe(plain)
	err = unpackRaw(plain, func(r *mpack.Reader) {
		kind = r.Discriminant("type")
		r.Skip()
	})
	return kind, len(plain), err
}
