//go:build interop

package reference

// command is a command of the server, with the names of its request and replies.
type command struct {
	Family  string   `json:"family"`
	Name    string   `json:"name"`
	Classes []string `json:"classes"`
}
