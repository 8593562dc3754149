package ctl

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
)

func (p *Program) keyDecrypt() *cobra.Command {
	var o cryptOptions
	cmd := &cobra.Command{
		Use:               "decrypt NAME [FILE]",
		Short:             "Decrypt what key encrypt wrote",
		Long:              `Decrypt a file of up to 1 MiB, or standard input, in the form that key encrypt writes.`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: p.completeKeys,
		RunE: p.crypt(&o, true, func(ctx context.Context, c *client.Client, k client.KeyInfo, a aead, in []byte) ([]byte, error) {
			switch alg := k.Attributes.Alg; {
			case alg.Kind.Encryption():
				return c.AsymmetricDecrypt(ctx, k.Name, alg, in, []byte(o.label))
			case alg.Kind.Cipher():
				return c.CipherDecrypt(ctx, k.Name, alg, in)
			case !alg.Kind.AEAD():
				return nil, notForEncryption(k)
			case a.inText && len(in) <= nonceSize:
				return nil, fmt.Errorf("the text has %d bytes, too few for a nonce of %d bytes and a tag", len(in), nonceSize)
			case a.inText:
				return c.AEADDecrypt(ctx, k.Name, alg, in[:nonceSize], a.associated, in[nonceSize:])
			default:
				return c.AEADDecrypt(ctx, k.Name, alg, a.nonce, a.associated, in)
			}
		}),
	}
	cryptFlags(cmd, &o)
	return cmd
}
