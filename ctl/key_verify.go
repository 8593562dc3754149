package ctl

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// maxSignature bounds a signature file, in bytes.
const maxSignature = 64 << 10

func (p *Program) keyVerify() *cobra.Command {
	var hash, format string
	cmd := &cobra.Command{
		Use:   "verify NAME FILE SIGNATURE",
		Short: "Verify the signature of a file",
		Long: `Verify the signature of a file with a key pair or public key of the service. The form of
the signature, as key sign writes them, is recognised. The exit status is 1 when the
signature does not match.`,
		Args:              cobra.ExactArgs(3),
		ValidArgsFunction: p.completeKeys,
		RunE: p.service(func(ctx context.Context, c *client.Client, args []string) error {
			view, info, err := p.locate(ctx, c, args[0])
			if err != nil {
				return err
			}
			s, err := plan(info, hash, true)
			if err != nil {
				return err
			}
			data, err := p.read(args[2], maxSignature)
			if err != nil {
				return err
			}
			signature, err := readSignature(info.Attributes, data, format)
			if err != nil {
				return fmt.Errorf("cannot read the signature %s: %w", args[2], err)
			}
			if err := p.verify(ctx, view, info, s, args[1], hash, signature); err != nil {
				return err
			}
			return p.confirm(args[0], "the signature is good: %s of key %q", s.alg, args[0])
		}),
	}
	cmd.Flags().StringVar(&hash, "hash", "", "the `hash`, for keys that permit several (default: by the strength of the key)")
	cmd.Flags().StringVar(&format, "format", "auto", "auto, der, raw or base64")
	choices(cmd, "format", "auto", "der", "raw", "base64")
	return cmd
}

func (p *Program) verify(ctx context.Context, c *client.Client, info client.KeyInfo, s signing, path, hash string, signature []byte) error {
	if !s.hashed {
		data, err := p.message(path, tooLarge)
		if err != nil {
			return err
		}
		return c.VerifyMessage(ctx, info.Name, s.alg, data, signature)
	}
	h, err := s.digestHash(hash)
	if err != nil {
		return err
	}
	sum, err := p.digest(ctx, path, h)
	if err != nil {
		return err
	}
	return c.VerifyHash(ctx, info.Name, s.alg, sum, signature)
}

// readSignature brings a signature into the form of the service.
func readSignature(a psa.Attributes, data []byte, format string) ([]byte, error) {
	switch format {
	case "auto", "der", "raw":
	case "base64":
	default:
		return nil, usagef("no format is called %q; there are auto, der, raw and base64", format)
	}
	if format == "base64" || format == "auto" {
		plain, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(data)), ""))
		if err == nil && len(plain) > 0 {
			data = plain
		} else if format == "base64" {
			return nil, fmt.Errorf("not base64")
		}
	}
	if !a.Type.ECC() || a.Curve == psa.CurveEdwards || format == "raw" {
		return data, nil
	}
	bits := a.Bits
	if bits == 0 {
		bits = 4 * uint64(len(data))
	}
	raw, err := client.ECDSAFromASN1(data, bits)
	switch {
	case err == nil:
		return raw, nil
	case format == "auto":
		return data, nil // r ‖ s, or nothing that the service takes
	default:
		return nil, err
	}
}
