package ctl

import (
	"context"
	"encoding/base64"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// signOptions are the options of key sign.
type signOptions struct {
	hash, format string
	to           sink
}

// signResult is the JSON result of key sign.
type signResult struct {
	Key       string `json:"key"`
	Algorithm string `json:"algorithm"`
	Format    string `json:"format"`
	Signature string `json:"signature"` // base64
}

func (p *Program) keySign() *cobra.Command {
	var o signOptions
	cmd := &cobra.Command{
		Use:   "sign NAME [FILE]",
		Short: "Sign a file",
		Long: `Sign a file, or standard input. The file is hashed here and only its hash goes to the
service; Ed25519 signs the file itself, which may then have 1 MiB at most.

Formats: der is the form that other programs expect (for ECDSA an ASN.1 SEQUENCE, for all
others the same as raw); raw is r and s side by side for ECDSA; base64 is der as text, and
the default on a terminal.`,
		Example: `  parsecctl key sign release artifact.tar.gz -o artifact.tar.gz.sig
  parsecctl key export-public release > release.pem
  openssl dgst -sha256 -verify release.pem -signature artifact.tar.gz.sig artifact.tar.gz`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: p.completeKeys,
		RunE: p.service(func(ctx context.Context, c *client.Client, args []string) error {
			view, info, err := p.locate(ctx, c, args[0])
			if err != nil {
				return err
			}
			return p.runSign(ctx, view, info, oneFile(args[1:]), o)
		}),
	}
	cmd.Flags().StringVar(&o.hash, "hash", "", "the `hash`, for keys that permit several (default: by the strength of the key)")
	cmd.Flags().StringVar(&o.format, "format", "", "der, raw or base64")
	choices(cmd, "format", "der", "raw", "base64")
	outputFlags(cmd, &o.to)
	return cmd
}

func (p *Program) runSign(ctx context.Context, c *client.Client, info client.KeyInfo, path string, o signOptions) error {
	switch o.format {
	case "":
		o.format = "der"
		if o.to.stdout() && terminal.Is(p.Out) {
			o.format = "base64"
		}
	case "der", "raw", "base64":
	default:
		return usagef("no format is called %q; there are der, raw and base64", o.format)
	}
	s, err := plan(info, o.hash, false)
	if err != nil {
		return err
	}
	signature, err := p.sign(ctx, c, info, s, path, o.hash)
	if err != nil {
		return err
	}
	if o.format != "raw" && info.Attributes.Type.ECC() && s.alg.Kind != psa.AlgPureEdDSA {
		if signature, err = client.ECDSAToASN1(signature); err != nil {
			return err
		}
	}
	if p.global.json && o.to.stdout() {
		return p.emit(signResult{string(info.Name), s.alg.String(), o.format, base64.StdEncoding.EncodeToString(signature)}, func(io.Writer) {})
	}
	if o.format == "base64" {
		signature = encodeBase64.encode(signature)
	}
	return p.deliver(o.to, signature, o.format == "base64")
}

func (p *Program) sign(ctx context.Context, c *client.Client, info client.KeyInfo, s signing, path, hash string) ([]byte, error) {
	if !s.hashed {
		data, err := p.message(path, tooLarge)
		if err != nil {
			return nil, err
		}
		return c.SignMessage(ctx, info.Name, s.alg, data)
	}
	h, err := s.digestHash(hash)
	if err != nil {
		return nil, err
	}
	sum, err := p.digest(ctx, path, h)
	if err != nil {
		return nil, err
	}
	return c.SignHash(ctx, info.Name, s.alg, sum)
}
