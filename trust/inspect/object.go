package inspect

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/internal/show"
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// object finds out what one object is.
func (w *work) object(place string, b []byte) {
	o := Object{Place: place, Size: len(b)}
	var not []string
	for _, as := range []func(*Object, []byte) error{w.asSigned, w.asSerialised, asDeviceFile, asEncrypted} {
		err := as(&o, b)
		if err == nil {
			w.add(o)
			return
		}
		not = append(not, err.Error())
	}
	w.add(Object{Place: place, Size: len(b), State: Unknown, Reason: show.Line("it is " + strings.Join(not, "; "))})
}

// digested adds the digest of a public object.
func (o *Object) digested(b []byte) {
	d := trust.Digest(b)
	o.Digest = &d
}

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
		o.Kind, o.State, o.Reason = "certificate of an organisation, without its signature", Unsigned, "anybody can have written it"
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

// clear is an object that holds nothing secret in the clear.
type clear struct {
	kind string
	load func([]byte) (any, error)
}

func loader[O trust.Clear](make func() O) func([]byte) (any, error) {
	return func(b []byte) (any, error) {
		o := make()
		return o, trust.Load(b, o)
	}
}

// clears are the types of serialised objects that are shown.
var clears = map[string]clear{
	"async_enrollment_submit_payload": {"request of an asynchronous enrolment", loader(func() *trust.AsyncEnrollmentSubmitPayload {
		return &trust.AsyncEnrollmentSubmitPayload{}
	})},
	"async_enrollment_accept_payload": {"answer to an asynchronous enrolment", loader(func() *trust.AsyncEnrollmentAcceptPayload {
		return &trust.AsyncEnrollmentAcceptPayload{}
	})},
	"async_enrollment_local_pending": {"file of a pending enrolment", loader(func() *trust.AsyncEnrollmentLocalPending {
		return &trust.AsyncEnrollmentLocalPending{}
	})},
	"async_enrollment_local_pending_cleartext_content": {"clear part of a pending enrolment", loader(func() *trust.AsyncEnrollmentLocalPendingContent {
		return &trust.AsyncEnrollmentLocalPendingContent{}
	})},
	"account_vault_item_opaque_key": {"item of an account's vault: key", loader(func() *trust.AccountVaultItemOpaqueKey {
		return &trust.AccountVaultItemOpaqueKey{}
	})},
	"account_vault_item_registration_device": {"item of an account's vault: registration device", loader(func() *trust.AccountVaultItemRegistrationDevice {
		return &trust.AccountVaultItemRegistrationDevice{}
	})},
}

// reasons say what vouches for unsigned objects.
var reasons = map[string]string{
	"async_enrollment_submit_payload":                  "its signature travels beside it",
	"async_enrollment_accept_payload":                  "its signature travels beside it",
	"async_enrollment_local_pending":                   "whoever has its key compares the clear part with its digest",
	"async_enrollment_local_pending_cleartext_content": "the digest of a pending enrolment's file vouches for it",
}

// asSerialised reads an object that is neither signed nor encrypted.
func (w *work) asSerialised(o *Object, b []byte) error {
	kind, size, err := trust.TypeOf(b)
	w.unpacked(size)
	if err != nil {
		return fmt.Errorf("no serialised object (%w)", err)
	}
	o.Type, o.State = show.Text(kind), Unsigned
	known, ok := clears[kind]
	if !ok {
		o.Kind, o.Reason = "serialised object", "it is of a type that travels encrypted, or is not known: what it holds is not shown"
		return nil
	}
	w.unpacked(size)
	loaded, err := known.load(b)
	o.Kind = known.kind
	if err != nil {
		o.Reason = show.Line("it cannot be read: " + err.Error())
		o.State = Refused
		return nil
	}
	o.Reason = reasons[kind]
	if o.Reason == "" {
		o.Reason = "anybody can have written it"
	}
	o.Fields = show.Of(loaded)
	o.digested(b)
	if p, ok := loaded.(*trust.AsyncEnrollmentLocalPending); ok {
		w.inner(o, p.CleartextContent)
	}
	return nil
}

// inner adds the clear part of a pending enrolment.
func (w *work) inner(o *Object, content []byte) {
	inside := Object{}
	if err := w.asSerialised(&inside, content); err != nil || inside.State == Refused || inside.Fields == nil {
		o.add("cleartext_content.problem", "it cannot be read")
		return
	}
	for _, f := range inside.Fields {
		o.add("cleartext_content."+f.Name, f.Value)
	}
}

// fileKinds are what device files are called.
var fileKinds = map[string]string{
	"password": "device file, protected by a password", "keyring": "device file, protected by the system's keyring",
	"recovery": "recovery file of a device, protected by a passphrase", "pki": "device file, protected by an X.509 certificate",
	"account_vault": "device file, protected by an account", "openbao": "device file, protected by OpenBao",
}

// asDeviceFile reads what is public of a device file.
func asDeviceFile(o *Object, b []byte) error {
	f, err := trust.LoadDeviceFile(b)
	if err != nil {
		if kind := mpack.NewReader(b).Discriminant("type"); kind == (*trust.LocalDevice)(nil).Type() {
			o.Kind, o.Type, o.State = "secrets of a device in the clear", kind, Unsigned
			o.Reason = "nothing of it is shown: whoever has these bytes is the device"
			return nil
		}
		return fmt.Errorf("no device file (%w)", err)
	}
	o.Kind, o.Type, o.State = fileKinds[f.Type()], f.Type(), Unsigned
	o.Reason = "only its ciphertext is authenticated: whoever opens it believes the device inside"
	o.Fields = show.Of(f)
	o.digested(b)
	return nil
}

// asEncrypted knows the one thing that is encrypted and says so.
func asEncrypted(o *Object, b []byte) error {
	if !strings.HasPrefix(string(b), trust.PKIEncryption+"-XSALSA20-POLY1305:") {
		return errors.New("nothing that says by whom it can be decrypted")
	}
	o.Kind, o.State, o.Reason = "encrypted for a sequester service", Unsigned, "anybody can encrypt for a service"
	return nil
}
