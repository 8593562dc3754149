package wire_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// ping is the complete ping request of the specification's section 1.1.
const ping = "10a7c05e1e00010000000000000000000000000000000000000000000100000000000000"

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func header(t testing.TB, s string) *[wire.HeaderSize]byte {
	t.Helper()
	return (*[wire.HeaderSize]byte)(unhex(t, s))
}

func TestPingBytes(t *testing.T) {
	if got := hex.EncodeToString(wire.Header{Opcode: wire.OpPing}.Append(nil)); got != ping {
		t.Errorf("ping is %s, want %s", got, ping)
	}
	h, err := wire.ParseHeader(header(t, ping))
	if err != nil || h != (wire.Header{Opcode: wire.OpPing}) {
		t.Errorf("ping parses to %+v, %v", h, err)
	}
	res, err := wire.AppendResponse(nil, wire.Header{Opcode: wire.OpPing}, []byte{8, 1})
	want := ping[:44] + "02000000" + ping[52:] + "0801"
	if got := hex.EncodeToString(res); err != nil || got != want {
		t.Errorf("ping answer is %s, %v, want %s", got, err, want)
	}
}

func TestHeaderOffsets(t *testing.T) {
	h := wire.Header{
		Flags: 0x0201, Provider: 3, Session: 0x0807060504030201, ContentType: 4, AcceptType: 5, AuthType: 6,
		BodyLen: 0x04030201, AuthLen: 0x0605, Opcode: 0x14131211, Status: 0x2221,
	}
	const want = "10a7c05e" + "1e00" + "01" + "00" + "0102" + "03" + "0102030405060708" + "04" + "05" + "06" +
		"01020304" + "0506" + "11121314" + "2122" + "00" + "00"
	if got := hex.EncodeToString(h.Append(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestParseHeaderRefuses(t *testing.T) {
	set := func(at int, v byte) func(*[wire.HeaderSize]byte) { return func(b *[wire.HeaderSize]byte) { b[at] = v } }
	type changes []func(*[wire.HeaderSize]byte)
	for name, c := range map[string]struct {
		changes changes
		want    wire.Status
	}{
		"magic":                  {changes{set(0, 0x11)}, wire.StatusInvalidHeader},
		"magic, last byte":       {changes{set(3, 0x5f)}, wire.StatusInvalidHeader},
		"size below":             {changes{set(4, 29)}, wire.StatusInvalidHeader},
		"size above":             {changes{set(5, 1)}, wire.StatusInvalidHeader},
		"major":                  {changes{set(6, 2)}, wire.StatusVersionTooBig},
		"major zero":             {changes{set(6, 0)}, wire.StatusVersionTooBig},
		"minor":                  {changes{set(7, 1)}, wire.StatusVersionTooBig},
		"reserved 1":             {changes{set(34, 1)}, wire.StatusInvalidHeader},
		"reserved 2":             {changes{set(35, 1)}, wire.StatusInvalidHeader},
		"magic before version":   {changes{set(6, 2), set(0, 0)}, wire.StatusInvalidHeader},
		"version before reserve": {changes{set(34, 1), set(7, 9)}, wire.StatusVersionTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			b := header(t, ping)
			for _, change := range c.changes {
				change(b)
			}
			if h, err := wire.ParseHeader(b); !errors.Is(err, c.want) || h != (wire.Header{}) {
				t.Errorf("got %+v, %v, want %v", h, err, c.want)
			}
		})
	}
}

func genHeader() *rapid.Generator[wire.Header] {
	return rapid.Custom(func(t *rapid.T) wire.Header {
		return wire.Header{
			Flags: rapid.Uint16().Draw(t, "flags"), Provider: wire.ProviderID(rapid.Uint8().Draw(t, "provider")),
			Session: rapid.Uint64().Draw(t, "session"), ContentType: rapid.Uint8().Draw(t, "content"),
			AcceptType: rapid.Uint8().Draw(t, "accept"), AuthType: wire.AuthType(rapid.Uint8().Draw(t, "auth")),
			BodyLen: rapid.Uint32().Draw(t, "body length"), AuthLen: rapid.Uint16().Draw(t, "auth length"),
			Opcode: wire.Opcode(rapid.Uint32().Draw(t, "opcode")), Status: wire.Status(rapid.Uint16().Draw(t, "status")),
		}
	})
}

func TestHeaderRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genHeader().Draw(t, "header")
		b := want.Append([]byte{0xaa})
		if len(b) != 1+wire.HeaderSize || b[0] != 0xaa {
			t.Fatalf("appended %x", b)
		}
		got, err := wire.ParseHeader((*[wire.HeaderSize]byte)(b[1:]))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%v, %s", err, diff)
		}
	})
}

func TestPersistentIsExactlyOne(t *testing.T) {
	for flags := range 1 << 16 {
		if got := (wire.Header{Flags: uint16(flags)}).Persistent(); got != (flags == 1) {
			t.Fatalf("flags 0x%04x: persistent is %t", flags, got)
		}
	}
}

func TestDefaultHeader(t *testing.T) {
	h := wire.DefaultHeader(wire.StatusInvalidHeader)
	want := wire.Header{Opcode: wire.OpPing, Status: wire.StatusInvalidHeader}
	if h != want {
		t.Errorf("got %+v, want %+v", h, want)
	}
}

func TestUIDField(t *testing.T) {
	if got := wire.AppendUID(nil, 1000); hex.EncodeToString(got) != "e8030000" {
		t.Errorf("uid 1000 is %x", got)
	}
	for _, field := range []string{"", "e8", "e80300", "e803000000"} {
		if uid, ok := wire.ParseUID(unhex(t, field)); ok {
			t.Errorf("field %q is uid %d", field, uid)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.Uint32().Draw(t, "uid")
		if got, ok := wire.ParseUID(wire.AppendUID(nil, want)); !ok || got != want {
			t.Fatalf("uid %d becomes %d, %t", want, got, ok)
		}
	})
}
