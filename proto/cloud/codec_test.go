package cloud_test

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud/cloudtest"
)

// TestWrittenIsRead: what is written of any command and reply is read as the same.
func TestWrittenIsRead(t *testing.T) {
	for _, c := range cloud.Commands() {
		t.Run(c.Families[0].String()+"/"+c.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				body := encoded(t, c.Request)
				for _, f := range c.Families {
					req, err := cloud.DecodeRequest(f, body)
					if err != nil {
						t.Fatalf("%x: %v", body, err)
					}
					again, err := cloud.EncodeRequest(req)
					if err != nil || !bytes.Equal(again, body) {
						t.Fatalf("%x is written again as %x: %v", body, again, err)
					}
				}
				like := rapid.SampledFrom(c.Replies).Draw(t, "reply")
				rep := cloudtest.Reply(t, like)
				body, err := cloud.EncodeReply(rep)
				if err != nil {
					t.Fatal(err)
				}
				out := reflect.ValueOf(c.Request).MethodByName("DecodeReply").Call([]reflect.Value{reflect.ValueOf(body)})
				if !out[1].IsNil() || out[0].Elem().Type() != reflect.TypeOf(like) {
					t.Fatalf("%x: %v", body, out)
				}
				got, _ := reflect.TypeAssert[cloud.Reply](out[0])
				if again, err := cloud.EncodeReply(got); err != nil || !bytes.Equal(again, body) {
					t.Fatalf("%x is written again as %x: %v", body, again, err)
				}
			})
		})
	}
}

func encoded(t *rapid.T, like cloud.Request) []byte {
	body, err := cloud.EncodeRequest(cloudtest.Request(t, like))
	if err != nil {
		t.Fatal(err)
	}
	return body
}
