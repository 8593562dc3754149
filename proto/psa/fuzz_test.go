package psa_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psatest"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// results returns an empty message for the result of an operation, nil if it has none.
func result(op wire.Opcode) proto.Message {
	switch op {
	case wire.OpPing:
		return &psapb.PingResult{}
	case wire.OpListProviders:
		return &psapb.ListProvidersResult{}
	case wire.OpListOpcodes:
		return &psapb.ListOpcodesResult{}
	case wire.OpListAuthenticators:
		return &psapb.ListAuthenticatorsResult{}
	case wire.OpListKeys:
		return &psapb.ListKeysResult{}
	case wire.OpListClients:
		return &psapb.ListClientsResult{}
	case wire.OpAttestKey:
		return &psapb.AttestKeyResult{}
	case wire.OpPrepareKeyAttestation:
		return &psapb.PrepareKeyAttestationResult{}
	case wire.OpSignHash:
		return &psapb.Output{}
	default:
		return nil
	}
}

// fuzzMessage asserts of one message: what is refused is refused with the one status;
// what is accepted is accepted by the protobuf library too, and encoding it gives bytes
// that decode to the same.
func fuzzMessage(t *testing.T, m proto.Message, body []byte) bool {
	t.Helper()
	if m == nil {
		return false
	}
	if err := psa.Unmarshal(body, m); err != nil {
		if !errors.Is(err, wire.StatusDeserializingBody) {
			t.Fatalf("refused with %v", err)
		}
		return false
	}
	lenient := proto.Clone(m)
	proto.Reset(lenient)
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(body, lenient); err != nil || !proto.Equal(m, lenient) {
		t.Fatalf("the library reads %v, %v, we read %v", lenient, err, m)
	}
	again, err := psa.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if len(again) > 2*len(body) {
		t.Fatalf("%d bytes become %d", len(body), len(again))
	}
	back := proto.Clone(m)
	proto.Reset(back)
	if err := psa.Unmarshal(again, back); err != nil || !proto.Equal(m, back) {
		t.Fatalf("%v becomes %v, %v: %s", m, back, err, cmp.Diff(m, back, protocmp.Transform()))
	}
	return true
}

// FuzzRequest feeds every request message.
func FuzzRequest(f *testing.F) {
	for _, v := range recorded(f) {
		f.Add(uint8(v.op), v.body)
	}
	f.Fuzz(func(t *testing.T, op uint8, body []byte) {
		m := psatest.Request(wire.Opcode(op % 33))
		if !fuzzMessage(t, m, body) {
			return
		}
		if w, ok := m.(interface{ GetAttributes() *psapb.KeyAttributes }); ok {
			fuzzAttributes(t, w.GetAttributes())
		}
	})
}

// FuzzResult feeds every result message: clients decode what a service sends.
func FuzzResult(f *testing.F) {
	for _, v := range recordedResults(f) {
		f.Add(uint8(v.op), v.body)
	}
	f.Fuzz(func(t *testing.T, op uint8, body []byte) {
		m := result(wire.Opcode(op % 33))
		if !fuzzMessage(t, m, body) {
			return
		}
		if keys, ok := m.(*psapb.ListKeysResult); ok {
			for _, k := range keys.GetKeys() {
				fuzzAttributes(t, k.GetAttributes())
			}
		}
	})
}

// FuzzAttributes feeds the attribute tree alone, where most rules are.
func FuzzAttributes(f *testing.F) {
	f.Add(unhex(f, p256))
	for _, a := range algorithms() {
		m, err := psa.EncodeAttributes(psa.Attributes{Type: psa.KeyRSAPair, Bits: 2048, Usage: psa.UsageAll, Alg: a})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(unhex(f, marshal(f, m)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m := &psapb.KeyAttributes{}
		if fuzzMessage(t, m, body) {
			fuzzAttributes(t, m)
		}
	})
}

// fuzzAttributes: attributes that pass are valid and survive encoding; others are
// refused with the one status.
func fuzzAttributes(t *testing.T, m *psapb.KeyAttributes) {
	t.Helper()
	a, err := psa.DecodeAttributes(m)
	if err != nil {
		if !errors.Is(err, wire.StatusInvalidEncoding) {
			t.Fatalf("refused with %v", err)
		}
		return
	}
	if err := a.Valid(); err != nil {
		t.Fatalf("accepted, yet %v", err)
	}
	back, err := psa.EncodeAttributes(a)
	if err != nil {
		t.Fatalf("accepted, yet %v", err)
	}
	if again, err := psa.DecodeAttributes(back); err != nil || again != a {
		t.Fatalf("%+v becomes %+v, %v", a, again, err)
	}
}
