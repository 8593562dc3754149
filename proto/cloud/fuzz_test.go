package cloud

import (
	"bytes"
	"slices"
	"testing"
)

// seeds adds the bodies of all vectors of a kind and family. An empty corpus is a failure.
func seeds(f *testing.F, kind string, family Family) {
	f.Helper()
	n := 0
	for _, v := range readVectors(f).Vectors {
		if v.Kind == kind && familyOf(f, v.Family) == family {
			f.Add(v.body(f))
			n++
		}
	}
	if n == 0 {
		f.Fatalf("no vectors of family %s", family)
	}
}

// fuzzRequest reads a request of a family. What is read is written, read again, and written the same.
func fuzzRequest(f *testing.F, family Family) {
	seeds(f, "request", family)
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := DecodeRequest(family, body)
		if err != nil {
			return
		}
		written, err := EncodeRequest(req)
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeRequest(family, written)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := EncodeRequest(again); err != nil || !bytes.Equal(twice, written) {
			t.Fatalf("written in two ways: %v\n%x\n%x", err, written, twice)
		}
	})
}

// fuzzReply reads a body as a reply to every command of a family.
func fuzzReply(f *testing.F, family Family) {
	seeds(f, "response", family)
	all := slices.DeleteFunc(slices.Clone(Commands()), func(c Command) bool { return !slices.Contains(c.Families, family) })
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, c := range all {
			rep, err := readReply(c.Request, body)
			if err != nil {
				continue
			}
			written, err := EncodeReply(rep)
			if err != nil {
				t.Fatal(err)
			}
			again, err := readReply(c.Request, written)
			if err != nil {
				t.Fatal(err)
			}
			if twice, err := EncodeReply(again); err != nil || !bytes.Equal(twice, written) {
				t.Fatalf("written in two ways: %v\n%x\n%x", err, written, twice)
			}
		}
	})
}

func FuzzAnonymousRequest(f *testing.F)       { fuzzRequest(f, Anonymous) }
func FuzzAnonymousReply(f *testing.F)         { fuzzReply(f, Anonymous) }
func FuzzAnonymousServerRequest(f *testing.F) { fuzzRequest(f, AnonymousServer) }
func FuzzAnonymousServerReply(f *testing.F)   { fuzzReply(f, AnonymousServer) }
func FuzzInvitedRequest(f *testing.F)         { fuzzRequest(f, Invited) }
func FuzzInvitedReply(f *testing.F)           { fuzzReply(f, Invited) }
func FuzzAuthenticatedRequest(f *testing.F)   { fuzzRequest(f, Authenticated) }
func FuzzAuthenticatedReply(f *testing.F)     { fuzzReply(f, Authenticated) }
func FuzzTOSRequest(f *testing.F)             { fuzzRequest(f, TOS) }
func FuzzTOSReply(f *testing.F)               { fuzzReply(f, TOS) }
func FuzzAccountRequest(f *testing.F)         { fuzzRequest(f, Account) }
func FuzzAccountReply(f *testing.F)           { fuzzReply(f, Account) }
