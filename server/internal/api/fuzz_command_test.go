package api_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// vectors are the requests of the protocol's vectors, with their families: every command of the protocol is among them.
func vectors(t testing.TB) (all []struct{ Family, Kind, Hex string }) {
	t.Helper()
	b, err := os.ReadFile("../../../testdata/parsec-cloud-rpc.json")
	if err != nil {
		t.Fatal(err)
	}
	file := struct {
		Vectors []struct{ Family, Kind, Hex string } `json:"vectors"`
	}{}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	return file.Vectors
}

// FuzzCommand: whatever a body is, whoever sends it and whatever it asks for, the answer is a reply or a status of the specification.
func FuzzCommand(f *testing.F) {
	s := New(f, Options{})
	o := s.Bootstrapped()
	handler := s.Handler()
	invite := &cloud.InviteNewDeviceReq{}
	invited := Must(cloud.NewInvitationToken(Decode[cloud.InviteNewDeviceOK](f, o.First.Do(invite), invite.DecodeReply).Token))
	families := []cloud.Family{cloud.Anonymous, cloud.AnonymousServer, cloud.Invited, cloud.Authenticated, cloud.TOS}
	seeds := 0
	for _, v := range vectors(f) {
		for i, family := range families {
			if v.Kind == "request" && v.Family == family.String() {
				f.Add(uint8(i), Must(hex.DecodeString(v.Hex)))
				seeds++
			}
		}
	}
	if seeds < 50 {
		f.Fatalf("%d requests among the vectors", seeds)
	}
	f.Fuzz(func(t *testing.T, family uint8, body []byte) {
		of := families[int(family)%len(families)]
		token := map[cloud.Family]string{cloud.Invited: invited, cloud.Authenticated: o.First.Token(), cloud.TOS: o.First.Token()}[of]
		r := o.Prepare(of, &cloud.PingReq{}, token)
		q, err := http.NewRequestWithContext(t.Context(), r.Method, "http://server"+r.Path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		q.Header = r.Header
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, q)
		switch {
		case w.Code == http.StatusOK:
			if mpack.NewReader(w.Body.Bytes()).Discriminant("status") == "" {
				t.Errorf("a reply without a status: %x", w.Body.Bytes())
			}
		case w.Code != int(cloud.StatusBadContent) && w.Code != int(cloud.StatusTooLarge):
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	})
}

// FuzzAuthorization: nothing but what the device signed lets anybody in, to commands or to the stream of events.
func FuzzAuthorization(f *testing.F) {
	s := New(f, Options{})
	o := s.Bootstrapped()
	handler := s.Handler()
	good := o.First.Token()
	for _, h := range []string{good, strings.ToUpper(good), good + "A", "Bearer", "Bearer x", "bearer  " + good[7:], good[:len(good)-3], o.First.Sibling().Token()} {
		f.Add(h, "", false)
		f.Add(h, "0123456789abcdef0123456789abcdef", true)
	}
	request := o.Prepare(cloud.Authenticated, RealmsOf(), "")
	f.Fuzz(func(t *testing.T, header, last string, stream bool) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // a stream ends at once
		r := request
		if stream {
			r = o.First.ListenRequest(last)
		} else {
			ctx = t.Context()
		}
		q, err := http.NewRequestWithContext(ctx, r.Method, "http://server"+r.Path, bytes.NewReader(r.Body))
		if err != nil {
			t.Fatal(err)
		}
		q.Header = r.Header.Clone()
		q.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, q)
		allowed := strings.Join(strings.Fields(header)[min(1, len(strings.Fields(header))):], " ") == strings.Fields(good)[1]
		switch {
		case w.Code == http.StatusOK && !allowed:
			t.Errorf("%q lets in", header)
		case w.Code >= http.StatusInternalServerError && w.Code != int(cloud.StatusStopping):
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	})
}
