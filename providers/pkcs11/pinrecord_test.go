package pkcs11

import (
	"os"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

func TestPINRecord(t *testing.T) {
	r := pinRecord{dir: t.TempDir()}
	slot := frame.Slot{Token: frame.Token{Label: "l", Serial: "s"}}
	low := slot
	low.Token.Flags = ck.FlagUserPINCountLow
	right, wrong := []byte("right"), []byte("wrong")
	try := func(s frame.Slot, pin []byte, sent bool, result ck.RV) {
		t.Helper()
		err := r.begin(s, pin)
		if (err == nil) != sent {
			t.Fatalf("%s: %v, want it sent: %v", pin, err, sent)
		}
		if sent {
			if err := r.end(s.Token, pin, result); err != nil {
				t.Fatal(err)
			}
		}
	}
	try(slot, right, true, ck.RVOK)
	if entries, err := os.ReadDir(r.dir); err != nil || len(entries) != 0 {
		t.Errorf("a record without a reason: %v, %v", entries, err)
	}
	try(slot, wrong, true, ck.RVPINIncorrect)
	try(slot, wrong, false, 0)
	try(low, right, true, ck.RVOK)
	try(slot, wrong, false, 0) // also after another was accepted
	try(slot, right, true, ck.RVTokenNotPresent)

	if err := r.begin(slot, right); err != nil { // and nobody learns the outcome
		t.Fatal(err)
	}
	try(low, right, false, 0)
	try(slot, right, true, ck.RVOK)
	try(low, right, true, ck.RVOK)

	r.dir = "/proc/nowhere"
	if err := r.begin(slot, right); err == nil {
		t.Error("a PIN may be sent without a record")
	}
}

// FuzzPINRecord: a record that cannot be trusted lets no PIN through, and one that can is
// understood the same way after it was written again.
func FuzzPINRecord(f *testing.F) {
	f.Add([]byte(`{"version":1,"token":"t","key":"` + "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff" + `","pins":[{"mac":"00","refused":"CKR_PIN_INCORRECT"}]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := pinRecord{dir: t.TempDir()}
		token := frame.Token{Serial: "s"}
		if err := os.WriteFile(r.path(token), b, 0o600); err != nil {
			t.Fatal(err)
		}
		rec, err := r.load(token)
		if err != nil {
			if r.begin(frame.Slot{Token: token}, []byte("pin")) == nil {
				t.Error("a PIN may be sent under a damaged record")
			}
			return
		}
		if err := r.save(token, rec); err != nil {
			t.Fatal(err)
		}
		again, err := r.load(token)
		if err != nil || len(again.PINs) != len(rec.PINs) || len(rec.PINs) > 0 && again.Key != rec.Key {
			t.Errorf("%+v became %+v, %v", rec, again, err)
		}
	})
}
