//go:build interop

package server_test

import (
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
)

// excuse is a difference for which the table of docs/server.md has a row.
type excuse struct {
	row string
	is  func(p *pair, req cloud.Request, ours, theirs *Answer) bool
}

var excuses = []excuse{
	{"`async_enrollment_accept` in another identity system", func(_ *pair, _ cloud.Request, ours, theirs *Answer) bool {
		return ours.Reply == "submit_and_accept_identity_systems_mismatch" && theirs.Status >= 500
	}},
}

// excused returns the row that explains a difference, or nothing.
func excused(p *pair, req cloud.Request, ours, theirs *Answer) string {
	if p.postgres && ours.Status == 200 && theirs.Status == 200 && ours.Reply != "ok" && theirs.Reply != "ok" && ours.Reply != theirs.Reply {
		return req.Command() + " " + ours.Reply + " / " + theirs.Reply
	}
	for _, e := range excuses {
		if e.is(p, req, ours, theirs) {
			return e.row
		}
	}
	return ""
}
