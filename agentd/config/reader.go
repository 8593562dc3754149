package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A reader collects what is wrong with a file while the tables are read.
type reader struct {
	file     string
	lines    map[string]int
	errs     Errors
	warnings []Warning
	unknown  []unknownKey
	// homes are the tables (without numbers) in which a key has a meaning.
	homes map[string][]string
}

type unknownKey struct {
	s   *section
	key string
}

// A section is one table of the file. Keys are known because somebody asks for them;
// what nobody asked for is unknown.
type section struct {
	r       *reader
	path    string
	values  map[string]any
	known   []string
	present bool
}

func (r *reader) problem(path, reason, remedy string) Problem {
	return Problem{File: r.file, Line: r.line(path), Key: path, Reason: reason, Remedy: remedy}
}

// line returns the line of a key, or of the table that it would be in.
func (r *reader) line(path string) int {
	for path != "" {
		if n, ok := r.lines[path]; ok {
			return n
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 0
}

func (r *reader) fail(path, reason, remedy string) {
	r.errs = append(r.errs, r.problem(path, reason, remedy))
}

func (r *reader) warn(path, reason, remedy string) {
	r.warnings = append(r.warnings, r.problem(path, reason, remedy))
}

// finish warns about unknown keys and returns the verdict, in the order of the lines.
func (r *reader) finish() ([]Warning, error) {
	for _, u := range r.unknown {
		r.warn(join(u.s.path, u.key), "unknown key, ignored", r.suggest(u.s, u.key))
	}
	slices.SortStableFunc(r.warnings, func(a, b Warning) int { return cmp.Compare(a.Line, b.Line) })
	if len(r.errs) == 0 {
		return r.warnings, nil
	}
	slices.SortStableFunc(r.errs, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return r.warnings, r.errs
}

func (s *section) at(key string) string { return join(s.path, key) }

func (s *section) fail(key, format string, args ...any) {
	s.r.fail(s.at(key), fmt.Sprintf(format, args...), "")
}

// take returns the value of a key and makes the key known.
func (s *section) take(key string) (any, bool) {
	if !slices.Contains(s.known, key) {
		s.known = append(s.known, key)
		home := withoutNumbers(s.path)
		if !slices.Contains(s.r.homes[key], home) {
			s.r.homes[key] = append(s.r.homes[key], home)
		}
	}
	v, ok := s.values[key]
	return v, ok
}

// require reports a missing key and returns whether it is there.
func (s *section) require(key string) bool {
	if _, ok := s.take(key); ok {
		return true
	}
	if s.present {
		s.r.fail(s.at(key), fmt.Sprintf("missing field %q", key), "")
	}
	return false
}

// close notes the keys that nobody asked for.
func (s *section) close() {
	for _, key := range slices.Sorted(maps.Keys(s.values)) {
		if !slices.Contains(s.known, key) {
			s.r.unknown = append(s.r.unknown, unknownKey{s, key})
		}
	}
}

// table returns the table of that name; an absent one is empty.
func (s *section) table(key string) *section {
	child := &section{r: s.r, path: s.at(key)}
	v, ok := s.take(key)
	if !ok {
		return child
	}
	child.present = true
	if child.values, ok = v.(map[string]any); !ok {
		child.present = false
		remedy := ""
		if _, array := v.([]map[string]any); array {
			remedy = fmt.Sprintf("write [%s], not [[%s]]", child.path, child.path)
		}
		s.r.fail(child.path, "expected a table, found "+kind(v), remedy)
	}
	return child
}

// tables returns the tables of an array.
func (s *section) tables(key string) []*section {
	v, ok := s.take(key)
	if !ok {
		return nil
	}
	var all []*section
	add := func(m map[string]any) {
		path := fmt.Sprintf("%s[%d]", s.at(key), len(all)+1)
		all = append(all, &section{r: s.r, path: path, values: m, present: true})
	}
	switch v := v.(type) {
	case []map[string]any:
		for _, m := range v {
			add(m)
		}
	case []any:
		for _, e := range v {
			m, ok := e.(map[string]any)
			if !ok {
				s.r.fail(s.at(key), "expected an array of tables, found "+kind(e)+" in it", tablesRemedy(key))
				return nil
			}
			add(m)
		}
	default:
		remedy := ""
		if _, ok := v.(map[string]any); ok {
			remedy = fmt.Sprintf("write [[%s]], not [%s]", s.at(key), s.at(key))
		}
		s.r.fail(s.at(key), "expected an array of tables, found "+kind(v), remedy)
	}
	if len(all) > maxTables {
		s.fail(key, "%d tables are more than %d", len(all), maxTables)
		return nil
	}
	return all
}

// maxTables bounds the elements of an array of tables, which are compared with each other.
const maxTables = 1024

func tablesRemedy(key string) string {
	if key == "admins" {
		return `write admins = [ { name = "1000" } ]`
	}
	return ""
}

// kind names the type of a TOML value.
func kind(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case int64:
		return "an integer"
	case float64:
		return "a float"
	case bool:
		return "a boolean"
	case map[string]any:
		return "a table"
	case []any, []map[string]any:
		return "an array"
	default:
		return "a date or time"
	}
}
