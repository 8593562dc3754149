package cloud

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// answer is what a server says.
type answer struct {
	status HTTPStatus
	header http.Header
	body   []byte
}

// handshake sends a request with the headers to a server that only reads handshake and body.
func handshake(t *testing.T, method, path string, header http.Header, body io.Reader) (*answer, *Handshake) {
	t.Helper()
	got := &Handshake{}
	mux := http.NewServeMux()
	serve := func(pattern string, read func(*http.Request) (*Handshake, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			h, err := read(r)
			if err == nil && r.Method == http.MethodPost {
				_, err = ReadBody(r)
			}
			if httpErr := (*HTTPError)(nil); errors.As(err, &httpErr) {
				Refuse(w, httpErr.Status)
				return
			}
			*got = *h
		})
	}
	for f := range familyNames {
		serve(f.Pattern(), func(r *http.Request) (*Handshake, error) { return ReadHandshake(r, f) })
	}
	serve(PatternProbe, func(r *http.Request) (*Handshake, error) { return ReadHandshake(r, Anonymous) })
	serve(PatternEvents, ReadEventsHandshake)
	server := httptest.NewServer(mux)
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &answer{HTTPStatus(resp.StatusCode), resp.Header, text}, got
}

func TestHandshake(t *testing.T) {
	device := tokenVectors(t)["token/device"].Authorization
	account := tokenVectors(t)["token/account"].Authorization
	invitation := "Bearer 00112233445566778899aabbccddeeff"
	const get, post = http.MethodGet, http.MethodPost
	rpc := func(authorization string) map[string]string {
		return map[string]string{HeaderVersion: "5.5", "Content-Type": ContentMsgpack, "Authorization": authorization}
	}
	with := func(h map[string]string, name, value string) map[string]string {
		h[name] = value
		return h
	}
	events := map[string]string{HeaderVersion: "5.0", "Accept": ContentEvents, "Authorization": device, HeaderLastEventID: "00112233445566778899aabbccddeeff"}
	for name, c := range map[string]struct {
		method, path string
		header       map[string]string
		want         HTTPStatus
	}{
		"anonymous":                {post, "/anonymous/Org", rpc(""), StatusOK},
		"probe":                    {get, "/anonymous/Org", rpc(""), StatusOK},
		"other name":               {post, "/anonymous/%C3%89cole", rpc(""), StatusOK},
		"anonymous server":         {post, "/anonymous_server", rpc(""), StatusOK},
		"invited":                  {post, "/invited/Org", rpc(invitation), StatusOK},
		"authenticated":            {post, "/authenticated/Org", rpc(device), StatusOK},
		"terms":                    {post, "/authenticated/Org/tos", rpc(device), StatusOK},
		"account":                  {post, "/authenticated_account", rpc(account), StatusOK},
		"events":                   {get, "/authenticated/Org/events", events, StatusOK},
		"higher minor":             {post, "/anonymous/Org", with(rpc(""), HeaderVersion, "5.99"), StatusOK},
		"no version":               {post, "/anonymous/Org", with(rpc(""), HeaderVersion, ""), StatusUnsupportedAPI},
		"other major":              {post, "/anonymous/Org", with(rpc(""), HeaderVersion, "6.0"), StatusUnsupportedAPI},
		"malformed version":        {post, "/anonymous/Org", with(rpc(""), HeaderVersion, "5"), StatusUnsupportedAPI},
		"signed version":           {post, "/anonymous/Org", with(rpc(""), HeaderVersion, "+5.1"), StatusUnsupportedAPI},
		"version before name":      {post, "/anonymous/a!b", with(rpc(""), HeaderVersion, "4.0"), StatusUnsupportedAPI},
		"malformed name":           {post, "/anonymous/a!b", with(rpc(""), "Content-Type", ""), StatusOrganizationNotFound},
		"other content":            {post, "/authenticated/Org", with(rpc(""), "Content-Type", "application/msgpack; charset=utf-8"), StatusBadContent},
		"no authorization":         {post, "/authenticated/Org", rpc(""), StatusNoAuthorization},
		"malformed authorization":  {post, "/authenticated/Org", rpc(invitation), StatusNoAuthorization},
		"account for a device":     {post, "/authenticated/Org/tos", rpc(account), StatusNoAuthorization},
		"device for an account":    {post, "/authenticated_account", rpc(device), StatusNoAuthorization},
		"device for an invitation": {post, "/invited/Org", rpc(device), StatusNoAuthorization},
		"events as something else": {get, "/authenticated/Org/events", with(rpc(device), "Accept", "*/*"), StatusBadAccept},
	} {
		t.Run(name, func(t *testing.T) {
			header := http.Header{}
			for k, v := range c.header {
				if v != "" {
					header.Set(k, v)
				}
			}
			resp, h := handshake(t, c.method, c.path, header, http.NoBody)
			if resp.status != c.want {
				t.Fatalf("status %d", resp.status)
			}
			if c.want == StatusOK {
				if h.Client.String() != c.header[HeaderVersion] || h.UserAgent == "" || (h.LastEvent != nil) != (c.header[HeaderLastEventID] != "") {
					t.Errorf("%+v", h)
				}
				return
			}
			if supported := resp.header.Get(HeaderSupportedVersions) != ""; supported != (c.want == StatusUnsupportedAPI) ||
				supported == (resp.header.Get(HeaderVersion) != "") || !bytes.HasPrefix(resp.body, []byte(`{"detail":"The `)) {
				t.Errorf("%v %s", resp.header, resp.body)
			}
		})
	}
}

func TestReadBody(t *testing.T) {
	header := http.Header{HeaderVersion: {"5.5"}, "Content-Type": {ContentMsgpack}}
	for name, c := range map[string]struct {
		body io.Reader
		want HTTPStatus
	}{
		"largest":            {bytes.NewReader(make([]byte, MaxRequest)), StatusOK},
		"too large":          {bytes.NewReader(make([]byte, MaxRequest+1)), StatusTooLarge},
		"chunked":            {io.MultiReader(bytes.NewReader(make([]byte, MaxRequest))), StatusOK},
		"too large, chunked": {io.MultiReader(bytes.NewReader(make([]byte, MaxRequest+1))), StatusTooLarge},
	} {
		if resp, _ := handshake(t, http.MethodPost, "/anonymous/Org", header, c.body); resp.status != c.want {
			t.Errorf("%s: %d", name, resp.status)
		}
	}
}

func TestPathFitsPattern(t *testing.T) {
	organization, err := trust.NewOrganizationID("École-1")
	if err != nil {
		t.Fatal(err)
	}
	for f := range familyNames {
		pattern := strings.Replace(f.Pattern(), "{organization_id}", "%C3%89cole-1", 1)
		if "POST /"+f.path(organization) != pattern {
			t.Errorf("%s: %s", f.path(organization), pattern)
		}
	}
}

func TestVersions(t *testing.T) {
	if got := parseVersions("5.6; 6.1;x;7.;" + strings.Repeat("8.0;", 99)); len(got) != maxVersions || got[0] != (Version{5, 6}) || got[1] != (Version{6, 1}) {
		t.Errorf("%v", got)
	}
	if !(Version{4, 9}).Before(Version{5, 0}) || !(Version{5, 1}).Before(StepsSince) || StepsSince.Before(StepsSince) || Current.Before(StepsSince) {
		t.Error("order")
	}
}

func TestHTTPError(t *testing.T) {
	for status, want := range map[HTTPStatus]error{460: ErrOrganizationExpired, 503: ErrOffline, 500: ErrServer, 418: ErrServer} {
		if err := (&HTTPError{Status: status}); !errors.Is(err, want) {
			t.Errorf("%v is not %v", err, want)
		}
	}
	if got := (&HTTPError{Status: 422, Supported: []Version{{5, 6}}}).Error(); got != "the server speaks other versions of the API (HTTP status 422): [5.6]" {
		t.Error(got)
	}
}
