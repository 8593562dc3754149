package ctl

import (
	"context"
	"encoding/hex"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

func (p *Program) keyExportPublic() *cobra.Command {
	var format string
	var to sink
	cmd := &cobra.Command{
		Use:   "export-public NAME",
		Short: "Print the public half of a key",
		Long: `Print the public half of a key pair, or a public key.

Formats: pem and der are SPKI, which every program reads; pkcs1 and pkcs1-der are the older
form of RSA keys; raw are the bare bytes, as the service keeps them.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.completeKeys,
		RunE: p.service(func(ctx context.Context, c *client.Client, args []string) error {
			view, info, err := p.locate(ctx, c, args[0])
			if err != nil {
				return err
			}
			data, err := view.ExportPublicKey(ctx, info.Name)
			if err != nil {
				return err
			}
			out, text, err := encodePublic(info.Attributes, data, format)
			if err != nil {
				return err
			}
			if p.global.json && to.stdout() {
				return p.emit(exported(args[0], format, out, text), func(io.Writer) {})
			}
			return p.deliver(to, out, text)
		}),
	}
	cmd.Flags().StringVar(&format, "format", "pem", "pem, der, pkcs1, pkcs1-der or raw")
	choices(cmd, "format", "pem", "der", "pkcs1", "pkcs1-der", "raw")
	outputFlags(cmd, &to)
	return cmd
}

func encodePublic(a psa.Attributes, data []byte, format string) (out []byte, text bool, err error) {
	form := keyfile.Standard
	switch format {
	case "raw":
		return data, false, nil
	case "pkcs1", "pkcs1-der":
		form = keyfile.Traditional
	case "pem", "der":
	default:
		return nil, false, usagef("no format is called %q; there are pem, der, pkcs1, pkcs1-der and raw", format)
	}
	der, label, err := keyfile.EncodePublic(a, data, form)
	if err != nil || format == "der" || format == "pkcs1-der" {
		return der, false, err
	}
	return keyfile.PEM(der, label), true, nil
}

// exportResult is the JSON result of the export commands: text for PEM, else hex.
type exportResult struct {
	Key    string `json:"key"`
	Format string `json:"format"`
	PEM    string `json:"pem,omitempty"`
	Hex    string `json:"hex,omitempty"`
}

func exported(name, format string, out []byte, text bool) exportResult {
	r := exportResult{Key: name, Format: format}
	if text {
		r.PEM = string(out)
	} else {
		r.Hex = hex.EncodeToString(out)
	}
	return r
}
