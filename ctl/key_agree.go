package ctl

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/policy"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
)

func (p *Program) keyAgree() *cobra.Command {
	var format string
	var to sink
	cmd := &cobra.Command{
		Use:     "agree NAME PEER",
		Aliases: []string{"derive-shared"},
		Short:   "Compute the secret shared with another's public key",
		Long: `Compute the secret that a key shares with the public key in the file PEER (PEM or DER;
with --format raw the bare bytes). The secret is not a key by itself: derive keys from it.`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: p.completeKeys,
		RunE: p.service(func(ctx context.Context, c *client.Client, args []string) error {
			if to.stdout() && terminal.Is(p.Out) {
				return usagef("a secret is not for a terminal: name a file with --output")
			}
			view, info, err := p.locate(ctx, c, args[0])
			if err != nil {
				return err
			}
			if !info.Attributes.Alg.Kind.Agreement() {
				return advise(fmt.Errorf("key %q is for %s, not for key agreement", args[0], info.Attributes.Alg), "parsecctl key create NAME --type x25519")
			}
			peer, err := p.peer(args[1], info, format)
			if err != nil {
				return err
			}
			secret, err := view.RawKeyAgreement(ctx, info.Name, info.Attributes.Alg, peer)
			if err != nil {
				return err
			}
			defer clear(secret)
			to.secret = true
			if p.global.json && to.stdout() {
				return p.emit(map[string]string{"key": args[0], "secret": hex.EncodeToString(secret)}, func(io.Writer) {})
			}
			return p.deliver(to, secret, false)
		}),
	}
	cmd.Flags().StringVar(&format, "format", "auto", "the form of PEER: auto or raw")
	choices(cmd, "format", "auto", "raw")
	outputFlags(cmd, &to)
	return cmd
}

// peer reads the other side's public key, which must be of the same kind.
func (p *Program) peer(path string, info client.KeyInfo, format string) ([]byte, error) {
	data, err := p.read(path, keyfile.MaxSize)
	if err != nil || format == "raw" {
		return data, err
	}
	if format != "auto" {
		return nil, usagef("no format is called %q; there are auto and raw", format)
	}
	key, err := keyfile.Parse(data, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot read the public key %s: %w", path, err)
	}
	if !key.Attributes.Type.Public() {
		key.Wipe()
		return nil, fmt.Errorf("%s holds a private key: give the public key of the other side", path)
	}
	if a, mine := key.Attributes, info.Attributes; a.Curve != mine.Curve || mine.Bits != 0 && a.Bits != mine.Bits {
		return nil, fmt.Errorf("%s holds a key of type %s, and key %q is of type %s", path, policy.TypeName(a), info.Name, policy.TypeName(mine))
	}
	return key.Data, nil
}
