package main

import (
	"fmt"
	"slices"
	"strings"
)

// find returns the struct of a status.
func (w *writer) find(name string) *structure {
	for i := range w.p.structs {
		if s := &w.p.structs[i]; s.name == name && s.role == status {
			return s
		}
	}
	w.err = fmt.Errorf("%s is no status", name)
	return nil
}

// table lists all commands and makes an empty request by family and name.
func (w *writer) table(commands []*structure) {
	slices.SortFunc(commands, func(a, b *structure) int { return strings.Compare(a.kind+a.name, b.kind+b.name) })
	w.line("var commands = []Command{")
	families := []string{}
	for _, s := range commands {
		families = append(families, s.families...)
		replies := []string{}
		for _, name := range s.replies {
			replies = append(replies, fmt.Sprintf("&%s{}", name))
		}
		w.line("{Name: %q, Families: []Family{%s}, Request: &%s{}, Replies: []Reply{%s}},",
			s.kind, strings.Join(s.families, ", "), s.name, strings.Join(replies, ", "))
	}
	w.line("}\n\n// newRequest returns an empty request, or nil if the family has no such command.")
	w.line("func newRequest(f Family, name string) Request {\nswitch f {")
	slices.Sort(families)
	for _, family := range slices.Compact(families) {
		w.line("case %s:\nswitch name {", family)
		for _, s := range commands {
			if slices.Contains(s.families, family) {
				w.line("case %q:\nreturn &%s{}", s.kind, s.name)
			}
		}
		w.line("}")
	}
	w.line("}\nreturn nil\n}\n")
}
