package trust

import (
	"crypto/x509"
	"encoding/asn1"
	"slices"
)

// X509Identity is a certificate that leads to a root that is believed.
type X509Identity struct {
	// path begins with the certificate and ends with the root.
	path []link
}

var (
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidEmailAddress = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
)

// Certificate returns the certificate. It must not be changed.
func (i *X509Identity) Certificate() *x509.Certificate { return i.path[0].Certificate }

// Root returns the root that the certificate leads to.
func (i *X509Identity) Root() X509Hash { return X509HashOf(i.path[len(i.path)-1].Raw) }

// CanSign reports whether the certificate lets its key sign.
func (i *X509Identity) CanSign() bool {
	usage := i.path[0].KeyUsage
	return usage == 0 || usage&x509.KeyUsageDigitalSignature != 0
}

// CanDecrypt reports whether the certificate lets its key open what is encrypted for it.
func (i *X509Identity) CanDecrypt() bool {
	usage := i.path[0].KeyUsage
	return usage == 0 || usage&(x509.KeyUsageKeyEncipherment|x509.KeyUsageDataEncipherment) != 0
}

// Verify checks a signature by the owner.
func (i *X509Identity) Verify(payload, signature []byte) error {
	if !i.CanSign() {
		return i.path[0].refuse(X509WrongUsage, nil)
	}
	return VerifyX509(i.path[0].Certificate, payload, signature)
}

// Encrypt encrypts a key for the owner.
func (i *X509Identity) Encrypt(key SecretKey) ([]byte, error) {
	if !i.CanDecrypt() {
		return nil, i.path[0].refuse(X509WrongUsage, nil)
	}
	return EncryptX509(i.path[0].Certificate, key)
}

// Emails returns the addresses of the owner: those of the alternative names, then those of the subject.
func (i *X509Identity) Emails() ([]EmailAddress, error) {
	emails := []EmailAddress{}
	for _, s := range slices.Concat(i.path[0].EmailAddresses, subjectEmails(i.path[0].Certificate)) {
		email, err := NewEmailAddress(s)
		if err != nil {
			return nil, i.path[0].refuse(X509BadEmail, nil)
		}
		emails = append(emails, email)
	}
	if len(emails) == 0 {
		return nil, i.path[0].refuse(X509NoEmail, nil)
	}
	return emails, nil
}

// HumanHandle returns common name and first address, which a newcomer asks for.
func (i *X509Identity) HumanHandle() (HumanHandle, error) {
	emails, err := i.Emails()
	if err != nil {
		return HumanHandle{}, err
	}
	names := subjectValues(i.path[0].Certificate, oidCommonName)
	if len(names) == 0 {
		return HumanHandle{}, i.path[0].refuse(X509NoName, nil)
	}
	label, err := NewHumanLabel(names[0])
	if err != nil {
		return HumanHandle{}, i.path[0].refuse(X509BadName, nil)
	}
	return HumanHandle{Email: emails[0], Label: label}, nil
}

func subjectEmails(c *x509.Certificate) []string { return subjectValues(c, oidEmailAddress) }

// subjectValues returns the texts of one kind in the subject.
func subjectValues(c *x509.Certificate, kind asn1.ObjectIdentifier) []string {
	values := []string{}
	for _, name := range c.Subject.Names {
		if s, ok := name.Value.(string); ok && name.Type.Equal(kind) {
			values = append(values, s)
		}
	}
	return values
}
