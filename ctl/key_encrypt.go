package ctl

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
)

func (p *Program) keyEncrypt() *cobra.Command {
	var o cryptOptions
	cmd := &cobra.Command{
		Use:   "encrypt NAME [FILE]",
		Short: "Encrypt a small file",
		Long: `Encrypt a file of up to 1 MiB, or standard input, with the algorithm of the key.

AES and ChaCha20 keys write a random nonce of 12 bytes, the text and its tag; ciphers
without authentication write their IV and the text. RSA keys encrypt some hundred bytes at
most: what fits depends on the key.`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: p.completeKeys,
		RunE: p.crypt(&o, false, func(ctx context.Context, c *client.Client, k client.KeyInfo, a aead, in []byte) ([]byte, error) {
			switch alg := k.Attributes.Alg; {
			case alg.Kind.Encryption():
				return c.AsymmetricEncrypt(ctx, k.Name, alg, in, []byte(o.label))
			case alg.Kind.Cipher():
				return c.CipherEncrypt(ctx, k.Name, alg, in)
			case !alg.Kind.AEAD():
				return nil, notForEncryption(k)
			case !a.inText:
				return c.AEADEncrypt(ctx, k.Name, alg, a.nonce, a.associated, in)
			default:
				var nonce [nonceSize]byte
				_, _ = rand.Read(nonce[:]) // never fails
				text, err := c.AEADEncrypt(ctx, k.Name, alg, nonce[:], a.associated, in)
				return slices.Concat(nonce[:], text), err
			}
		}),
	}
	cryptFlags(cmd, &o)
	return cmd
}

// deliverText writes what was encrypted or decrypted.
func (p *Program) deliverText(key string, to sink, out []byte, plain bool) error {
	if p.global.json && to.stdout() {
		field := "ciphertext"
		if plain {
			field = "plaintext"
		}
		return p.emit(map[string]string{"key": key, field: base64.StdEncoding.EncodeToString(out)}, func(io.Writer) {})
	}
	return p.deliver(to, out, plain)
}
