package config

import (
	"fmt"
	"strings"
)

// suggest returns what the writer of an unknown key may have meant, or "".
func (r *reader) suggest(s *section, key string) string {
	if near := nearest(key, s.known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	homes := r.homes[key]
	if len(homes) == 0 {
		return ""
	}
	if homes[0] == "" {
		return fmt.Sprintf("%q is a table of the top level", key)
	}
	if homes[0] == withoutNumbers(s.path) {
		return "it belongs to another type of " + homes[0]
	}
	return fmt.Sprintf("it belongs to [%s]", homes[0])
}

// withoutNumbers removes the element numbers of a path.
func withoutNumbers(path string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(path, "[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, path, _ = strings.Cut(rest, "]")
	}
}

// nearest returns the candidate that a typing error could have turned into word, or "".
func nearest(word string, candidates []string) string {
	const longest = 64
	if len(word) > longest {
		return ""
	}
	best, least := "", (len(word)+2)/3+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance counts the insertions, deletions and replacements of bytes between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
