package ctl

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/policy"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func (p *Program) keyCreate() *cobra.Command {
	var r policy.Request
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a key",
		Long: `Make a key in the service. It never leaves it, unless it is made --exportable.

A key may be used with one algorithm only. Without --use and --alg that is the usual one
of its type: ECDSA for curves, PKCS #1 v1.5 signatures for RSA (RSA OAEP with
--use encrypt), ECDH for X25519, GCM for AES, HMAC for hmac keys.`,
		Example: `  parsecctl key create web/tls
  parsecctl key create mail --type rsa-3072 --use encrypt
  parsecctl key create release --type ed25519
  parsecctl key create box --type aes-256
  parsecctl key create tokens --type hmac-sha256`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			attrs, err := r.Attributes()
			if err != nil {
				return &usageError{err}
			}
			return p.with(cmd.Context(), func(c *client.Client) error {
				return p.runCreate(cmd.Context(), c, args[0], attrs)
			})
		},
	}
	attributeFlags(cmd, &r, "ecc-p256")
	return cmd
}

func (p *Program) runCreate(ctx context.Context, c *client.Client, name string, attrs psa.Attributes) error {
	if err := c.GenerateKey(ctx, psa.KeyName(name), attrs); err != nil {
		return unsupported(err)
	}
	return p.newKey(ctx, c, name, attrs, "created")
}

// unsupported adds advice to a refusal of attributes that comes without any.
func unsupported(err error) error {
	e, ok := errors.AsType[*wire.Error](err)
	if !ok || e.Remedy != "" || e.Status != wire.StatusInvalidArgument && e.Status != wire.StatusNotSupported {
		return err
	}
	return advise(err, "ask the provider with parsecctl key can-do and the same options")
}

// newKey reports a key that was just made or imported.
func (p *Program) newKey(ctx context.Context, c *client.Client, name string, attrs psa.Attributes, verb string) error {
	attrs.Usage = attrs.Usage.Expand()
	p.say("key %q %s: %s for %s, %s", name, verb, policy.TypeName(attrs), attrs.Alg, usageText(attrs.Usage))
	if !p.global.json {
		return nil
	}
	info, err := c.FindKey(ctx, psa.KeyName(name))
	if err != nil {
		return err
	}
	return p.emit(viewKey(info), func(io.Writer) {})
}
