package config

import (
	"errors"
	"strconv"
	"strings"
)

const (
	// maxDepth bounds the nesting of arrays and inline tables.
	maxDepth = 32
	// maxPath bounds the length of a whole key in bytes.
	maxPath = 512
)

// errDepth is what exceeds these bounds.
var errDepth = errors.New("values are nested too deep, or keys too long")

// locate returns the line of every table and key of a TOML text, under paths such as
// `provider[2].name` (elements are counted from 1). The TOML decoder does not tell the
// lines of values that are well formed and still wrong.
//
// It is lenient, for the decoder judges the syntax: on text that is not TOML it returns
// something, in time proportional to the text.
func locate(src string) (map[string]int, error) {
	l := &locator{src: src, line: 1, lines: map[string]int{}, arrays: map[string]int{}}
	for !l.deep {
		l.space(true)
		if l.end() {
			return l.lines, nil
		}
		l.item()
	}
	return nil, errDepth
}

type locator struct {
	src    string
	pos    int
	line   int
	lines  map[string]int
	arrays map[string]int // elements seen of arrays of tables
	table  string         // path of the current table
	depth  int
	deep   bool
}

func (l *locator) end() bool { return l.pos >= len(l.src) }

func (l *locator) peek() byte {
	if l.end() {
		return 0
	}
	return l.src[l.pos]
}

func (l *locator) next() {
	if l.peek() == '\n' {
		l.line++
	}
	l.pos++
}

func (l *locator) skip(s string) bool {
	if !strings.HasPrefix(l.src[min(l.pos, len(l.src)):], s) {
		return false
	}
	for range len(s) {
		l.next()
	}
	return true
}

// space skips blanks and comments, with newlines or up to one.
func (l *locator) space(newlines bool) {
	for !l.end() {
		switch c := l.peek(); {
		case c == '#':
			for !l.end() && l.peek() != '\n' {
				l.next()
			}
		case c == ' ', c == '\t', c == '\r', c == '\n' && newlines:
			l.next()
		default:
			return
		}
	}
}

// item reads a table header or a key with its value. It consumes at least one byte.
func (l *locator) item() {
	start := l.pos
	switch {
	case l.skip("[["):
		l.header(true)
	case l.skip("["):
		l.header(false)
	default:
		l.pair(l.table)
	}
	if l.pos == start {
		l.next()
	}
}

func (l *locator) header(array bool) {
	path := l.keys("", array)
	if array {
		l.note(path)
		l.arrays[path]++
		path += "[" + strconv.Itoa(l.arrays[path]) + "]"
	}
	l.note(path)
	l.table = path
	for l.peek() == ']' {
		l.next()
	}
}

func (l *locator) note(path string) {
	if len(path) > maxPath {
		l.giveUp()
		return
	}
	if _, seen := l.lines[path]; !seen {
		l.lines[path] = l.line
	}
}

// giveUp ends the scan.
func (l *locator) giveUp() { l.deep, l.pos = true, len(l.src) }

// pair reads `key = value` below a table.
func (l *locator) pair(table string) {
	path := l.keys(table, false)
	l.note(path)
	l.space(false)
	if l.skip("=") {
		l.value(path)
	}
}

// keys reads a dotted key and returns its path below prefix. A name that is an array of
// tables stands for its last element, except the last name of an array header.
func (l *locator) keys(prefix string, arrayHeader bool) string {
	for {
		l.space(false)
		prefix = join(prefix, l.key())
		l.space(false)
		more := l.skip(".")
		if n := l.arrays[prefix]; n > 0 && (more || !arrayHeader) {
			prefix += "[" + strconv.Itoa(n) + "]"
		}
		if !more {
			return prefix
		}
		l.note(prefix)
		if l.deep {
			return ""
		}
	}
}

func join(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}

func (l *locator) key() string {
	start := l.pos
	if c := l.peek(); c == '"' || c == '\'' {
		l.quoted()
		raw := l.src[start:min(l.pos, len(l.src))]
		if s, err := strconv.Unquote(raw); err == nil && c == '"' {
			return s
		}
		return strings.Trim(raw, string(c))
	}
	for !l.end() && !strings.ContainsRune(" \t\r\n.=[]{},#\"'", rune(l.peek())) {
		l.next()
	}
	return l.src[start:l.pos]
}

// quoted skips a string of any of the four kinds.
func (l *locator) quoted() {
	quote := l.src[l.pos : l.pos+1]
	long := strings.Repeat(quote, 3)
	stop, multi := quote, false
	if l.skip(long) {
		stop, multi = long, true
	} else {
		l.next()
	}
	for !l.end() {
		switch {
		case !multi && l.peek() == '\n':
			return
		case quote == `"` && l.peek() == '\\':
			l.next()
			l.next()
		case l.skip(stop):
			for multi && l.skip(quote) { // up to two quotes may precede the closing ones
			}
			return
		default:
			l.next()
		}
	}
}

func (l *locator) value(path string) {
	l.depth++
	defer func() { l.depth-- }()
	if l.depth > maxDepth {
		l.giveUp()
		return
	}
	l.space(false)
	switch l.peek() {
	case '"', '\'':
		l.quoted()
	case '[':
		l.sequence(']', func(n int) {
			element := path + "[" + strconv.Itoa(n) + "]"
			l.note(element)
			l.value(element)
		})
	case '{':
		l.sequence('}', func(int) { l.pair(path) })
	default:
		for !l.end() && !strings.ContainsRune(",]}\n#", rune(l.peek())) {
			l.next()
		}
	}
}

// sequence reads comma-separated elements up to the closing byte.
func (l *locator) sequence(closing byte, element func(n int)) {
	l.next()
	for n := 1; ; n++ {
		l.space(true)
		if l.end() {
			return
		}
		if l.peek() == closing {
			l.next()
			return
		}
		start := l.pos
		element(n)
		l.space(true)
		l.skip(",")
		if l.pos == start {
			l.next()
		}
	}
}
