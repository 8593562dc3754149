package ctl

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// cryptOptions are the options of key encrypt and key decrypt.
type cryptOptions struct {
	label, associated, nonce string
	to                       sink
}

// cryptFlags adds the options that both commands have.
func cryptFlags(cmd *cobra.Command, o *cryptOptions) {
	cmd.Flags().StringVar(&o.label, "label", "", "the OAEP `label`, which must be the same on both sides")
	cmd.Flags().StringVar(&o.associated, "associated-data", "", "a `file` of data that is authenticated with the text but not in it (AES, ChaCha20)")
	cmd.Flags().StringVar(&o.nonce, "nonce", "", "the nonce in `hex`, for texts of other programs: it is then not part of the text (AES, ChaCha20)")
	outputFlags(cmd, &o.to)
}

// nonceSize is how many random bytes stand before an authenticated text, for every
// algorithm: 12 fit GCM, CCM and ChaCha20-Poly1305 alike.
const nonceSize = 12

// aead is what an authenticated text is read or written with.
type aead struct {
	nonce      []byte
	inText     bool // the nonce stands before the text
	associated []byte
}

func (p *Program) aead(o cryptOptions) (aead, error) {
	a := aead{inText: o.nonce == ""}
	var err error
	if a.nonce, err = hex.DecodeString(o.nonce); err != nil {
		return a, usagef("--nonce: not hexadecimal")
	}
	if o.associated != "" {
		a.associated, err = p.message(o.associated, "")
	}
	return a, err
}

// suits refuses options that the key's algorithm has no use for.
func (o cryptOptions) suits(alg psa.Algorithm) error {
	switch {
	case o.label != "" && alg.Kind != psa.AlgRSAOAEP:
		return usagef("--label is for RSA OAEP, and the key is for %s", alg)
	case (o.associated != "" || o.nonce != "") && !alg.Kind.AEAD():
		return usagef("--associated-data and --nonce are for authenticated encryption, and the key is for %s", alg)
	}
	return nil
}

func notForEncryption(info client.KeyInfo) error {
	return advise(fmt.Errorf("key %q is for %s, not for encryption", info.Name, info.Attributes.Alg),
		"parsecctl key create NAME --type aes-256, or --type rsa-3072 --use encrypt")
}

// crypt is the frame of both commands: find the key, read the text, transform, deliver.
func (p *Program) crypt(o *cryptOptions, secret bool,
	transform func(context.Context, *client.Client, client.KeyInfo, aead, []byte) ([]byte, error),
) func(*cobra.Command, []string) error {
	return p.service(func(ctx context.Context, c *client.Client, args []string) error {
		view, info, err := p.locate(ctx, c, args[0])
		if err != nil {
			return err
		}
		if err := o.suits(info.Attributes.Alg); err != nil {
			return err
		}
		a, err := p.aead(*o)
		if err != nil {
			return err
		}
		in, err := p.message(oneFile(args[1:]), "encrypt large files with a tool of its own, such as age, and its key with parsecctl")
		if err != nil {
			return err
		}
		defer clear(in)
		out, err := transform(ctx, view, info, a, in)
		if err != nil {
			return err
		}
		defer clear(out)
		o.to.secret = secret
		return p.deliverText(args[0], o.to, out, secret)
	})
}
