package trust

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// file is a device file that was read.
type file struct {
	f   DeviceFile
	v   *vector
	out map[string]json.RawMessage
}

// compare holds the file against its description. What was written lacks what no version reads, and has what none may lack.
func (f file) compare(t *testing.T) {
	t.Helper()
	written, err := DumpDeviceFile(f.f)
	if err != nil {
		t.Fatal(err)
	}
	w := &mpack.Writer{}
	describedValue(t, w, f.out["file"])
	want, err := w.Result()
	if err != nil {
		t.Fatal(err)
	}
	switch f.v.ID {
	case "device_file/pki-legacy-uris": // uris is not read any more
		want = nil
	case "device_file/password-legacy-array", "device_file/listed-recovery":
	}
	header := f.f.Header()
	if url := header.Server.HTTP(); !bytes.Contains(want, []byte(url)) { // old files have no slash at the end
		want = bytes.Replace(want, append([]byte{0xa0 | byte(len(url)-1)}, url[:len(url)-1]...), append([]byte{0xa0 | byte(len(url))}, url...), 1)
	}
	if len(want) > 0 && !bytes.Contains(want, []byte("totp_opaque_key_id")) && bytes.Contains(written, []byte("totp_opaque_key_id")) {
		want[0]++ // older files do not have the field at all
		want = append(append(want, 0xa0|byte(len("totp_opaque_key_id"))), "totp_opaque_key_id\xc0"...)
	}
	if want != nil && !bytes.Equal(written, want) {
		t.Errorf("written again\n%x, want\n%x", written, want)
	}
	f.compareDevice(t)
}

func (f file) compareDevice(t *testing.T) {
	t.Helper()
	d, key, err := opened(f.v, f.f)
	if err != nil {
		t.Fatal(err)
	}
	if want, ok := f.out["local_device"]; ok {
		read, err := packRaw(d.encode)
		if err != nil {
			t.Fatal(err)
		}
		plaintext{read: read, written: read}.compare(t, want)
		exported, err := key.Export()
		if err != nil || `"`+hex.EncodeToString(exported)+`"` != string(f.out["primary_key"]) {
			t.Errorf("primary key %x, %v", exported, err)
		}
	}
}
