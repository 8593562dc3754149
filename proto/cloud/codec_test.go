package cloud_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud/cloudtest"
	"github.com/seed-73b3884f/parsec-agent/trust"
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

// TestSecretsAreNotShown prints and logs every command and reply, and looks for the secrets in them.
func TestSecretsAreNotShown(t *testing.T) {
	mark := bytes.Repeat([]byte{0xab}, trust.KeySize)
	key, errKey := trust.NewSecretKey(mark)
	token, errToken := trust.NewAccessToken(mark[:trust.TokenSize])
	totp, errTOTP := trust.NewTOTPSecret(mark[:20])
	if err := errors.Join(errKey, errToken, errTOTP); err != nil {
		t.Fatal(err)
	}
	secrets := map[reflect.Type]reflect.Value{
		reflect.TypeOf(key): reflect.ValueOf(key), reflect.TypeOf(token): reflect.ValueOf(token), reflect.TypeOf(totp): reflect.ValueOf(totp),
	}
	count := 0
	fill := func(v any) {
		for _, field := range reflect.ValueOf(v).Elem().Fields() {
			if secret, ok := secrets[field.Type()]; ok {
				field.Set(secret)
				count++
			}
		}
	}
	for _, c := range cloud.Commands() {
		messages := []any{reflect.New(reflect.TypeOf(c.Request).Elem()).Interface()}
		for _, r := range c.Replies {
			messages = append(messages, reflect.New(reflect.TypeOf(r).Elem()).Interface())
		}
		for _, m := range messages {
			fill(m)
			shown := &bytes.Buffer{}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
				fmt.Fprintf(shown, verb, m)
			}
			slog.New(slog.NewJSONHandler(shown, nil)).Info("m", "m", m)
			for _, trace := range []string{string(mark[:8]), "abababab", "ABABABAB", "171 171", "0xab, 0xab"} {
				if strings.Contains(shown.String(), trace) {
					t.Errorf("%T is shown as %q", m, trace)
				}
			}
		}
	}
	if count < 15 {
		t.Errorf("only %d secrets", count)
	}
}
