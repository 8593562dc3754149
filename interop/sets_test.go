package interop

import (
	"errors"
	"slices"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// sameSet compares two lists without their order.
func sameSet(a, b []byte, as proto.Message) string {
	x, errX := members(a, as)
	y, errY := members(b, as)
	if err := errors.Join(errX, errY); err != nil {
		return err.Error()
	}
	if diff := cmp.Diff(x, y); diff != "" {
		return "members differ:\n" + diff
	}
	return ""
}

// members returns the members of the one list of a message, as texts in order.
func members(body []byte, as proto.Message) ([]string, error) {
	m := as.ProtoReflect().New()
	if err := psa.Unmarshal(body, m.Interface()); err != nil {
		return nil, err
	}
	out := []string{}
	m.Range(func(_ protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		for i := range v.List().Len() {
			item := v.List().Get(i)
			text := item.String()
			if list, ok := item.Interface().(protoreflect.Message); ok {
				text = prototext.Format(list.Interface())
			}
			out = append(out, text)
		}
		return true
	})
	slices.Sort(out)
	return out, nil
}
