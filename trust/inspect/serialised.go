package inspect

import (
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/internal/show"
)

// readable is a type of serialised objects that hold nothing secret in the clear.
type readable struct {
	kind, reason string
	load         func([]byte) (any, error)
}

// anybody is why nothing vouches for an object.
const anybody = "anybody can have written it"

// loads returns a function that reads one type.
func loads[O trust.Clear](empty func() O) func([]byte) (any, error) {
	return func(b []byte) (any, error) {
		o := empty()
		return o, trust.Load(b, o)
	}
}

// readables are the types that are shown, by their names on the wire.
var readables = map[string]readable{
	"async_enrollment_submit_payload": {
		"request of an asynchronous enrolment", "its signature travels beside it",
		loads(func() *trust.AsyncEnrollmentSubmitPayload { return &trust.AsyncEnrollmentSubmitPayload{} }),
	},
	"async_enrollment_accept_payload": {
		"answer to an asynchronous enrolment", "its signature travels beside it",
		loads(func() *trust.AsyncEnrollmentAcceptPayload { return &trust.AsyncEnrollmentAcceptPayload{} }),
	},
	"async_enrollment_local_pending": {
		"file of a pending enrolment", "whoever has its key compares the clear part with its digest",
		loads(func() *trust.AsyncEnrollmentLocalPending { return &trust.AsyncEnrollmentLocalPending{} }),
	},
	"async_enrollment_local_pending_cleartext_content": {
		"clear part of a pending enrolment", "the digest in the enrolment's file vouches for it",
		loads(func() *trust.AsyncEnrollmentLocalPendingContent { return &trust.AsyncEnrollmentLocalPendingContent{} }),
	},
	"account_vault_item_opaque_key": {
		"item of an account's vault: key", anybody,
		loads(func() *trust.AccountVaultItemOpaqueKey { return &trust.AccountVaultItemOpaqueKey{} }),
	},
	"account_vault_item_registration_device": {
		"item of an account's vault: registration device", anybody,
		loads(func() *trust.AccountVaultItemRegistrationDevice { return &trust.AccountVaultItemRegistrationDevice{} }),
	},
}

// asSerialised reads an object that is neither signed nor encrypted.
func (w *work) asSerialised(o *Object, b []byte) error {
	kind, size, err := trust.TypeOf(b)
	w.unpacked(size)
	if err != nil {
		return fmt.Errorf("no serialised object (%w)", err)
	}
	o.Type, o.State = show.Text(kind), Unsigned
	known, ok := readables[kind]
	if !ok {
		o.Kind, o.Reason = "serialised object", "it is of a type that travels encrypted, or is not known: what it holds is not shown"
		return nil
	}
	w.unpacked(size)
	loaded, err := known.load(b)
	if err != nil {
		return err
	}
	o.Kind, o.Reason, o.Fields = known.kind, known.reason, show.Of(loaded)
	o.digested(b)
	if p, ok := loaded.(*trust.AsyncEnrollmentLocalPending); ok {
		w.inner(o, p.CleartextContent)
	}
	return nil
}

// inner adds the clear part of a pending enrolment, and nothing else that may be there.
func (w *work) inner(o *Object, content []byte) {
	c := &trust.AsyncEnrollmentLocalPendingContent{}
	kind, size, err := trust.TypeOf(content)
	w.unpacked(2 * size)
	if err == nil && kind == c.Type() {
		err = trust.Load(content, c)
	} else if err == nil {
		err = fmt.Errorf("it is of type %q", kind)
	}
	if err != nil {
		o.add("cleartext_content.problem", show.Line(err.Error()))
		return
	}
	for _, f := range show.Of(c) {
		o.add("cleartext_content."+f.Name, f.Value)
	}
}
