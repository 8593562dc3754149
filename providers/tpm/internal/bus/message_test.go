package bus

import (
	"encoding/binary"
	"errors"
	"testing"
)

// answer is an error with a text, as a dbus-daemon sends it.
func answer() []byte {
	b := []byte{'l', methodError, 1, version, 9, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0}
	b = append(b, fieldErrorName, 1, 's', 0, 3, 0, 0, 0, 'a', '.', 'b', 0, 0, 0, 0, 0)
	b = append(b, fieldReplySerial, 1, 'u', 0, 42, 0, 0, 0)
	b = append(b, fieldDescriptors, 1, 'u', 0, 2, 0, 0, 0)
	b = append(b, fieldSignature, 1, 'g', 0, 1, 's', 0)
	binary.LittleEndian.PutUint32(b[12:], uint32(len(b)-fixedSize))
	return append(pad(b), 4, 0, 0, 0, 't', 'e', 'x', 't', 0)
}

func TestDecode(t *testing.T) {
	m, err := decode(answer())
	if err != nil || m.kind != methodError || m.reply != 42 || m.errorName != "a.b" || m.descriptors != 2 || m.text() != "text" {
		t.Errorf("%+v, %v", m, err)
	}
	for n := range answer() {
		if _, err := decode(answer()[:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	if _, err := decode(append(answer(), 0)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a trailing byte: %v", err)
	}
}

// TestCallsAreWellFormed: what we send reads back.
func TestCallsAreWellFormed(t *testing.T) {
	b := Method{"org.example.Name", "/org/example", "org.example.Face", "Member"}.append(nil, 77)
	m, err := decode(b)
	if err != nil || m.kind != methodCall || len(m.body) != 0 || binary.LittleEndian.Uint32(b[8:]) != 77 {
		t.Errorf("%+v, %v", m, err)
	}
}

func FuzzMessage(f *testing.F) {
	f.Add(answer())
	f.Add(Method{"a.b", "/c", "d.e", "F"}.append(nil, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decode(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("error %v", err)
			}
			return
		}
		if len(m.text()) > len(b) || len(m.body) > len(b) {
			t.Errorf("%+v", m)
		}
	})
}
