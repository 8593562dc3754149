package pages_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/internal/pages"
	"github.com/seed-73b3884f/parsec-agent/server/internal/texts"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func handler(t testing.TB, server string) http.Handler {
	t.Helper()
	all, err := texts.Load("")
	if err != nil {
		t.Fatal(err)
	}
	p := &pages.Pages{Texts: all, Log: slog.New(slog.DiscardHandler), Server: func(*http.Request) (trust.ServerAddress, error) {
		if server == "" {
			return trust.ServerAddress{}, errors.New("none")
		}
		return trust.ParseServerAddress(server)
	}}
	return p.Handler()
}

// answer is what a browser gets.
type answer struct {
	StatusCode int
	Header     http.Header
	Body       string
}

func get(t testing.TB, h http.Handler, target, language string) *answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	r.Header.Set("Accept-Language", language)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return &answer{w.Code, w.Header(), w.Body.String()}
}

const invitation = "a=claim_user&p=xBCIhYxYPRZHqK7L0pMuzDgF"

// TestRedirect: links lead to the application as those of the original do.
func TestRedirect(t *testing.T) {
	for _, c := range [][3]string{
		{"parsec3://parsec.example.com", "/redirect/Coolorg?" + invitation, "parsec3://parsec.example.com/Coolorg?" + invitation},
		{"parsec3://parsec.example.com:6777?no_ssl=true", "/redirect/Coolorg?" + invitation, "parsec3://parsec.example.com:6777/Coolorg?" + invitation + "&no_ssl=true"},
		{"parsec3://parsec.example.com", "/redirect/Coolorg?no_ssl=true&" + invitation, "parsec3://parsec.example.com/Coolorg?" + invitation},
		{"parsec3://parsec.example.com", "/redirect/%C3%A9t%C3%A9?x=y", "parsec3://parsec.example.com/%C3%A9t%C3%A9?x=y"},
		{"parsec3://parsec.example.com", "/redirect/", "parsec3://parsec.example.com/"},
		{"parsec3://parsec.example.com", "/redirect/a/b%0d%0aX-Header:1", "parsec3://parsec.example.com/a/b%0D%0AX-Header:1"},
	} {
		a := get(t, handler(t, c[0]), c[1], "")
		if got := a.Header.Get("Location"); a.StatusCode != http.StatusFound || got != c[2] {
			t.Errorf("%s: status %d, %s, want %s", c[1], a.StatusCode, got, c[2])
		}
		protected(t, a)
	}
	if a := get(t, handler(t, ""), "/redirect/Coolorg", ""); a.StatusCode != http.StatusNotImplemented {
		t.Errorf("a server without address answers %d", a.StatusCode)
	}
}

func protected(t *testing.T, a *answer) {
	t.Helper()
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Referrer-Policy") != "no-referrer" ||
		!strings.HasPrefix(a.Header.Get("Content-Security-Policy"), "default-src 'none';") || strings.Contains(a.Header.Get("Content-Security-Policy"), "unsafe") {
		t.Errorf("%v", a.Header)
	}
}

// TestOpen: a link is explained, in the language of whoever asks, and can be followed and copied.
func TestOpen(t *testing.T) {
	h := handler(t, "parsec3://parsec.example.com")
	link := "parsec3://parsec.example.com/Coolorg?" + strings.ReplaceAll(invitation, "&", "&amp;")
	for language, want := range map[string]string{"de": "Install a Parsec application", "fr": "Installez une application Parsec"} {
		for target, status := range map[string]int{"/open/Coolorg?" + invitation: http.StatusOK, "/redirect/Coolorg?" + invitation: http.StatusFound} {
			a := get(t, h, target, language)
			page := a.Body
			if a.StatusCode != status || !strings.Contains(page, want) || !strings.Contains(page, `href="`+link+`"`) || !strings.Contains(page, "<code>"+link+"</code>") {
				t.Errorf("%s %s: status %d, %s", language, target, a.StatusCode, page)
			}
			protected(t, a)
		}
	}
	for _, target := range []string{
		"/open/Coolorg", "/open/Coolorg?a=claim_user&p=AA", "/open/?" + invitation, "/open/%3Cscript%3E?" + invitation, "/open/Coolorg?a=javascript:alert(1)", "/nowhere",
	} {
		a := get(t, h, target, "fr")
		page := a.Body
		if a.StatusCode != http.StatusNotFound || !strings.Contains(page, "Introuvable") || strings.Contains(page, "script") {
			t.Errorf("%s: status %d, %s", target, a.StatusCode, page)
		}
	}
}

// TestHome: the server says what it is, in a few bytes and without scripts.
func TestHome(t *testing.T) {
	h := handler(t, "parsec3://parsec.example.com")
	for _, language := range []string{"en", "fr"} {
		a := get(t, h, "/", language)
		page := a.Body
		if a.StatusCode != http.StatusOK || a.Header.Get("Content-Language") != language || strings.Contains(page, "<script") || len(page) > 2000 {
			t.Errorf("status %d, %v, %s", a.StatusCode, a.Header, page)
		}
	}
	if a := get(t, h, "/style.css", ""); a.StatusCode != http.StatusOK || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/css") {
		t.Errorf("status %d, %v", a.StatusCode, a.Header)
	}
}

// FuzzOpen: whatever link somebody makes up, the page is the server's.
func FuzzOpen(f *testing.F) {
	f.Add("Coolorg", invitation)
	f.Add("<script>", "a=\"'><script>&p=javascript:")
	h := handler(f, "parsec3://parsec.example.com")
	f.Fuzz(func(t *testing.T, path, query string) {
		for _, route := range []string{"/open/", "/redirect/"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
			r.URL.Path, r.URL.RawPath, r.URL.RawQuery = route+path, "", query
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if page := w.Body.String(); strings.Contains(strings.ToLower(page), "<script") || strings.Contains(page, `href="javascript`) {
				t.Errorf("%q %q: %s", path, query, page)
			}
			if l := w.Header().Get("Location"); route == "/redirect/" && w.Code == http.StatusFound && !strings.HasPrefix(l, "parsec3://parsec.example.com/") {
				t.Errorf("%q %q lead to %q", path, query, l)
			}
		}
	})
}
