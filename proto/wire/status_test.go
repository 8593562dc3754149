package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// vectors are the recorded exchanges, as far as this package needs them.
type vectors struct {
	Vectors []struct {
		Name       string `json:"name"`
		Request    string `json:"request_hex"`
		Response   string `json:"response_hex"`
		Status     uint16 `json:"status"`
		StatusName string `json:"status_name"`
	} `json:"vectors"`
}

func load(t testing.TB) vectors {
	t.Helper()
	b, err := os.ReadFile("../../testdata/parsec-service.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Vectors) < 128 {
		t.Fatalf("%d vectors, want 128", len(v.Vectors))
	}
	return v
}

func TestStatusNames(t *testing.T) {
	for _, v := range load(t).Vectors {
		if got := wire.Status(v.Status).String(); got != v.StatusName {
			t.Errorf("%s: status %d is called %s, want %s", v.Name, v.Status, got, v.StatusName)
		}
	}
}

// TestStatusNumbers: 0 to 22 and 1132 to 1153 without 1144 are assigned, nothing else.
func TestStatusNumbers(t *testing.T) {
	seen := map[string]bool{}
	for n := range 1 << 16 {
		s := wire.Status(n)
		want := n <= 22 || n >= 1132 && n <= 1153 && n != 1144
		if s.Known() != want {
			t.Errorf("status %d: known is %t", n, s.Known())
		}
		if !want {
			if !strings.Contains(s.String(), fmt.Sprint(n)) || !strings.Contains(s.Error(), fmt.Sprint(n)) {
				t.Fatalf("status %d prints as %q and %q", n, s.String(), s.Error())
			}
			continue
		}
		if seen[s.String()] || s.Error() == "" || strings.Contains(s.Error(), s.String()) {
			t.Errorf("status %d: name %q, text %q", n, s.String(), s.Error())
		}
		seen[s.String()] = true
	}
}

func TestErrorCarriesStatus(t *testing.T) {
	cause := fmt.Errorf("disk: %w", io.ErrShortWrite)
	e := wire.Errorf(wire.StatusStorageFailure, "cannot write key 7: %w", cause)
	e.Object = `key "web"`
	if got, want := e.Error(), `key "web": cannot write key 7: disk: short write`; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	wrapped := fmt.Errorf("request 5: %w", e)
	if !errors.Is(wrapped, wire.StatusStorageFailure) || !errors.Is(wrapped, io.ErrShortWrite) || errors.Is(wrapped, wire.StatusGenericError) {
		t.Error("the error is not what it carries")
	}
	if got := (&wire.Error{Status: wire.StatusDoesNotExist}).Error(); got != wire.StatusDoesNotExist.Error() {
		t.Errorf("without a reason: %q", got)
	}
	for _, c := range []struct {
		err  error
		want wire.Status
	}{
		{nil, wire.StatusSuccess},
		{wrapped, wire.StatusStorageFailure},
		{fmt.Errorf("x: %w", wire.StatusInvalidPadding), wire.StatusInvalidPadding},
		{io.EOF, wire.StatusGenericError},
		{&wire.FrameError{Status: wire.StatusInvalidHeader}, wire.StatusInvalidHeader},
		{&wire.FrameError{Status: wire.StatusConnectionError, Err: io.EOF}, wire.StatusConnectionError},
	} {
		if got := wire.StatusOf(c.err); got != c.want {
			t.Errorf("status of %v is %v, want %v", c.err, got, c.want)
		}
	}
}

func TestOpcodes(t *testing.T) {
	for op := range wire.Opcode(100) {
		want := op >= 1 && op <= 32 && op != 22 && op != 23 && op != 29
		if op.Original() != want {
			t.Errorf("opcode %d: original is %t", op, op.Original())
		}
	}
	if got := wire.OpCanDoCrypto.String(); got != "CanDoCrypto" {
		t.Errorf("opcode 32 is called %q", got)
	}
	if got := wire.Opcode(0x10005).String(); got != "opcode 0x10005" {
		t.Errorf("opcode 0x10005 is called %q", got)
	}
}

func TestNumbersAndNames(t *testing.T) {
	for n := range 256 {
		if p := wire.ProviderID(n); p.Known() != (n <= 5) || p.String() == "" {
			t.Errorf("provider %d: known %t, name %q", n, p.Known(), p)
		}
		if a := wire.AuthType(n); a.Known() != (n <= 4) || a.String() == "" {
			t.Errorf("authenticator %d: known %t, name %q", n, a.Known(), a)
		}
	}
}
