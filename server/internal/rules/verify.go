package rules

import (
	"reflect"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// verify reads a certificate of one type that the author signed. It is nil when it is anything else.
func verify[C trust.Certificate](signed []byte, author trust.Author) (none C, _ bool) {
	c, err := trust.VerifyCertificate(signed, author)
	if err != nil {
		return none, false
	}
	own, ok := c.(C)
	return own, ok
}

// signer is the caller as the author of certificates.
func (c *Call) signer() trust.Author { return trust.Author{Device: &c.Device, Key: c.Key} }

// pair is a certificate in both its forms.
type pair[C trust.Certificate] struct{ full, redacted C }

func verifyUser(full, redacted []byte, author trust.Author) (p pair[*trust.UserCertificate], ok bool) {
	return verifyPair[*trust.UserCertificate](full, redacted, author)
}

func verifyDevice(full, redacted []byte, author trust.Author) (p pair[*trust.DeviceCertificate], ok bool) {
	return verifyPair[*trust.DeviceCertificate](full, redacted, author)
}

func verifyPair[C trust.Certificate](full, redacted []byte, author trust.Author) (p pair[C], ok bool) {
	if p.full, ok = verify[C](full, author); !ok {
		return p, false
	}
	p.redacted, ok = verify[C](redacted, author)
	return p, ok
}

// usersMatch reports whether the redacted form withholds the handle and nothing else.
func usersMatch(p pair[*trust.UserCertificate]) bool {
	return p.full.HumanHandle != nil && reflect.DeepEqual(p.full.Redacted(), p.redacted)
}

// devicesMatch reports whether the redacted form withholds the label and nothing else.
func devicesMatch(p pair[*trust.DeviceCertificate]) bool {
	return p.full.DeviceLabel != nil && reflect.DeepEqual(p.full.Redacted(), p.redacted)
}
