//go:build interop

package reference

import (
	"reflect"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// payloads are neither signed nor encrypted here: something else does that.
func (w *world) payloads() []subject {
	return []subject{
		payload(w, func() *trust.AsyncEnrollmentSubmitPayload { return new(trust.AsyncEnrollmentSubmitPayload) }),
		payload(w, func() *trust.AsyncEnrollmentAcceptPayload { return new(trust.AsyncEnrollmentAcceptPayload) }),
	}
}

func payload[P trust.Clear](w *world, empty func() P) subject {
	kind := empty().Type()
	return subject{
		kind: kind,
		make: func(d *draw) sample {
			p := empty()
			d.set(reflect.ValueOf(p).Elem())
			return sample{data: must(trust.Dump(p))}
		},
		made:   func(seed uint64) question { return question{Op: "make_payload", Kind: kind, Seed: seed} },
		sample: sampleOf,
		read: func(s sample) ([]byte, error) {
			p := empty()
			if err := trust.Load(s.data, p); err != nil {
				return nil, err
			}
			return unpacked(must(trust.Dump(p)))
		},
		ask:     func(s sample) question { return s.question("read_payload", kind, nil) },
		written: writtenUnsigned,
		mutate: func(d *draw, s sample) sample {
			s.data = must(w.mutateMessage(d, s.data, func(b []byte) ([]byte, error) { return b, nil }, &s))
			return s
		},
	}
}
