package frame_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

func fullRequest() *frame.Request {
	return &frame.Request{
		ID: 7, Op: frame.OpSign, Slot: 1 << 40, Count: 3, Flags: 1,
		Mechanism: frame.Mechanism{
			Type: ck.MechRSAPSS, Parameter: frame.ParameterPSS, Hash: ck.MechSHA256, MGF: ck.MGF1SHA256, Number: 32,
			Bytes: []byte("bytes"), Extra: []byte("extra"),
		},
		Object:   []frame.Attribute{frame.Bytes(ck.AttrID, []byte{1, 2, 3, 4}), frame.Number(ck.AttrClass, ck.ClassPrivateKey)},
		Template: []frame.Attribute{frame.Bool(ck.AttrToken, true), frame.Ask(ck.AttrLabel, frame.KindAbsent)},
		Private:  []frame.Attribute{frame.Numbers(ck.AttrAllowedMechanisms, 1, 2), frame.Bool(ck.AttrSign, false)},
		Data:     []byte("data"), Signature: []byte("signature"), PIN: []byte("pin"),
	}
}

func fullResponse() *frame.Response {
	return &frame.Response{
		ID: 7, Function: "C_Sign", Result: ck.RVDeviceRemoved, Text: "text", Count: 5, Data: []byte("data"),
		Slots: []frame.Slot{{
			ID: 3, Description: "slot", Present: true, Result: ck.RVDeviceError,
			Token: frame.Token{Label: "l", Manufacturer: "m", Model: "o", Serial: "s", Flags: 1, MaxSessions: 2, MaxRWSessions: 3, MinPIN: 4, MaxPIN: 5},
		}},
		Mechanisms: []frame.MechanismInfo{{Type: 1, Min: 2, Max: 3, Flags: 4}},
		Objects:    [][]frame.Attribute{{frame.Bytes(ck.AttrID, []byte{9})}, nil},
	}
}

type appender interface{ Append([]byte) ([]byte, error) }

func encode(t testing.TB, m appender) []byte {
	t.Helper()
	b, err := m.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFramesComeBack(t *testing.T) {
	stream := append(encode(t, fullRequest()), encode(t, fullResponse())...)
	r := bytes.NewReader(stream)
	body, err := frame.Read(r)
	if err != nil {
		t.Fatal(err)
	}
	request, err := frame.DecodeRequest(body)
	if err != nil || !cmp.Equal(request, fullRequest()) {
		t.Errorf("%v: %s", err, cmp.Diff(fullRequest(), request))
	}
	if body, err = frame.Read(r); err != nil {
		t.Fatal(err)
	}
	response, err := frame.DecodeResponse(body)
	if err != nil || !cmp.Equal(response, fullResponse()) {
		t.Errorf("%v: %s", err, cmp.Diff(fullResponse(), response))
	}
	if _, err = frame.Read(r); !errors.Is(err, io.EOF) {
		t.Errorf("after the last frame: %v", err)
	}
}

func TestDamagedFramesAreRefused(t *testing.T) {
	for name, whole := range map[string][]byte{"request": encode(t, fullRequest()), "response": encode(t, fullResponse())} {
		decode := func(b []byte) error {
			if name == "request" {
				_, err := frame.DecodeRequest(b)
				return err
			}
			_, err := frame.DecodeResponse(b)
			return err
		}
		body := whole[4:]
		for n := range body {
			if err := decode(body[:n]); !errors.Is(err, frame.ErrMalformed) {
				t.Errorf("%s cut to %d bytes: %v", name, n, err)
			}
		}
		if err := decode(append(bytes.Clone(body), 0)); !errors.Is(err, frame.ErrMalformed) {
			t.Errorf("%s with a trailing byte: %v", name, err)
		}
		if _, err := frame.Read(bytes.NewReader(whole[:len(whole)-1])); !errors.Is(err, frame.ErrMalformed) {
			t.Errorf("%s in a cut stream: %v", name, err)
		}
	}
}

func TestLargeFramesAreRefused(t *testing.T) {
	if _, err := (&frame.Request{ID: 1, Op: frame.OpSign, Data: make([]byte, frame.MaxSize)}).Append(nil); !errors.Is(err, frame.ErrTooLarge) {
		t.Errorf("encode: %v", err)
	}
	if _, err := frame.Read(bytes.NewReader(binary.LittleEndian.AppendUint32(nil, frame.MaxSize+1))); !errors.Is(err, frame.ErrTooLarge) {
		t.Errorf("read: %v", err)
	}
}

func TestRequestsNeedAnIDAndAnOperation(t *testing.T) {
	for _, r := range []*frame.Request{{Op: frame.OpSign}, {ID: 1}, {ID: 1, Op: 9999}} {
		if _, err := frame.DecodeRequest(encode(t, r)[4:]); !errors.Is(err, frame.ErrMalformed) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

// FuzzRequest: what decodes encodes to the same bytes.
func FuzzRequest(f *testing.F) {
	f.Add(encode(f, fullRequest())[4:])
	f.Add(encode(f, &frame.Request{ID: 1, Op: frame.OpLoad, Data: []byte("lib.so")})[4:])
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := frame.DecodeRequest(b)
		if err != nil {
			if !errors.Is(err, frame.ErrMalformed) {
				t.Errorf("error %v", err)
			}
			return
		}
		if again := encode(t, r)[4:]; !bytes.Equal(again, b) {
			t.Errorf("%x became %x", b, again)
		}
	})
}

// FuzzResponse: what decodes encodes to the same bytes.
func FuzzResponse(f *testing.F) {
	f.Add(encode(f, fullResponse())[4:])
	f.Add(encode(f, &frame.Response{ID: 1})[4:])
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := frame.DecodeResponse(b)
		if err != nil {
			if !errors.Is(err, frame.ErrMalformed) {
				t.Errorf("error %v", err)
			}
			return
		}
		if again := encode(t, r)[4:]; !bytes.Equal(again, b) {
			t.Errorf("%x became %x", b, again)
		}
	})
}
