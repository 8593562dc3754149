package attestation

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Object identifiers of the TCG's profile for endorsement certificates.
var (
	oidSubjectAltName  = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidEKCertificate   = asn1.ObjectIdentifier{2, 23, 133, 8, 1}
	oidTPMManufacturer = asn1.ObjectIdentifier{2, 23, 133, 2, 1}
	oidTPMModel        = asn1.ObjectIdentifier{2, 23, 133, 2, 2}
	oidTPMVersion      = asn1.ObjectIdentifier{2, 23, 133, 2, 3}
)

// tagDirectoryName marks a directoryName among GeneralNames.
const tagDirectoryName = 4

// endorsementCertificate verifies the certificate of the endorsement key. It returns it,
// whether or not it is good, for the comparison of keys.
func (r *Report) endorsementCertificate(p *parsed, o Options) (*x509.Certificate, error) {
	if len(p.Certificates) == 0 {
		return nil, errors.New("the statement has none: the TPM's maker left none in it")
	}
	c, err := x509.ParseCertificate(p.Certificates[0])
	if err != nil {
		return nil, fmt.Errorf("it cannot be read: %v", err)
	}
	r.Certificate = tell(c)
	names, err := directoryNames(c)
	if err != nil {
		return c, err
	}
	r.Certificate.Manufacturer, r.Certificate.Model, r.Certificate.Version = manufacturer(names[oidTPMManufacturer.String()]),
		names[oidTPMModel.String()], names[oidTPMVersion.String()]
	if !slices.ContainsFunc(c.UnknownExtKeyUsage, oidEKCertificate.Equal) {
		return c, fmt.Errorf("it is no endorsement certificate: extended key usage %s is missing", oidEKCertificate)
	}
	need := x509.KeyUsageKeyAgreement
	if _, ok := c.PublicKey.(*rsa.PublicKey); ok {
		need = x509.KeyUsageKeyEncipherment
	}
	if c.IsCA || c.KeyUsage != 0 && c.KeyUsage&need == 0 {
		return c, errors.New("it is not for encryption to an endorsement key")
	}
	return c, chain(c, p.Certificates[1:], o)
}

// chain verifies a certificate up to one of the authorities.
func chain(c *x509.Certificate, more [][]byte, o Options) error {
	v := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: o.Now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	for _, a := range o.Authorities {
		v.Roots.AddCert(a)
	}
	for _, i := range o.Intermediates {
		v.Intermediates.AddCert(i)
	}
	for _, der := range more {
		i, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("the certificate of an issuer cannot be read: %v", err)
		}
		v.Intermediates.AddCert(i)
	}
	_, err := c.Verify(v)
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
		return fmt.Errorf("none of the given authorities certified it; its issuer is %q", c.Issuer)
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return fmt.Errorf("the certificate of %q is valid from %s to %s, not now", e.Cert.Subject,
			e.Cert.NotBefore.UTC().Format(time.RFC3339), e.Cert.NotAfter.UTC().Format(time.RFC3339))
	}
	if _, critical := errors.AsType[x509.UnhandledCriticalExtension](err); critical {
		return fmt.Errorf("a certificate has a critical extension that is not understood here: %v", c.UnhandledCriticalExtensions)
	}
	return err
}

func tell(c *x509.Certificate) *Certificate {
	return &Certificate{
		Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: hex.EncodeToString(c.SerialNumber.Bytes()),
		NotBefore: c.NotBefore, NotAfter: c.NotAfter,
	}
}

// directoryNames reads the alternative name that names a TPM, and takes it off the critical
// extensions that nobody understands.
func directoryNames(c *x509.Certificate) (map[string]string, error) {
	found := map[string]string{}
	for _, e := range c.Extensions {
		if !e.Id.Equal(oidSubjectAltName) {
			continue
		}
		var names []asn1.RawValue
		if rest, err := asn1.Unmarshal(e.Value, &names); err != nil || len(rest) > 0 {
			return nil, errors.New("its alternative name cannot be read")
		}
		for _, n := range names {
			if n.Class != asn1.ClassContextSpecific || n.Tag != tagDirectoryName {
				continue
			}
			var rdns pkix.RDNSequence
			if rest, err := asn1.Unmarshal(n.Bytes, &rdns); err != nil || len(rest) > 0 {
				return nil, errors.New("the TPM's name in it cannot be read")
			}
			for _, rdn := range rdns {
				for _, a := range rdn {
					if text, ok := a.Value.(string); ok {
						found[a.Type.String()] = text
					}
				}
			}
		}
		c.UnhandledCriticalExtensions = slices.DeleteFunc(c.UnhandledCriticalExtensions, oidSubjectAltName.Equal)
	}
	return found, nil
}

// manufacturer makes the id of a maker readable: "id:49424d00" is "IBM".
func manufacturer(id string) string {
	digits, ok := strings.CutPrefix(id, "id:")
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != 4 {
		return id
	}
	name := strings.TrimRight(string(b), "\x00 ")
	for _, c := range name {
		if c < ' ' || c > '~' {
			return id
		}
	}
	return name
}

// ParseCertificates reads a PEM file with at least one certificate and nothing else, or
// one certificate in DER.
func ParseCertificates(b []byte) ([]*x509.Certificate, error) {
	const most = 256
	if c, err := x509.ParseCertificate(b); err == nil {
		return []*x509.Certificate{c}, nil
	}
	var found []*x509.Certificate
	for {
		block, rest := pem.Decode(b)
		switch {
		case block == nil && len(found) == 0:
			return nil, malformed("there is no certificate in it")
		case block == nil:
			return found, nil
		case block.Type != "CERTIFICATE":
			return nil, malformed("it holds a %q beside certificates", block.Type)
		case len(found) == most:
			return nil, malformed("it holds more than %d certificates", most)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, malformed("certificate %d cannot be read: %v", len(found)+1, err)
		}
		found, b = append(found, c), rest
	}
}
