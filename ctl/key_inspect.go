package ctl

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/describe"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/keyfile"
)

// inspectedKey is the JSON result of key inspect.
type inspectedKey struct {
	keyView
	PublicPEM   string `json:"public_pem,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"` // SHA-256 of the SPKI, base64
}

func (p *Program) keyInspect() *cobra.Command {
	return &cobra.Command{
		Use:               "inspect NAME",
		Short:             "Describe a key",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.completeKeys,
		RunE: p.service(func(ctx context.Context, c *client.Client, args []string) error {
			view, info, err := p.locate(ctx, c, args[0])
			if err != nil {
				return err
			}
			r := inspectedKey{keyView: viewKey(info)}
			if info.Attributes.Type.Pair() || info.Attributes.Type.Public() {
				data, err := view.ExportPublicKey(ctx, info.Name)
				if err != nil {
					return err
				}
				if der, label, err := keyfile.EncodePublic(info.Attributes, data, keyfile.Standard); err == nil {
					r.PublicPEM, r.Fingerprint = string(keyfile.PEM(der, label)), describe.Fingerprint(der)
				} // a curve without a name in ASN.1 has no such form
			}
			return p.emit(r, r.print)
		}),
	}
}

func (r inspectedKey) print(w io.Writer) {
	t := newTable(w)
	t.row("name", quoteName(r.Name))
	t.row("type", r.Type)
	if r.Bits > 0 {
		t.row("bits", strconv.FormatUint(r.Bits, 10))
	}
	t.row("algorithm", r.Algorithm)
	t.row("usage", strings.Join(r.Usage, ", "))
	t.row("provider", r.Provider.label())
	if r.Storage != "" {
		t.row("storage", r.Storage)
	}
	if r.Owner != nil {
		t.row("owner", r.Owner.Application+" ("+r.Owner.Authentication+")")
	}
	if r.Fingerprint != "" {
		t.row("fingerprint", r.Fingerprint)
	}
	t.flush()
	_, _ = io.WriteString(w, r.PublicPEM) // errors of standard output show at its end
}
