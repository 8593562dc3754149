package psa

import (
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// maxDepth bounds nested messages and groups, as the original's decoder does.
const maxDepth = 100

// Unmarshal decodes a body as the original's decoder would: a known field with another
// wire type than its own is an error (the protobuf library would skip it), unknown fields
// are skipped. Errors are StatusDeserializingBody.
func Unmarshal(body []byte, m proto.Message) error {
	if !wellFormed(shapeOf(m.ProtoReflect().Descriptor()), body, 0) {
		return wire.StatusDeserializingBody
	}
	if err := (proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}).Unmarshal(body, m); err != nil {
		return &wire.Error{Status: wire.StatusDeserializingBody, Err: err}
	}
	return nil
}

// Marshal encodes a message. Errors are StatusSerializingBody.
func Marshal(m proto.Message) ([]byte, error) {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, &wire.Error{Status: wire.StatusSerializingBody, Err: err}
	}
	return b, nil
}

// shape is what wellFormed must know of a message: per field number its wire type and,
// for a message field, the shape of that message.
type shape map[protowire.Number]field

type field struct {
	wireType protowire.Type
	repeated bool
	sub      protoreflect.MessageDescriptor
}

var shapes sync.Map // protoreflect.FullName → shape; grows to the number of message types

func shapeOf(d protoreflect.MessageDescriptor) shape {
	if s, ok := shapes.Load(d.FullName()); ok {
		return s.(shape) //nolint:forcetypeassert,errcheck // only this function stores
	}
	s := shape{}
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		w := protowire.VarintType
		if k := f.Kind(); k == protoreflect.StringKind || k == protoreflect.BytesKind || k == protoreflect.MessageKind {
			w = protowire.BytesType
		}
		s[f.Number()] = field{w, f.IsList() && w == protowire.VarintType, f.Message()}
	}
	shapes.Store(d.FullName(), s)
	return s
}

// wellFormed reports whether b is a sequence of fields of which the known ones have
// their own wire type, down through all messages.
func wellFormed(s shape, b []byte, depth int) bool {
	if depth > maxDepth {
		return false
	}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 || typ == protowire.EndGroupType {
			return false
		}
		b = b[n:]
		f, known := s[num]
		if known && typ != f.wireType && (!f.repeated || typ != protowire.BytesType) {
			return false
		}
		if typ == protowire.StartGroupType {
			if b = skipGroup(num, b, depth+1); b == nil {
				return false
			}
			continue
		}
		n = protowire.ConsumeFieldValue(num, typ, b)
		if n < 0 {
			return false
		}
		if f.sub != nil {
			v, _ := protowire.ConsumeBytes(b)
			if !wellFormed(shapeOf(f.sub), v, depth+1) {
				return false
			}
		}
		b = b[n:]
	}
	return true
}

// skipGroup returns what follows the group opened by num, or nil if it does not end.
// depth is that of the group's content: at maxDepth there may be none, exactly as the
// original counts.
func skipGroup(num protowire.Number, b []byte, depth int) []byte {
	for len(b) > 0 {
		inner, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil
		}
		b = b[n:]
		if typ == protowire.EndGroupType {
			if inner != num {
				return nil
			}
			return b
		}
		if depth >= maxDepth {
			return nil
		}
		if typ == protowire.StartGroupType {
			if b = skipGroup(inner, b, depth+1); b == nil {
				return nil
			}
			continue
		}
		if n = protowire.ConsumeFieldValue(inner, typ, b); n < 0 {
			return nil
		}
		b = b[n:]
	}
	return nil
}
