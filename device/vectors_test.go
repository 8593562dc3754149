package device_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// vector is an entry of testdata/parsec-cloud-data.json about a device file.
type vector struct {
	ID string `json:"id"`
	Op string `json:"op"`
	In struct {
		Payload  string `json:"payload"`
		Password string `json:"password"`
		Code     string `json:"totp_key"`
		Recovery string `json:"recovery_passphrase"`
	} `json:"in"`
	Out   json.RawMessage `json:"out"`
	Error string          `json:"error"`
}

// vectorServer gives the key of a vector.
type vectorServer string

func (v vectorServer) OpaqueKey(_ context.Context, _ *trust.DeviceFileHeader, _ trust.TOTPOpaqueKeyID, _ string) (trust.SecretKey, error) {
	b, err := hex.DecodeString(string(v))
	if err != nil || len(b) == 0 {
		return trust.SecretKey{}, &wire.Error{Status: wire.StatusNotPermitted, Reason: "no such code", Err: device.ErrSecret}
	}
	return trust.NewSecretKey(b)
}

// TestVectors opens the device files of the original that the vectors have, from a directory as the original has it.
func TestVectors(t *testing.T) {
	b, err := os.ReadFile("../testdata/parsec-cloud-data.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []vector `json:"vectors"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	opened, listed := 0, 0
	for _, v := range file.Vectors {
		if v.Op != "device_file" {
			continue
		}
		t.Run(v.ID, func(t *testing.T) {
			content, err := hex.DecodeString(v.In.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if tried := tryVector(t, v, content); tried {
				opened++
			}
			listed++
		})
	}
	if opened != 3 || listed != 17 {
		t.Errorf("%d files listed, %d opened", listed, opened)
	}
}

func tryVector(t *testing.T, v vector, content []byte) bool {
	t.Helper()
	w := newWorld(t)
	config := t.TempDir()
	if err := os.Mkdir(filepath.Join(config, "devices"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(config, "devices", "v.keys"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	s := w.with(t, device.Options{Original: config, Server: vectorServer(v.In.Code)})
	all, bad, err := s.List()
	if err != nil || len(all)+len(bad) != 1 {
		t.Fatalf("%d devices, %d damaged, %v", len(all), len(bad), err)
	}
	if v.Error == "schema" {
		if len(bad) != 1 {
			t.Error("accepted")
		}
		return false
	}
	with := device.Secret{Password: []byte(v.In.Password), Code: "1"}
	if v.In.Recovery != "" {
		with.Password = []byte(v.In.Recovery)
	}
	if len(with.Password) == 0 || strings.Contains(v.ID, "legacy-array") {
		return false
	}
	_, _, err = s.Unlock(t.Context(), all[0].ID, with)
	if (err == nil) != (v.Error == "") {
		t.Errorf("opened with %v, should be %q", err, v.Error)
	}
	return true
}
