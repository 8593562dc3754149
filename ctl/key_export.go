package ctl

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// exporting are the options of key export.
type exporting struct {
	format  string
	encrypt bool
	from    secrets
	to      sink
}

func (p *Program) keyExport() *cobra.Command {
	var o exporting
	cmd := &cobra.Command{
		Use:   "export NAME",
		Short: "Write a whole key, private half included, to a file",
		Long: `Write a whole key to a file that only you can read. The key must have been made
--exportable.

Formats: pem and der are PKCS #8; traditional is PKCS #1 for RSA and SEC 1 for ECC, in
PEM; raw, hex and base64 are the bare bytes, the only form of symmetric keys. With
--encrypt, pem and der are encrypted to a passphrase.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.completeKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.to.stdout() && terminal.Is(p.Out) {
				return usagef("a private key is not for a terminal: name a file with --output")
			}
			secret, err := o.passphrase(cmd.Context())
			if err != nil {
				return err
			}
			defer clear(secret)
			return p.with(cmd.Context(), func(c *client.Client) error { return p.runExport(cmd.Context(), c, args[0], o, secret) })
		},
	}
	cmd.Flags().StringVar(&o.format, "format", "", "pem, der, traditional, raw, hex or base64 (default: pem for pairs, raw for others)")
	cmd.Flags().BoolVar(&o.encrypt, "encrypt", false, "encrypt the file to a passphrase")
	choices(cmd, "format", "pem", "der", "traditional", "raw", "hex", "base64")
	outputFlags(cmd, &o.to)
	passphraseFlag(cmd, &o.from)
	return cmd
}

func (o exporting) passphrase(ctx context.Context) ([]byte, error) {
	switch {
	case !o.encrypt && o.from.fd < 0:
		return nil, nil
	case !o.encrypt:
		return nil, usagef("--passphrase-fd is of use with --encrypt only")
	case o.format != "" && o.format != "pem" && o.format != "der":
		return nil, usagef("only pem and der can be encrypted")
	}
	return o.from.ask(ctx, "Passphrase for the key file", true)
}

func (p *Program) runExport(ctx context.Context, c *client.Client, name string, o exporting, secret []byte) error {
	view, info, err := p.locate(ctx, c, name)
	if err != nil {
		return err
	}
	data, err := view.ExportKey(ctx, info.Name)
	if err != nil {
		return err
	}
	defer clear(data)
	var public []byte
	if info.Attributes.Type == psa.KeyECCPair {
		if public, err = view.ExportPublicKey(ctx, info.Name); err != nil {
			return err
		}
	}
	if o.format == "" {
		o.format = "raw"
		if info.Attributes.Type.Pair() && info.Attributes.Type != psa.KeyDHPair || info.Attributes.Type.Public() {
			o.format = "pem"
		}
	}
	out, text, err := o.encode(info.Attributes, data, public, secret)
	if err != nil {
		return err
	}
	defer clear(out)
	o.to.secret = !info.Attributes.Type.Public()
	if p.global.json && o.to.stdout() {
		return p.emit(exported(name, o.format, out, text), func(io.Writer) {})
	}
	if err := p.deliver(o.to, out, text); err != nil || o.to.stdout() {
		return err
	}
	return p.confirm(name, "key %q is in %s", name, o.to.path)
}

func (o exporting) encode(a psa.Attributes, data, public, secret []byte) (out []byte, text bool, err error) {
	form := keyfile.Standard
	switch o.format {
	case "raw", "hex", "base64":
		return append([]byte(nil), encoding(o.format).encode(data)...), o.format != "raw", nil
	case "traditional":
		form = keyfile.Traditional
	case "pem", "der":
	default:
		return nil, false, usagef("no format is called %q; there are pem, der, traditional, raw, hex and base64", o.format)
	}
	if a.Type.Public() {
		return encodePublic(a, data, o.format)
	}
	der, label, err := keyfile.EncodePrivate(a, data, public, form)
	if err != nil {
		return nil, false, err
	}
	if len(secret) > 0 {
		defer clear(der)
		label = keyfile.EncryptedLabel
		if der, err = keyfile.Encrypt(der, secret); err != nil {
			return nil, false, err
		}
	}
	if o.format == "der" {
		return der, false, nil
	}
	defer clear(der)
	return keyfile.PEM(der, label), true, nil
}
