package session_test

import (
	"bytes"
	"errors"
	"net/http"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/session/sessiontest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// bomb is a certificate that is 256 MiB large when it is decompressed.
func bomb(t *testing.T) []byte {
	t.Helper()
	b := bytes.NewBuffer(make([]byte, trust.SignatureSize+1)) // format 0
	z, err := zstd.NewWriter(b)
	if err != nil {
		t.Fatal(err)
	}
	for range 256 {
		if _, err := z.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestBodies: what is no answer to the question is refused with its reason within bounds, and changes nothing.
func TestBodies(t *testing.T) {
	w, p := proxied(t)
	w.refresh()
	good := must(cloud.EncodeReply(&cloud.CertificateGetOK{RealmCertificates: map[trust.RealmID][][]byte{}}))
	reply := func(b []byte) func(http.ResponseWriter, *sessiontest.Request) {
		return func(rw http.ResponseWriter, _ *sessiontest.Request) { sessiontest.Bytes(rw, b) }
	}
	for name, c := range map[string]struct {
		answer func(rw http.ResponseWriter, r *sessiontest.Request)
		want   error
	}{
		"empty":           {reply(nil), cloud.ErrReply},
		"cut":             {reply(good[:len(good)-3]), cloud.ErrReply},
		"longer":          {reply(append(bytes.Clone(good), 0xc0)), cloud.ErrReply},
		"random":          {reply([]byte{0xde, 0xad, 0xbe, 0xef}), cloud.ErrReply},
		"announced alone": {reply([]byte{0xdf, 0xff, 0xff, 0xff, 0xff}), cloud.ErrReply},
		"deep":            {reply(bytes.Repeat([]byte{0x91}, 1<<20)), cloud.ErrReply},
		"another command": {func(rw http.ResponseWriter, _ *sessiontest.Request) { sessiontest.Reply(rw, &cloud.InviteListOK{}) }, cloud.ErrReply},
		"unknown status":  {func(rw http.ResponseWriter, _ *sessiontest.Request) { sessiontest.Reply(rw, &cloud.TOSMismatch{}) }, cloud.ErrReply},
		"text": {func(rw http.ResponseWriter, _ *sessiontest.Request) {
			rw.Header().Set("Content-Type", "text/html")
			_, _ = rw.Write([]byte("<html>welcome to this hotel"))
		}, cloud.ErrReply},
		"elsewhere": {func(rw http.ResponseWriter, r *sessiontest.Request) {
			http.Redirect(rw, r.Request, "http://127.0.0.1:1/", http.StatusFound)
		}, cloud.ErrServer},
		"shorter than announced": {func(rw http.ResponseWriter, _ *sessiontest.Request) {
			rw.Header().Set("Content-Length", "100000")
			sessiontest.Bytes(rw, good)
		}, cloud.ErrOffline},
		"endless": {func(rw http.ResponseWriter, r *sessiontest.Request) {
			rw.Header().Set("Content-Type", cloud.ContentMsgpack)
			for b := make([]byte, 1<<20); r.Context().Err() == nil; {
				if _, err := rw.Write(b); err != nil {
					return
				}
			}
		}, cloud.ErrReply},
		"a bomb": {func(rw http.ResponseWriter, r *sessiontest.Request) {
			rep, ok := r.Forward().Reply(r.Decoded).(*cloud.CertificateGetOK)
			if !ok {
				t.Error("no answer to change")
				return
			}
			rep.CommonCertificates = append(rep.CommonCertificates, bomb(t))
			sessiontest.Reply(rw, rep)
		}, session.ErrRefused},
		"empty certificates": {func(rw http.ResponseWriter, _ *sessiontest.Request) {
			sessiontest.Reply(rw, &cloud.CertificateGetOK{CommonCertificates: [][]byte{nil, nil}, RealmCertificates: map[trust.RealmID][][]byte{}})
		}, session.ErrRefused},
	} {
		p.Meddle(func(rw http.ResponseWriter, r *sessiontest.Request) bool {
			c.answer(rw, r)
			return true
		})
		if err := w.Refresh(t.Context()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if w.users() != 1 {
			t.Errorf("%s: %d users", name, w.users())
		}
		p.Meddle(nil)
		w.refresh()
	}
}
