package api

import (
	"net/http"
	"net/url"

	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// address returns the address of the server for links in an answer.
func (a *API) address(r *http.Request) (trust.ServerAddress, error) {
	if a.Address != nil {
		return *a.Address, nil
	}
	return ServerOf(r)
}

// ServerOf returns the address under which whoever made a request reaches the server.
func ServerOf(r *http.Request) (trust.ServerAddress, error) {
	u := &url.URL{Scheme: "http", Host: r.Host}
	if guard.ClientOf(r.Context()).Secure {
		u.Scheme = "https"
	}
	return trust.ParseServerURL(u.String())
}
