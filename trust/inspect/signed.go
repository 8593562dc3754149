package inspect

import (
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/internal/show"
)

// asSigned reads a certificate, or another signed object. Its verdict comes later.
func (w *work) asSigned(o *Object, b []byte) error {
	claims, err := trust.ReadClaims(b)
	w.unpacked(claims.Size)
	switch {
	case err != nil && !claims.IsCertificate():
		return fmt.Errorf("no signed object (%w)", err)
	case claims.Signature == trust.NoSignature && !claims.IsCertificate():
		return errors.New("no certificate")
	}
	o.Type, o.Claims = show.Text(claims.Type), claimed(&claims, w.claims)
	switch {
	case !claims.IsCertificate():
		o.Kind, o.State, o.Reason = "signed object", Unverified, "it is no certificate: what it holds is not shown"
		return nil
	case err != nil:
		o.Kind, o.State, o.Reason = "certificate of an organisation", Refused, show.Line("it cannot be read: "+err.Error())
	case claims.Signature == trust.NoSignature:
		o.Kind, o.State, o.Reason = "certificate of an organisation, without its signature", Unsigned, anybody
	default:
		o.Kind, o.State, o.Reason = "certificate of an organisation", Unverified, "neither the root key nor its author's key was given"
		w.signed = append(w.signed, pending{index: len(w.objects), data: b, claims: claims})
	}
	o.digested(b)
	return nil
}

// claimed is what a signed object says of itself: all of it, or what is needed to find the key that verifies it.
func claimed(c *trust.Claims, all bool) []Field {
	fields := []Field{{Name: "type", Value: show.Text(c.Type)}}
	if all && c.IsCertificate() {
		return append(fields, c.Fields()...)
	}
	return append(fields, Field{Name: "author", Value: author(c)}, Field{Name: "timestamp", Value: c.Timestamp.String()})
}

// author says whom a signed object names as its author; the root key and a sequester authority are not named.
func author(c *trust.Claims) string {
	if c.Author == nil {
		return show.None
	}
	return c.Author.String()
}
