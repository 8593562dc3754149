package cloud

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"testing"
)

// vector is an entry of testdata/parsec-cloud-rpc.json.
type vector struct {
	ID        string `json:"id"`
	Family    string `json:"family"`
	Command   string `json:"command"`
	Kind      string `json:"kind"`
	Status    string `json:"status"`
	Canonical bool   `json:"canonical"`
	Expect    string `json:"expect"`
	Hex       string `json:"hex"`
}

func (v *vector) body(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(v.Hex)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type vectorFile struct {
	Vectors      []vector `json:"vectors"`
	DecoderCases []struct {
		ID      string `json:"id"`
		Hex     string `json:"hex"`
		Applies string `json:"applies_to"`
		Expect  string `json:"expect"`
		Decoded struct {
			Unknown string  `json:"unknown_status"`
			Reason  *string `json:"reason"`
			Status  string  `json:"status"`
		} `json:"decoded"`
	} `json:"decoder_cases"`
}

func readVectors(t testing.TB) *vectorFile {
	t.Helper()
	b, err := os.ReadFile("../../testdata/parsec-cloud-rpc.json")
	if err != nil {
		t.Fatal(err)
	}
	file := &vectorFile{}
	if err := json.Unmarshal(b, file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) != 344 || len(file.DecoderCases) != 4 {
		t.Fatalf("%d vectors, %d cases", len(file.Vectors), len(file.DecoderCases))
	}
	return file
}

// familyOf returns the family with the name.
func familyOf(t testing.TB, name string) Family {
	t.Helper()
	for f, n := range familyNames {
		if n == name {
			return f
		}
	}
	t.Fatalf("no family %q", name)
	return 0
}

// commandOf returns what is known of a command.
func commandOf(t testing.TB, family Family, name string) Command {
	t.Helper()
	for _, c := range Commands() {
		if c.Name == name && slices.Contains(c.Families, family) {
			return c
		}
	}
	t.Fatalf("no command %s in family %s", name, family)
	return Command{}
}

// readReply reads a reply to a request, whatever its type.
func readReply(req Request, body []byte) (Reply, error) {
	out := reflect.ValueOf(req).MethodByName("DecodeReply").Call([]reflect.Value{reflect.ValueOf(body)})
	if err, ok := reflect.TypeAssert[error](out[1]); ok {
		return nil, err
	}
	rep, _ := reflect.TypeAssert[Reply](out[0])
	return rep, nil
}

// unsorted are vectors whose maps are in another order than ours, which is that of their keys.
var unsorted = map[string]bool{
	"tos/tos_get/response/ok/1":                                    true,
	"authenticated_account/vault_item_recovery_list/response/ok/1": true,
}

// TestVectors reads each, and writes what it read in the same bytes if they are in the order of the specification.
func TestVectors(t *testing.T) {
	for _, v := range readVectors(t).Vectors {
		t.Run(v.ID, func(t *testing.T) {
			family := familyOf(t, v.Family)
			var again []byte
			var unknown bool
			var err error
			if v.Kind == "request" {
				var req Request
				if req, err = DecodeRequest(family, v.body(t)); err == nil {
					if req.Command() != v.Command {
						t.Errorf("command %s", req.Command())
					}
					again, _ = EncodeRequest(req)
				}
			} else {
				var rep Reply
				if rep, err = readReply(commandOf(t, family, v.Command).Request, v.body(t)); err == nil {
					if rep.Status() != v.Status {
						t.Errorf("status %s", rep.Status())
					}
					_, unknown = rep.(*UnknownStatus)
					again, _ = EncodeReply(rep)
				}
			}
			if (err == nil) != (v.Expect != "rejected") {
				t.Fatalf("%s: %v", v.Expect, err)
			}
			if unknown != (v.Expect == "accepted_as_unknown_status") {
				t.Errorf("unknown status: %v", unknown)
			}
			if err == nil && bytes.Equal(again, v.body(t)) != (v.Canonical && !unsorted[v.ID]) {
				t.Errorf("written as\n%x, read from\n%s", again, v.Hex)
			}
		})
	}
}

// TestVectorCases are the cases that belong to several commands.
func TestVectorCases(t *testing.T) {
	replies := map[string]Request{
		"any response":                (*VlobCreateReq)(nil),
		"authenticated/ping response": (*PingReq)(nil), "invited/invite_info response": (*InviteInfoReq)(nil),
	}
	for _, c := range readVectors(t).DecoderCases {
		req := replies[c.Applies]
		if req == nil {
			t.Fatalf("%s: nothing reads %s", c.ID, c.Applies)
		}
		body, err := hex.DecodeString(c.Hex)
		if err != nil {
			t.Fatal(err)
		}
		rep, err := readReply(req, body)
		if c.Expect == "rejected" {
			if err == nil {
				t.Errorf("%s: accepted", c.ID)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		if u, ok := rep.(*UnknownStatus); ok != (c.Decoded.Unknown != "") || ok && !reflect.DeepEqual(u, &UnknownStatus{c.Decoded.Unknown, c.Decoded.Reason}) {
			t.Errorf("%s: %#v", c.ID, rep)
		}
		if c.Decoded.Status != "" && rep.Status() != c.Decoded.Status {
			t.Errorf("%s: %s", c.ID, rep.Status())
		}
	}
}
