// Package observe is what an operator sees of a server that runs: metrics for Prometheus and a line of log for each request.
//
// Neither has secrets: no query, no header but the name of the client's program, no body. Labels have values of fixed sets, so that no peer can make
// them many. Everything may be used concurrently.
package observe

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Note is what whoever serves a request knows of it.
type Note struct {
	// Family and Command are of the protocol, Reply is the status of its reply; empty for other requests, and what was refused before.
	Family, Command, Reply string
	Organization           trust.OrganizationID
	// Device and User are the author's, nil where there is none.
	Device *trust.DeviceID
	User   *trust.UserID
}

type noteKey struct{}

// NoteOf returns the note of a request; it is one that nobody reads where requests are not observed.
func NoteOf(ctx context.Context) *Note {
	if n, ok := ctx.Value(noteKey{}).(*Note); ok {
		return n
	}
	return &Note{}
}
