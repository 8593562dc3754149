package describe

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/seed-73b3884f/parsec-agent/ctl/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/policy"
)

func certificate(der []byte) (Item, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return Item{}, err
	}
	item := Item{Kind: "certificate"}
	item.add("subject", "%s", name(c.Subject))
	item.add("issuer", "%s", name(c.Issuer))
	item.add("serial", "%x", c.SerialNumber)
	item.add("valid", "%s to %s", c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339))
	item.names(c.DNSNames, c.EmailAddresses, c.IPAddresses, c.URIs)
	if c.IsCA {
		item.add("authority", "yes")
	}
	item.add("signed with", "%s", c.SignatureAlgorithm)
	item.publicKey(c.RawSubjectPublicKeyInfo)
	if bytes.Equal(c.RawIssuer, c.RawSubject) { //nolint:forbidigo // public
		item.add("self-signed", "%s", verdict(c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)))
	}
	return item, nil
}

func request(der []byte) (Item, error) {
	r, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return Item{}, err
	}
	item := Item{Kind: "certificate request"}
	item.add("subject", "%s", name(r.Subject))
	item.names(r.DNSNames, r.EmailAddresses, r.IPAddresses, r.URIs)
	item.add("signed with", "%s", r.SignatureAlgorithm)
	item.publicKey(r.RawSubjectPublicKeyInfo)
	item.add("signature", "%s", verdict(r.CheckSignature()))
	return item, nil
}

// name writes a name in the order of the certificate, as key csr takes it.
func name(n pkix.Name) string {
	short := map[string]string{
		"2.5.4.3": "CN", "2.5.4.5": "SERIALNUMBER", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET",
		"2.5.4.10": "O", "2.5.4.11": "OU", "0.9.2342.19200300.100.1.25": "DC", "1.2.840.113549.1.9.1": "EMAILADDRESS",
	}
	var parts []string
	for _, attr := range n.Names {
		key, ok := short[attr.Type.String()]
		if !ok {
			key = attr.Type.String()
		}
		parts = append(parts, key+"="+strings.NewReplacer(`\`, `\\`, ",", `\,`).Replace(fmt.Sprint(attr.Value)))
	}
	if len(parts) == 0 {
		return "(empty)"
	}
	return strings.Join(parts, ",")
}

func (i *Item) names(dns, mails []string, ips []net.IP, uris []*url.URL) {
	for _, v := range dns {
		i.add("dns", "%s", v)
	}
	for _, v := range mails {
		i.add("email", "%s", v)
	}
	for _, v := range ips {
		i.add("ip", "%s", v)
	}
	for _, v := range uris {
		i.add("uri", "%s", v)
	}
}

func (i *Item) publicKey(spki []byte) {
	k, err := keyfile.ParseDER(spki, nil)
	if err != nil {
		i.add("key", "%v", err)
		return
	}
	i.add("key", "%s", policy.TypeName(k.Attributes))
	i.add("fingerprint", "%s", Fingerprint(spki))
}

func verdict(err error) string {
	if err != nil {
		return "does not verify: " + err.Error()
	}
	return "good"
}
