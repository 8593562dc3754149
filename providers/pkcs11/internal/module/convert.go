//go:build cgo

package module

import (
	"encoding/binary"
	"errors"
	"unsafe"

	"github.com/miekg/pkcs11"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// ulongSize is the size of CK_ULONG, which is that of uint on the platforms of the agent.
const ulongSize = int(unsafe.Sizeof(uint(0)))

func appendUlong(b []byte, n uint64) []byte {
	if ulongSize == 4 {
		return binary.NativeEndian.AppendUint32(b, uint32(n)) //nolint:gosec // CK_ULONG has no more bits here
	}
	return binary.NativeEndian.AppendUint64(b, n)
}

// readUlong returns a CK_ULONG; ok is false for bytes of another size.
func readUlong(b []byte) (n uint64, ok bool) {
	switch {
	case len(b) != ulongSize:
		return 0, false
	case ulongSize == 4:
		return uint64(binary.NativeEndian.Uint32(b)), true
	default:
		return binary.NativeEndian.Uint64(b), true
	}
}

// template turns attributes into the library's form.
func template(attributes []frame.Attribute) []*pkcs11.Attribute {
	out := make([]*pkcs11.Attribute, 0, len(attributes))
	for _, a := range attributes {
		c := &pkcs11.Attribute{Type: uint(a.Type)}
		switch a.Kind {
		case frame.KindBytes:
			c.Value = a.Bytes
		case frame.KindBool:
			c.Value = []byte{0}
			if a.Bool {
				c.Value[0] = 1
			}
		case frame.KindNumber:
			c.Value = appendUlong(nil, a.Number)
		case frame.KindNumbers:
			for _, n := range a.Numbers {
				c.Value = appendUlong(c.Value, n)
			}
		default: // an absent attribute has no value
		}
		out = append(out, c)
	}
	return out
}

// attribute reads a value as the kind that was asked for; what is not of that kind is
// absent.
func attribute(ask frame.Attribute, value []byte) frame.Attribute {
	absent := frame.Attribute{Type: ask.Type}
	switch ask.Kind {
	case frame.KindBytes:
		return frame.Bytes(ask.Type, value)
	case frame.KindBool:
		if len(value) == 1 {
			return frame.Bool(ask.Type, value[0] != 0)
		}
	case frame.KindNumber:
		if n, ok := readUlong(value); ok {
			return frame.Number(ask.Type, n)
		}
	case frame.KindNumbers:
		out := frame.Numbers(ask.Type)
		for len(value) >= ulongSize {
			n, _ := readUlong(value[:ulongSize]) // the size is right
			out.Numbers = append(out.Numbers, n)
			value = value[ulongSize:]
		}
		if len(value) == 0 {
			return out
		}
	default: // only asked whether it is there
	}
	return absent
}

var errParameter = errors.New("the parameter of the mechanism is incomplete")

// mechanism returns the library's form, and what releases it when the operation has ended.
func mechanism(m frame.Mechanism) (list []*pkcs11.Mechanism, free func(), err error) {
	free = func() {}
	one := func(parameter any) []*pkcs11.Mechanism {
		return []*pkcs11.Mechanism{pkcs11.NewMechanism(uint(m.Type), parameter)}
	}
	switch m.Parameter {
	case frame.ParameterNone:
		return one(nil), free, nil
	case frame.ParameterBytes:
		return one(m.Bytes), free, nil
	case frame.ParameterPSS:
		return one(pkcs11.NewPSSParams(uint(m.Hash), uint(m.MGF), uint(m.Number))), free, nil
	case frame.ParameterOAEP:
		return one(pkcs11.NewOAEPParams(uint(m.Hash), uint(m.MGF), pkcs11.CKZ_DATA_SPECIFIED, m.Bytes)), free, nil
	case frame.ParameterECDH:
		if len(m.Bytes) == 0 {
			return nil, free, errParameter
		}
		return one(pkcs11.NewECDH1DeriveParams(pkcs11.CKD_NULL, nil, m.Bytes)), free, nil
	case frame.ParameterGCM:
		gcm := pkcs11.NewGCMParams(m.Bytes, m.Extra, int(m.Number)) //nolint:gosec // a tag has 128 bits at most
		return one(gcm), gcm.Free, nil
	case frame.ParameterCTR:
		if len(m.Bytes) != 16 {
			return nil, free, errParameter
		}
		return one(append(appendUlong(nil, m.Number), m.Bytes...)), free, nil
	default:
		return nil, free, errParameter
	}
}

// slot describes a slot and its token.
func (l *library) slot(id uint) (frame.Slot, error) {
	s := frame.Slot{ID: uint64(id)}
	info, err := l.ctx.GetSlotInfo(id)
	if err != nil {
		return s, failed("C_GetSlotInfo", err)
	}
	s.Description = info.SlotDescription
	s.Present = info.Flags&pkcs11.CKF_TOKEN_PRESENT != 0
	if !s.Present {
		return s, nil
	}
	t, err := l.ctx.GetTokenInfo(id)
	if err != nil {
		s.Result = resultOf(failed("C_GetTokenInfo", err))
		s.Present = s.Result != ck.RVTokenNotPresent
		return s, nil
	}
	s.Token = frame.Token{
		Label: t.Label, Manufacturer: t.ManufacturerID, Model: t.Model, Serial: t.SerialNumber, Flags: uint64(t.Flags),
		MaxSessions: limit(t.MaxSessionCount), MaxRWSessions: limit(t.MaxRwSessionCount),
		MinPIN: uint64(t.MinPinLen), MaxPIN: uint64(t.MaxPinLen),
	}
	return s, nil
}

// limit returns a count, 0 where the token does not say or has none.
func limit(n uint) uint64 {
	if n == ^uint(0) {
		return 0
	}
	return uint64(n)
}
