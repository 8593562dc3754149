package ctl_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud/cloudtest"
	"github.com/seed-73b3884f/parsec-agent/server/processtest"
)

// site is a server on which people do what they do, and who administers it.
type site struct {
	// url is its address, without the slash at its end.
	url string
	// strike does to it what may happen while people are at work; nil for nothing.
	strike func()
}

// host is the address as people write it.
func (s *site) host() string { return strings.TrimPrefix(s.url, "http://") }

// administer has an administrator change something of the organisation.
func (s *site) administer(t *testing.T, method, below string, body any) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+"/administration/organizations/Acme"+below, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+cloudtest.AdministrationToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if said, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %s %v", method, below, resp.Status, said, err)
	}
}

// ours are arguments of parsec-server that every server of the flows has.
var ours = []string{"--administration-token=" + cloudtest.AdministrationToken, "--spontaneous-organization-bootstrap"}

// onSQLite is our server with nothing beside it.
func onSQLite(t *testing.T) *site {
	t.Helper()
	return &site{url: processtest.Balance(t, processtest.Start(t, append([]string{"--data-dir=" + t.TempDir()}, ours...)...))}
}

// people is what user list says.
type people struct {
	Users []struct {
		ID, Email, Profile string
		CreatedBy          string `json:"created_by"`
		Revoked            *string
		Devices            []struct{ ID, Label, Purpose string }
	}
	Connection struct{ State string }
}

// of finds somebody.
func (p *people) of(email string) (devices int, profile string, revoked bool) {
	for _, u := range p.Users {
		if u.Email == email {
			return len(u.Devices), u.Profile, u.Revoked != nil
		}
	}
	return 0, "", false
}
