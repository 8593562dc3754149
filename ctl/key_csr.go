package ctl

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/policy"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/subject"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// csrOptions are the options of key csr.
type csrOptions struct {
	subject               string
	dns, ips, mails, uris []string
	hash, format          string
	to                    sink
}

func (p *Program) keyCSR() *cobra.Command {
	var o csrOptions
	cmd := &cobra.Command{
		Use:   "csr NAME",
		Short: "Make a certificate signing request for a key",
		Long: `Make a PKCS #10 certificate signing request, signed by the key itself.

The subject is written as comma-separated parts in the order in which they shall stand,
such as "C=DE,O=Example,CN=www.example.org"; a comma within a part is written "\,".`,
		Example: `  parsecctl key csr web/tls --subject "CN=www.example.org,O=Example" \
      --dns www.example.org --dns example.org -o web.csr`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.completeKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			template, err := o.template()
			if err != nil {
				return err
			}
			return p.with(cmd.Context(), func(c *client.Client) error { return p.runCSR(cmd.Context(), c, args[0], template, o) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.subject, "subject", "", "the distinguished `name`, such as CN=www.example.org,O=Example")
	f.StringSliceVar(&o.dns, "dns", nil, "a DNS `name` (repeatable)")
	f.StringSliceVar(&o.ips, "ip", nil, "an IP `address` (repeatable)")
	f.StringSliceVar(&o.mails, "email", nil, "an e-mail `address` (repeatable)")
	f.StringSliceVar(&o.uris, "uri", nil, "a `URI`, such as a SPIFFE ID (repeatable)")
	f.StringVar(&o.hash, "hash", "", "the `hash`, for keys that permit several (default: by the strength of the key)")
	f.StringVar(&o.format, "format", "pem", "pem or der")
	choices(cmd, "format", "pem", "der")
	outputFlags(cmd, &o.to)
	return cmd
}

// template reads what the options say of the request.
func (o csrOptions) template() (*x509.CertificateRequest, error) {
	if o.format != "pem" && o.format != "der" {
		return nil, usagef("no format is called %q; there are pem and der", o.format)
	}
	t := &x509.CertificateRequest{DNSNames: o.dns, EmailAddresses: o.mails}
	var err error
	if t.RawSubject, err = subject.Parse(o.subject); err != nil {
		return nil, usagef("--subject: %w", err)
	}
	for _, s := range o.ips {
		ip := net.ParseIP(s)
		if ip == nil {
			return nil, usagef("--ip: %q is not an IP address", s)
		}
		t.IPAddresses = append(t.IPAddresses, ip)
	}
	for _, s := range o.uris {
		u, err := url.Parse(s)
		if err != nil || u.Scheme == "" {
			return nil, usagef("--uri: %q is not a URI", s)
		}
		t.URIs = append(t.URIs, u)
	}
	if o.subject == "" && len(t.DNSNames)+len(t.EmailAddresses)+len(t.IPAddresses)+len(t.URIs) == 0 {
		return nil, usagef("a request for nobody: give --subject, --dns, --ip, --email or --uri")
	}
	return t, nil
}

func (p *Program) runCSR(ctx context.Context, c *client.Client, name string, template *x509.CertificateRequest, o csrOptions) error {
	key, err := c.Key(ctx, psa.KeyName(name))
	if err != nil {
		return err
	}
	if template.SignatureAlgorithm, err = certificateAlgorithm(key, o.hash); err != nil {
		return err
	}
	der, err := x509.CreateCertificateRequest(nil, template, key.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("cannot make the request with key %q: %w", name, err)
	}
	if o.format == "der" {
		return p.deliver(o.to, der, false)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	if p.global.json && o.to.stdout() {
		return p.emit(map[string]string{"key": name, "pem": string(text)}, func(io.Writer) {})
	}
	return p.deliver(o.to, text, true)
}

// certificateAlgorithm returns X.509's name of how the key signs.
func certificateAlgorithm(key *client.Key, hash string) (x509.SignatureAlgorithm, error) {
	s, err := plan(key.Info(), hash, false)
	if err != nil {
		return 0, err
	}
	if s.alg.Kind == psa.AlgECDSAAny {
		s.alg.Hash = policy.TypeOf(key.Info().Attributes).Hash
		if hash != "" {
			if s.alg.Hash, err = policy.ParseHash(hash); err != nil {
				return 0, &usageError{err}
			}
		}
	}
	var found x509.SignatureAlgorithm
	switch key.Public().(type) {
	case ed25519.PublicKey:
		return x509.PureEd25519, nil
	case *ecdsa.PublicKey:
		found = map[psa.Hash]x509.SignatureAlgorithm{
			psa.HashSHA256: x509.ECDSAWithSHA256, psa.HashSHA384: x509.ECDSAWithSHA384, psa.HashSHA512: x509.ECDSAWithSHA512,
		}[s.alg.Hash]
	case *rsa.PublicKey:
		found = rsaAlgorithm(s.alg)
	}
	if found == x509.UnknownSignatureAlgorithm {
		return 0, advise(fmt.Errorf("certificates have no name for %s", s.alg), "make a key with the hash sha256, sha384 or sha512")
	}
	return found, nil
}

func rsaAlgorithm(alg psa.Algorithm) x509.SignatureAlgorithm {
	if alg.Kind == psa.AlgRSAPSS {
		return map[psa.Hash]x509.SignatureAlgorithm{
			psa.HashSHA256: x509.SHA256WithRSAPSS, psa.HashSHA384: x509.SHA384WithRSAPSS, psa.HashSHA512: x509.SHA512WithRSAPSS,
		}[alg.Hash]
	}
	return map[psa.Hash]x509.SignatureAlgorithm{
		psa.HashSHA256: x509.SHA256WithRSA, psa.HashSHA384: x509.SHA384WithRSA, psa.HashSHA512: x509.SHA512WithRSA,
	}[alg.Hash]
}
