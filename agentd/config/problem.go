package config

import (
	"fmt"
	"strings"
)

// Problem is something wrong with a file.
type Problem struct {
	// File is the name of the file, Line its line from 1, or 0 for the file as a whole.
	File string
	Line int
	// Key is the full key, such as `provider[1].library_path` (counted from 1); may be empty.
	Key string
	// Reason says what is wrong, Remedy what to do; Remedy may be empty.
	Reason, Remedy string
}

// String returns `file:line: key: reason; remedy`.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Reason)
	if p.Remedy != "" {
		b.WriteString("; " + p.Remedy)
	}
	return b.String()
}

// Warning is a problem that does not keep the agent from starting.
type Warning = Problem

// Errors are all problems of one file, in the order of its lines. There is at least one.
type Errors []Problem

// Error returns one problem a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}
