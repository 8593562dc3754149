package psa_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// exchange is one recorded request, taken apart.
type exchange struct {
	name   string
	op     wire.Opcode
	body   []byte
	status wire.Status
}

// recorded returns the requests of the recorded exchanges.
func recorded(t testing.TB) []exchange {
	t.Helper()
	return exchanges(t, true)
}

// recordedResults returns the responses.
func recordedResults(t testing.TB) []exchange {
	t.Helper()
	return exchanges(t, false)
}

func exchanges(t testing.TB, requests bool) []exchange {
	t.Helper()
	b, err := os.ReadFile("../../testdata/parsec-service.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Name     string `json:"name"`
			Request  string `json:"request_hex"`
			Response string `json:"response_hex"`
			Status   uint16 `json:"status"`
		} `json:"vectors"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	var all []exchange
	for _, v := range file.Vectors {
		frame := v.Response
		if requests {
			frame = v.Request
		}
		q, err := wire.NewReader(bytes.NewReader(unhex(t, frame)), wire.DefaultBodyLimit).ReadRequest()
		if err == nil {
			all = append(all, exchange{v.Name, q.Opcode, q.Body, wire.Status(v.Status)})
		}
	}
	if len(all) < 100 {
		t.Fatalf("only %d exchanges", len(all))
	}
	return all
}

// TestUnmarshalAsTheOriginal: the rules of section 1.2 for bytes that no tidy encoder
// makes, on the request of SignHash (1 string, 2 message, 3 bytes).
func TestUnmarshalAsTheOriginal(t *testing.T) {
	groups := func(n int, inner string) string {
		return strings.Repeat("a306", n) + inner + strings.Repeat("a406", n) // field 100
	}
	for name, c := range map[string]struct {
		body string
		want string // the re-encoded message, or "error"
	}{
		"empty":                         {"", ""},
		"default said explicitly":       {"0a00", ""},
		"unknown varint":                {"2001" + "0a0141", "0a0141"},
		"unknown fixed64":               {"21" + "0001020304050607" + "0a0141", "0a0141"},
		"unknown fixed32":               {"25" + "00010203" + "0a0141", "0a0141"},
		"unknown bytes":                 {"2202ffff", ""},
		"unknown bytes, cut":            {"2203ffff", "error"},
		"unknown fixed64, cut":          {"2100010203040506", "error"},
		"unknown group":                 {groups(1, "0801"), ""},
		"group within group":            {groups(2, ""), ""},
		"a hundred groups":              {groups(100, ""), ""},
		"a hundred groups, a value":     {groups(100, "0801"), "error"},
		"ninety-nine groups, a value":   {groups(99, "0801"), ""},
		"a hundred and one groups":      {groups(101, ""), "error"},
		"ten thousand groups":           {groups(10000, ""), "error"},
		"group never closed":            {"a306", "error"},
		"group closed by another":       {"a306" + "ac06", "error"},
		"group closed, never opened":    {"a406", "error"},
		"known field as group":          {"0b0c", "error"},
		"name as varint":                {"0801", "error"},
		"name as fixed32":               {"0d00000000", "error"},
		"algorithm as varint":           {"1001", "error"},
		"wire type 6":                   {"26", "error"},
		"wire type 7":                   {"27", "error"},
		"field number 0":                {"0001", "error"},
		"largest field number":          {"f8ffffff0f01", ""},
		"field number too large":        {"f8ffffff1f01", "error"},
		"tag not minimal":               {"8a00" + "0141", "0a0141"},
		"tag of eleven bytes":           {"8a8080808080808080808000" + "0141", "error"},
		"length not minimal":            {"0a8100" + "41", "0a0141"},
		"length beyond the end":         {"0a0241", "error"},
		"length of 2^63":                {"0a80808080808080808001", "error"},
		"length overflows":              {"0a8080808080808080808001", "error"},
		"varint of eleven bytes":        {"20808080808080808080808001", "error"},
		"varint of 2^64":                {"2080808080808080808002", "error"},
		"name twice":                    {"0a0141" + "0a0142", "0a0142"},
		"name of invalid UTF-8":         {"0a01ff", "error"},
		"first name invalid":            {"0a01ff" + "0a0142", "error"},
		"name with NUL":                 {"0a0100", "0a0100"},
		"name with surrogate":           {"0a03eda080", "error"},
		"algorithm in two parts":        {"1206" + "22040a021007" + "1206" + "22040a021008", "1206" + "22040a021008"},
		"algorithm merged":              {"1202" + "2200" + "1206" + "22040a021008", "1206" + "22040a021008"},
		"last algorithm wins":           {"1206" + "22040a021007" + "1202" + "2a00", "1202" + "2a00"},
		"wrong type within message":     {"12022001", "error"},
		"wrong type within unknown":     {"22022001", ""},
		"truncated within message":      {"12032204" + "0a", "error"},
		"enum that is not assigned":     {"1208" + "22060a0410878001", "1208" + "22060a0410878001"},
		"enum is cut to 32 bits":        {"120a" + "22080a06" + "108780808010", "1206" + "22040a021007"},
		"input, then garbage":           {"1a0141" + "ff", "error"},
		"only a tag":                    {"1a", "error"},
		"field order does not matter":   {"1a0141" + "0a0142", "0a0142" + "1a0141"},
		"unknown within known, skipped": {"1208" + "22040a021007" + "7801", "1206" + "22040a021007"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &psapb.Sign{}
			err := psa.Unmarshal(unhex(t, c.body), m)
			if c.want == "error" {
				if !errors.Is(err, wire.StatusDeserializingBody) {
					t.Errorf("got %v, %v, want a refusal", m, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := marshal(t, m); got != c.want {
				t.Errorf("becomes %s, want %s", got, c.want)
			}
		})
	}
}

// TestIntegersAreTruncated: varints are cut to the width of their field.
func TestIntegersAreTruncated(t *testing.T) {
	check := &psapb.CanDoCrypto{}
	if err := psa.Unmarshal(unhex(t, "088180808010"), check); err != nil || check.GetCheckType() != 1 {
		t.Errorf("enum 2^32+1 is %d, %v", check.GetCheckType(), err)
	}
	attrs := &psapb.KeyAttributes{}
	if err := psa.Unmarshal(unhex(t, "10ffffffffffffffffff01"), attrs); err != nil || attrs.GetKeyBits() != 1<<32-1 {
		t.Errorf("bits 2^64-1 is %d, %v", attrs.GetKeyBits(), err)
	}
	flags := &psapb.UsageFlags{}
	if err := psa.Unmarshal(unhex(t, "0880808080808001"), flags); err != nil || !flags.GetExport() {
		t.Errorf("flag 2^42 is %t, %v", flags.GetExport(), err)
	}
	random := &psapb.GenerateRandom{}
	if err := psa.Unmarshal(unhex(t, "08ffffffffffffffffff01"), random); err != nil || random.GetSize() != 1<<64-1 {
		t.Errorf("size 2^64-1 is %d, %v", random.GetSize(), err)
	}
}

// TestPackedOrNot: a repeated number is accepted packed and not.
func TestPackedOrNot(t *testing.T) {
	for _, body := range []string{"0a020108", "08010808", "080a" + "0a0108"} {
		m := &psapb.ListOpcodesResult{}
		if err := psa.Unmarshal(unhex(t, body), m); err != nil || len(m.GetOpcodes()) != 2 || m.GetOpcodes()[1] != 8 {
			t.Errorf("%s: %v, %v", body, m, err)
		}
	}
}
