package ctl

import (
	"context"
	"io"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/policy"
)

// unnamedView is an object of key list --unnamed.
type unnamedView struct {
	Locator        string      `json:"locator"`
	Provider       providerRef `json:"provider"`
	Object         string      `json:"object"`
	Label          string      `json:"label,omitempty"`
	Type           string      `json:"type,omitempty"`
	Bits           uint64      `json:"bits,omitempty"`
	Usage          []string    `json:"usage,omitempty"`
	Algorithm      string      `json:"algorithm,omitempty"`
	Problem        string      `json:"problem,omitempty"`
	Authentication string      `json:"authentication,omitempty"`
	CertificatePEM string      `json:"certificate_pem,omitempty"`
}

func viewUnnamed(u client.Unnamed) unnamedView {
	v := unnamedView{
		Locator: u.Locator, Provider: refProvider(u.Provider, u.Instance), Object: u.Kind, Label: u.Label,
		Problem: u.Problem, Authentication: u.Authentication,
	}
	if u.Problem == "" {
		v.Type, v.Bits = policy.TypeName(u.Attributes), u.Attributes.Bits
		v.Usage, v.Algorithm = u.Attributes.Usage.Names(), u.Attributes.Alg.String()
	}
	if len(u.Certificate) > 0 {
		v.CertificatePEM = certificatePEM(u.Certificate)
	}
	return v
}

// deviceFailure is a provider that could not be looked at.
type deviceFailure struct {
	Provider string `json:"provider"`
	Reason   string `json:"reason"`
	Remedy   string `json:"remedy,omitempty"`
	More     bool   `json:"more,omitempty"`
}

func (p *Program) listUnnamed(ctx context.Context, c *client.Client) error {
	found, failures, err := c.ListUnnamed(ctx)
	if err != nil {
		return err
	}
	views, bad := []unnamedView{}, []deviceFailure{}
	for _, u := range found {
		views = append(views, viewUnnamed(u))
	}
	for _, f := range failures {
		bad = append(bad, deviceFailure{f.Instance, f.Reason, f.Remedy, f.More})
		p.say("provider %s: %s", f.Instance, f.Reason)
	}
	return p.emit(map[string]any{"objects": views, "failures": bad}, func(w io.Writer) {
		if len(found) == 0 {
			p.say("nothing without a name")
			return
		}
		t := newTable(w, "LOCATOR", "OBJECT", "TYPE", "ALGORITHM", "CERTIFICATE", "LABEL", "PROVIDER", "NOTE")
		for _, v := range views {
			t.row(v.Locator, v.Object, orDash(v.Type), orDash(v.Algorithm), v.subject(), orDash(quoteLabel(v.Label)), v.Provider.label(), orDash(v.note()))
		}
		t.flush()
	})
}

// note is what keeps an object from being adopted, or from being used without a person.
func (v unnamedView) note() string {
	if v.Problem == "" && v.Authentication != "" {
		return "each use asks for " + v.Authentication
	}
	return v.Problem
}

func quoteLabel(label string) string {
	if label == "" {
		return ""
	}
	return quoteName(label)
}

// subject is whom the certificate names.
func (v unnamedView) subject() string {
	if v.CertificatePEM == "" {
		return "-"
	}
	if item := describeCertificate([]byte(v.CertificatePEM)); item != nil {
		for _, f := range item.Fields {
			if f.Name == "subject" {
				return f.Value
			}
		}
	}
	return "unreadable"
}
