package ctl

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/outfile"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/policy"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// adoptOptions are the options of key adopt.
type adoptOptions struct {
	use                []string
	algorithm, hash    string
	owner, certificate string
	// files are a key file of a TPM, whole or in two parts, public first.
	files  []string
	auth   bool
	secret secrets

	request client.Adoption
}

func (p *Program) keyAdopt() *cobra.Command {
	var o adoptOptions
	cmd := &cobra.Command{
		Use:   "adopt NAME LOCATOR",
		Short: "Give a name to a key that lies on a token or in a TPM",
		Long: `Give a name to a key that another program made on a token or in a TPM. The device is only
read: nothing on it changes, now or when the name is deleted.

LOCATOR is what key list --unnamed prints, such as id:01, id:01/label:web, label:web%20key or a
PKCS#11 URI for tokens, and handle:81000001 for TPMs.

A key file that only the TPM opens (TSS2 PRIVATE KEY, or the public and the private file of
tpm2-tools) is adopted with the locator file, or file/parent:81000001 below a parent that the
file does not name. The agent keeps a copy.

What the key may be used for follows from its attributes on the device; --use, --alg and --hash
narrow it or choose among what it allows. Only administrators adopt keys, for themselves or,
with --for, for another application.`,
		Example: `  parsecctl key list --unnamed
  parsecctl key adopt web/tls id:01 --certificate web.pem
  parsecctl key adopt mail id:02 --alg rsa-oaep --hash sha256 --for 1000
  parsecctl key csr web/tls --subject CN=www.example.org
  parsecctl key adopt vpn file --key-file vpn.pem --auth`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args[1]); err != nil {
				return err
			}
			if err := p.material(cmd.Context(), &o); err != nil {
				return err
			}
			defer clear(o.request.Auth)
			return p.with(cmd.Context(), func(c *client.Client) error { return p.runAdopt(cmd.Context(), c, psa.KeyName(args[0]), o) })
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.use, "use", nil, "what the key is for: sign, verify, encrypt, decrypt, agree (default: all that it allows)")
	f.StringVar(&o.algorithm, "alg", "", "the only `algorithm` that the key may be used with (default: the usual one that it allows)")
	f.StringVar(&o.hash, "hash", "sha256", "the `hash` of --alg, or any")
	f.StringVar(&o.owner, "for", "", "the `application` whose key it becomes, as client list prints it (default: you)")
	f.StringVar(&o.certificate, "certificate", "", "write the certificate that lies beside the key to this `file`")
	f.StringArrayVar(&o.files, "key-file", nil, "a key `file` of a TPM; twice, first the public part, for tpm2-tools")
	f.BoolVar(&o.auth, "auth", false, "ask for the authorisation value of a key in a TPM; it is stored with the key's name")
	passphraseFlag(cmd, &o.secret)
	choices(cmd, "use", policy.UseNames()...)
	choices(cmd, "alg", policy.AlgorithmNames()...)
	choices(cmd, "hash", append(policy.HashNames(), "any")...)
	return cmd
}

// complete turns the options into the request.
func (o *adoptOptions) complete(locator string) error {
	o.request = client.Adoption{Locator: locator, Application: o.owner}
	var err error
	if o.request.Usage, err = policy.ParseUse(o.use); err != nil {
		return &usageError{err}
	}
	if o.algorithm == "" {
		return nil
	}
	hash := psa.HashAny
	if o.hash != "any" {
		if hash, err = policy.ParseHash(o.hash); err != nil {
			return &usageError{err}
		}
	}
	if o.request.Algorithm, err = policy.ParseAlgorithm(o.algorithm, hash); err != nil {
		return &usageError{err}
	}
	return nil
}

// material reads key files and asks for the authorisation value.
func (p *Program) material(ctx context.Context, o *adoptOptions) error {
	const most = 16 << 10
	if len(o.files) > 2 {
		return usagef("a key has one file, or two")
	}
	for _, path := range o.files {
		if err := o.secret.apart(path); err != nil {
			return err
		}
		b, err := p.read(path, most)
		if err != nil {
			return err
		}
		o.request.Content = append(o.request.Content, b...)
	}
	if !o.auth && o.secret.fd < 0 {
		return nil
	}
	var err error
	o.request.Auth, err = o.secret.ask(ctx, "Authorisation value of the key", false)
	return err
}

// adoptedKey is the JSON result of key adopt.
type adoptedKey struct {
	keyView
	CertificatePEM string `json:"certificate_pem,omitempty"`
}

func (p *Program) runAdopt(ctx context.Context, c *client.Client, name psa.KeyName, o adoptOptions) error {
	k, err := c.AdoptKey(ctx, name, o.request)
	if err != nil {
		return err
	}
	p.say("key %q adopted from provider %s at %s: %s for %s, %s", name, k.Instance, k.Locator,
		policy.TypeName(k.Attributes), k.Attributes.Alg, usageText(k.Attributes.Usage))
	r := adoptedKey{keyView: viewKey(k)}
	if len(k.Certificate) > 0 {
		r.CertificatePEM = certificatePEM(k.Certificate)
	}
	if o.certificate != "" {
		if err := p.writeCertificate(o.certificate, r.CertificatePEM); err != nil {
			return err
		}
	}
	return p.emit(r, func(io.Writer) {})
}

// writeCertificate writes the certificate of a key that is adopted already.
func (p *Program) writeCertificate(path, text string) error {
	if text == "" {
		return advise(fmt.Errorf("no certificate lies beside the key, which is adopted nevertheless"), "parsecctl key csr")
	}
	return outfile.Write(path, []byte(text), outfile.Options{})
}
