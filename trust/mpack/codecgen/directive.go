package main

import (
	"fmt"
	"go/ast"
	"strings"
)

// role is what a structure is in a protocol.
type role uint8

const (
	plain role = iota
	variant
	status
	command
)

// union is an interface whose variants a field tells apart.
type union struct{ name, tag string }

// enum is a string with few values.
type enum struct {
	name   string
	values []string
}

const prefix = "//codec:"

// directives looks for what the comment of a type says about its codec.
func (p *pkg) directives(t *ast.TypeSpec, doc *ast.CommentGroup) error {
	s := structure{name: t.Name.Name}
	found := false
	for _, line := range doc.List {
		rest, ok := strings.CutPrefix(line.Text, prefix)
		if !ok {
			continue
		}
		words := strings.Fields(rest)
		if len(words) == 0 {
			return fmt.Errorf("%s: empty directive", s.name)
		}
		switch verb, args := words[0], words[1:]; verb {
		case "union":
			p.unions = append(p.unions, union{s.name, args[0]})
			return nil
		case "enum":
			p.enums = append(p.enums, enum{s.name, args})
			return nil
		default:
			found = true
			if err := s.directive(verb, args); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	if !found {
		return nil
	}
	return p.addStructure(t, &s)
}

// directive takes over one line.
func (s *structure) directive(verb string, args []string) error {
	if verb == "rep" {
		s.replies = append(s.replies, args...)
		return nil
	}
	least := map[string]int{"map": 0, "tuple": 0, "variant": 2, "status": 1, "cmd": 2}
	n, ok := least[verb]
	if !ok || len(args) < n {
		return fmt.Errorf("unknown or short directive %s", verb)
	}
	switch verb {
	case "map":
		s.tag = "type"
		if n := len(args); n > 0 && args[n-1] == "array" {
			s.array, args = true, args[:n-1]
		}
		if len(args) > 0 {
			s.kind = args[0]
		}
	case "tuple":
		s.tuple = true
	case "variant":
		s.role, s.union, s.kind = variant, args[0], args[1]
	case "status":
		s.role, s.tag, s.kind = status, verb, args[0]
	case "cmd":
		s.role, s.tag, s.kind, s.families = command, verb, args[0], args[1:]
	}
	return nil
}

func (p *pkg) addStructure(t *ast.TypeSpec, s *structure) error {
	def, ok := t.Type.(*ast.StructType)
	if !ok {
		return fmt.Errorf("%s is no struct", s.name)
	}
	if s.role == command && (!strings.HasSuffix(s.name, "Req") || len(s.replies) == 0) {
		return fmt.Errorf("command %s has no replies, or its name does not end in Req", s.name)
	}
	if err := s.addFields(def); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	p.structs = append(p.structs, *s)
	return nil
}

// tags gives variants the tag of their union.
func (p *pkg) tags() error {
	of := map[string]string{}
	for _, u := range p.unions {
		of[u.name] = u.tag
	}
	for i := range p.structs {
		s := &p.structs[i]
		if s.role != variant {
			continue
		}
		if s.tag = of[s.union]; s.tag == "" {
			return fmt.Errorf("%s is a variant of %s, which is no union", s.name, s.union)
		}
	}
	return nil
}
