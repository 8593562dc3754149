package inspect_test

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/inspect"
)

var update = flag.Bool("update", false, "write the golden files anew")

// vector is an entry of testdata/parsec-cloud-data.json.
type vector struct {
	ID string                     `json:"id"`
	Op string                     `json:"op"`
	In map[string]json.RawMessage `json:"in"`
}

func (v *vector) text(name string) string {
	s := ""
	if raw, ok := v.In[name]; ok {
		if err := json.Unmarshal(raw, &s); err != nil {
			panic(err)
		}
	}
	return s
}

func (v *vector) bytes(name string) []byte {
	b, err := hex.DecodeString(v.text(name))
	if err != nil {
		panic(err)
	}
	return b
}

func vectors(t testing.TB) []vector {
	t.Helper()
	b, err := os.ReadFile("../../testdata/parsec-cloud-data.json")
	if err != nil {
		t.Fatal(err)
	}
	file := struct {
		Vectors []vector `json:"vectors"`
	}{}
	if err := json.Unmarshal(b, &file); err != nil || len(file.Vectors) < 300 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	return file.Vectors
}

// input is what a vector is about, if it is something that a person could hold in hands.
func (v *vector) input() []byte {
	switch v.Op {
	case "url_parse":
		return []byte(v.text("url"))
	case "verify_load", "sequester_verify_load", "load", "device_file", "msgpack_value", "sequester_decrypt",
		"decrypt_load", "decrypt_verify_load", "unseal_load", "unseal_verify_load", "decrypt_local_device":
		return v.bytes("payload")
	}
	return nil
}

// written is a result as a text.
func written(r inspect.Result) string {
	b := strings.Builder{}
	for i := range r.Objects {
		o := &r.Objects[i]
		fmt.Fprintf(&b, "[%d %s] %s (%s), %d bytes: %s: %s\n", o.Input, o.Place, o.Kind, o.Type, o.Size, o.State, o.Reason)
		if o.Digest != nil {
			fmt.Fprintf(&b, "  digest %v\n", o.Digest)
		}
		for _, f := range o.Fields {
			fmt.Fprintf(&b, "  %s = %s\n", f.Name, f.Value)
		}
		for _, f := range o.Claims {
			fmt.Fprintf(&b, "  claim %s = %s\n", f.Name, f.Value)
		}
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
		for i := range gotLines {
			if i >= len(wantLines) || gotLines[i] != wantLines[i] {
				t.Fatalf("%s differs at line %d, run with -update and look at the difference:\n%s", path, i+1, gotLines[i])
			}
		}
		t.Fatalf("%s has %d lines, want %d", path, len(gotLines), len(wantLines))
	}
}

// TestVectors inspects every vector: as it is, with all its claims, and with the key of its author.
func TestVectors(t *testing.T) {
	out := strings.Builder{}
	states := map[inspect.State]int{}
	kinds := map[string]bool{}
	for _, v := range vectors(t) {
		input := v.input()
		if input == nil {
			continue
		}
		requests := []inspect.Request{{Inputs: [][]byte{input}}}
		if strings.HasPrefix(v.ID, "certificate/") {
			key := v.bytes("verify_key")
			if len(key) == 0 {
				key = v.bytes("public_key_der")
			}
			requests = append(requests, inspect.Request{Inputs: [][]byte{input}, Claims: true}, inspect.Request{Inputs: [][]byte{input}, Key: key})
		}
		for _, r := range requests {
			result, err := inspect.Inspect(r)
			if err != nil {
				t.Fatal(v.ID, err)
			}
			fmt.Fprintf(&out, "# %s\n%s", v.ID, written(result))
			for _, o := range result.Objects {
				states[o.State]++
				kinds[o.Kind] = true
			}
		}
	}
	golden(t, "vectors.golden", out.String())
	for _, s := range []inspect.State{inspect.Unsigned, inspect.Unverified, inspect.Signed, inspect.Refused, inspect.Unknown} {
		if states[s] == 0 {
			t.Errorf("nothing is %s", s)
		}
	}
	for _, kind := range []string{
		"address of a server", "address of an organisation", "address of an organisation's bootstrap", "address of a path in a workspace",
		"address of a user's invitation", "address of a device's invitation", "address of a PKI enrolment (former kind)", "address of an asynchronous enrolment",
		"address of a reset of one-time codes", "certificate of an organisation", "certificate of an organisation, without its signature", "signed object", "serialised object",
		"device file, protected by a password", "device file, protected by the system's keyring", "device file, protected by an X.509 certificate",
		"device file, protected by an account", "device file, protected by OpenBao", "recovery file of a device, protected by a passphrase",
		"request of an asynchronous enrolment", "answer to an asynchronous enrolment", "clear part of a pending enrolment",
		"item of an account's vault: key", "item of an account's vault: registration device", "encrypted for a sequester service",
	} {
		if !kinds[kind] {
			t.Errorf("no vector is a %s", kind)
		}
	}
}

// TestCertificateTypes: the fields of every type of certificate that a vector has are all named as on the wire.
func TestCertificateTypes(t *testing.T) {
	seen := []string{}
	for _, v := range vectors(t) {
		if v.Op != "verify_load" && v.Op != "sequester_verify_load" {
			continue
		}
		c, err := trust.ReadClaims(v.bytes("payload"))
		if err == nil && c.IsCertificate() && !slices.Contains(seen, c.Type) {
			seen = append(seen, c.Type)
		}
	}
	if len(seen) < 9 {
		t.Errorf("only %v", seen)
	}
}
