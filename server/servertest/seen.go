package servertest

import (
	"strings"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// Databases are the kinds of servers of tests.
const (
	SQLite     = "SQLite"
	PostgreSQL = "PostgreSQL"
)

// Seen is a status that a server of this process answered a command with.
type Seen struct{ Database, Family, Command, Status string }

// seen are all of them, for the TestMain of a package that wants to know what its tests left out.
var seen sync.Map

// Saw says whether a server answered so.
func Saw(s Seen) bool {
	_, ok := seen.Load(s)
	return ok
}

// databaseOf is the kind of the server at an address.
func databaseOf(store string) string {
	if strings.HasPrefix(store, "sqlite:") {
		return SQLite
	}
	return PostgreSQL
}

// see records an answer to a request that Prepare made.
func (s *Server) see(r *Request, a *Answer) {
	if r.family != "" && a.Reply != "" {
		seen.Store(Seen{s.database, r.family, mpack.NewReader(r.Body).Discriminant("cmd"), a.Reply}, true)
	}
}
