// Package pages is what the server shows to browsers: what it is, where links lead that applications open, and what to do with such a link
// where there is no application. Pages are static but for what stands in the link itself, have no scripts, and load nothing from elsewhere.
package pages

import (
	"html/template"
	"log/slog"
	"net/http"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/texts"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Pages answers browsers. It may be used concurrently.
type Pages struct {
	Texts *texts.Texts
	// Server is the address of the server as whoever asks reaches it.
	Server func(*http.Request) (trust.ServerAddress, error)
	Log    *slog.Logger
}

// Handler returns the routes. What no route has gets a page too.
func (p *Pages) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { p.page(w, r, http.StatusOK, texts.Home, texts.Data{}) })
	mux.HandleFunc("GET /style.css", p.style)
	mux.HandleFunc("GET /redirect/{path...}", p.redirect)
	mux.HandleFunc("GET /open/{path...}", p.open)
	mux.HandleFunc("/", p.missing)
	return mux
}

// redirect sends browsers to the application (1.9).
func (p *Pages) redirect(w http.ResponseWriter, r *http.Request) {
	server, err := p.Server(r)
	if err != nil {
		http.Error(w, "Url redirection is not available", http.StatusNotImplemented)
		return
	}
	target := cloud.RedirectTarget(server, r.PathValue("path"), r.URL.RawQuery)
	w.Header().Set("Location", target)
	if d, ok := explain(target); ok {
		p.page(w, r, http.StatusFound, texts.Open, d)
		return
	}
	protect(w)
	w.WriteHeader(http.StatusFound)
}

// open explains a link to those for whom nothing happens when they follow it.
func (p *Pages) open(w http.ResponseWriter, r *http.Request) {
	server, err := p.Server(r)
	if err != nil {
		p.missing(w, r)
		return
	}
	d, ok := explain(cloud.RedirectTarget(server, r.PathValue("path"), r.URL.RawQuery))
	if !ok {
		p.missing(w, r)
		return
	}
	p.page(w, r, http.StatusOK, texts.Open, d)
}

// explain says what an address is for, if it is one.
func explain(target string) (d texts.Data, ok bool) {
	action, err := trust.ParseAction(target)
	if err != nil {
		return d, false
	}
	link, err := action.URL()
	if err != nil {
		return d, false
	}
	_, organization := action.Place()
	d = texts.Data{Organization: organization.String(), Link: template.URL(link)} //nolint:gosec // an address that was read, and written again
	if i, is := action.(*trust.InvitationAddress); is {
		d.Kind = map[trust.InvitationType]string{
			trust.InviteUser: texts.KindUser, trust.InviteDevice: texts.KindDevice, trust.InviteShamirRecovery: texts.KindRecovery,
		}[i.Type]
	}
	return d, true
}

func (p *Pages) missing(w http.ResponseWriter, r *http.Request) {
	p.page(w, r, http.StatusNotFound, texts.Missing, texts.Data{})
}

// page answers with a page in the language of whoever asks.
func (p *Pages) page(w http.ResponseWriter, r *http.Request, status int, page texts.Page, d texts.Data) {
	l := texts.Accepted(r.Header.Get("Accept-Language"))
	content, err := p.Texts.Page(page, l, d)
	if err != nil {
		p.Log.Error("a page cannot be shown", "page", string(page), "error", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	protect(w)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(l))
	h.Set("Vary", "Accept-Language")
	w.WriteHeader(status)
	_, _ = w.Write(content) //nolint:gosec // of a template that escapes; whoever does not listen asks again
}

func (p *Pages) style(w http.ResponseWriter, _ *http.Request) {
	protect(w)
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(p.Texts.Style()) // whoever does not listen asks again
}

// protect keeps links, which hold secrets, from being kept or passed on, and pages from doing anything.
func protect(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
}
