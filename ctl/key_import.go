package ctl

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/policy"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// importing are the options of key import.
type importing struct {
	request policy.Request
	format  string
	from    secrets
}

func (p *Program) keyImport() *cobra.Command {
	var o importing
	cmd := &cobra.Command{
		Use:   "import NAME FILE",
		Short: "Bring a key into the service",
		Long: `Bring a key into the service: a private or public key in PEM or DER (PKCS #8, also
encrypted; PKCS #1, SEC 1, SPKI) or the public key of a certificate, recognised by
itself; or bare bytes with --format raw, hex or base64 and --type. "-" reads standard
input.

The file stays where it is: remove it when the key is in the service.`,
		Example: `  parsecctl key import web/tls server.pem
  parsecctl key import peer ca.crt
  parsecctl key import tokens secret.bin --format raw --type hmac-sha256`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.from.apart(args[1]); err != nil {
				return err
			}
			data, err := p.read(args[1], keyfile.MaxSize)
			if err != nil {
				return err
			}
			defer clear(data)
			key, err := o.parse(cmd.Context(), data, args[1])
			if err != nil {
				return err
			}
			defer key.Wipe()
			attrs, err := o.attributes(key)
			if err != nil {
				return err
			}
			return p.with(cmd.Context(), func(c *client.Client) error {
				return p.runImport(cmd.Context(), c, args[0], attrs, key.Data)
			})
		},
	}
	attributeFlags(cmd, &o.request, "")
	cmd.Flags().StringVar(&o.format, "format", "auto", "auto, raw, hex or base64")
	choices(cmd, "format", "auto", "raw", "hex", "base64")
	passphraseFlag(cmd, &o.from)
	return cmd
}

// parse reads the key from the bytes of the file.
func (o importing) parse(ctx context.Context, data []byte, path string) (*keyfile.Key, error) {
	var bare []byte
	switch o.format {
	case "auto":
		key, err := keyfile.Parse(data, func() ([]byte, error) { return o.from.ask(ctx, "Passphrase of "+path, false) })
		if err != nil {
			return nil, fmt.Errorf("cannot import %s: %w", path, err)
		}
		return key, nil
	case "raw":
		bare = append([]byte(nil), data...)
	case "hex", "base64":
		text := []byte(strings.TrimSpace(string(data)))
		bare = make([]byte, len(text))
		var n int
		var err error
		if o.format == "hex" {
			n, err = hex.Decode(bare, text)
		} else {
			n, err = base64.StdEncoding.Decode(bare, text)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot import %s: not %s", path, o.format)
		}
		bare = bare[:n]
	default:
		return nil, usagef("no format is called %q; there are auto, raw, hex and base64", o.format)
	}
	return o.bare(bare)
}

// bare makes a key of bytes whose type the user says.
func (o importing) bare(data []byte) (*keyfile.Key, error) {
	if o.request.Type == "" {
		return nil, usagef("bare bytes do not say what they are: give --type")
	}
	name, public := strings.CutSuffix(o.request.Type, "-public")
	t, err := policy.ParseType(name)
	if err != nil {
		return nil, &usageError{err}
	}
	key := &keyfile.Key{Attributes: psa.Attributes{Type: t.Kind, Curve: t.Curve, Bits: t.Bits}, Data: data, Form: "bare bytes"}
	if public {
		key.Attributes.Type = publicOf(t.Kind)
	}
	if t.Kind == psa.KeyHMAC || t.Kind == psa.KeyDerive || t.Kind == psa.KeyRawData {
		key.Attributes.Bits = 8 * uint64(len(data))
	}
	return key, nil
}

func publicOf(t psa.KeyType) psa.KeyType {
	switch t {
	case psa.KeyECCPair:
		return psa.KeyECCPublic
	case psa.KeyRSAPair:
		return psa.KeyRSAPublic
	case psa.KeyDHPair:
		return psa.KeyDHPublic
	default:
		return t
	}
}

// attributes completes those of the key with what the user says.
func (o importing) attributes(key *keyfile.Key) (psa.Attributes, error) {
	a := key.Attributes
	t := policy.TypeOf(a)
	r := o.request
	if r.Type != "" && o.format == "auto" {
		said, err := policy.ParseType(r.Type)
		if err != nil {
			return a, &usageError{err}
		}
		if said.Kind != policy.PairOf(a.Type) || said.Curve != a.Curve || said.Bits != 0 && said.Bits != a.Bits {
			return a, usagef("the file holds a key of type %s, not %s", policy.TypeName(a), r.Type)
		}
	}
	if key.Scheme == psa.AlgRSAPSS && r.Algorithm == "" {
		r.Algorithm = psa.AlgRSAPSS.String()
	}
	attrs, err := r.Complete(t)
	if err != nil {
		return attrs, &usageError{err}
	}
	return attrs, nil
}

func (p *Program) runImport(ctx context.Context, c *client.Client, name string, attrs psa.Attributes, data []byte) error {
	if err := c.ImportKey(ctx, psa.KeyName(name), attrs, data); err != nil {
		return unsupported(err)
	}
	return p.newKey(ctx, c, name, attrs, "imported")
}
