package ctl

import (
	"context"
	"encoding/pem"
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
	// CertificatePEM lies beside the key in its device; what it says is in Certificate.
	CertificatePEM string         `json:"certificate_pem,omitempty"`
	Certificate    *describe.Item `json:"certificate,omitempty"`
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
			der, err := certificateOf(ctx, c, info)
			if err != nil {
				return err
			}
			if der != nil {
				r.CertificatePEM, r.Certificate = certificatePEM(der), describeCertificate(der)
			}
			return p.emit(r, r.print)
		}),
	}
}

// certificateOf returns a certificate that lies beside the key, nil where there is none.
func certificateOf(ctx context.Context, c *client.Client, info client.KeyInfo) ([]byte, error) {
	if !c.Persistent() {
		return nil, nil
	}
	keys, err := c.KeyDetails(ctx, info.Name)
	for _, k := range keys {
		if k.Provider == info.Provider && k.Instance == info.Instance && len(k.Certificate) > 0 {
			return k.Certificate, nil
		}
	}
	return nil, err
}

func certificatePEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// describeCertificate returns nothing for what is no certificate: a device holds what it was given.
func describeCertificate(der []byte) *describe.Item {
	items, err := describe.File(der, nil)
	if err != nil || len(items) != 1 {
		return nil
	}
	return &items[0]
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
	if r.Adopted != "" {
		t.row("adopted", r.Adopted)
	}
	if r.Owner != nil {
		t.row("owner", r.Owner.Application+" ("+r.Owner.Authentication+")")
	}
	if r.Fingerprint != "" {
		t.row("fingerprint", r.Fingerprint)
	}
	if r.Certificate != nil {
		t.row(r.Certificate.Kind)
		for _, f := range r.Certificate.Fields {
			t.row("  "+f.Name, f.Value)
		}
	}
	t.flush()
	_, _ = io.WriteString(w, r.PublicPEM+r.CertificatePEM) // errors of standard output show at its end
}
