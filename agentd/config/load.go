package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/BurntSushi/toml"
)

// maxFile bounds a configuration file in bytes.
const maxFile = 1 << 20

// Load reads a configuration file. Warnings may accompany an error, which is Errors when
// the content is at fault.
func Load(path string, l Layout) (*Config, []Warning, error) {
	data, info, err := readFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
	defer clear(data)
	c, warnings, err := Parse(path, data, l)
	if err != nil {
		return nil, warnings, err
	}
	return c, append(warnings, inspect(path, info, c.holdsSecrets())...), nil
}

func readFile(path string) ([]byte, fs.FileInfo, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, nil, err
	}
	if len(data) > maxFile {
		clear(data)
		return nil, nil, fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return data, info, nil
}

// Parse reads a configuration from memory; name stands for it in problems. Paths that it
// does not set are those of the layout.
func Parse(name string, data []byte, l Layout) (*Config, []Warning, error) {
	r := &reader{file: name, homes: map[string][]string{}}
	if len(data) > maxFile {
		r.fail("", fmt.Sprintf("larger than %d bytes", maxFile), "")
		return nil, nil, r.errs
	}
	src := string(data)
	lines, err := locate(src)
	if err != nil {
		r.fail("", err.Error(), "")
		return nil, nil, r.errs
	}
	r.lines = lines
	root := &section{r: r, present: true}
	if _, err := toml.Decode(src, &root.values); err != nil {
		return nil, nil, Errors{r.syntax(src, err)}
	}
	c := r.config(root, l)
	warnings, err := r.finish()
	if err != nil {
		return nil, warnings, err
	}
	return c, warnings, nil
}

// secretWords mark keys whose values must not be shown, even misspelled ones.
var secretWords = []string{"pin", "_auth", "hierarchy", "pass", "secret"}

// syntax turns an error of the TOML decoder into a problem. The decoder quotes what it
// did not understand, which may be a PIN.
func (r *reader) syntax(src string, err error) Problem {
	parse, ok := errors.AsType[toml.ParseError](err)
	if !ok {
		return Problem{File: r.file, Reason: err.Error()}
	}
	// The decoder counts a line end where the next line begins.
	line := 1 + strings.Count(src[:min(max(parse.Position.Start, 0), len(src))], "\n")
	text := lineOf(src, line)
	p := Problem{File: r.file, Line: line, Reason: parse.Message}
	if name := parse.LastKey[strings.LastIndexByte(parse.LastKey, '.')+1:]; strings.Contains(text, name) {
		p.Key = parse.LastKey // else it is the key before
	}
	suspect := strings.ToLower(parse.LastKey + text)
	for _, word := range secretWords {
		if strings.Contains(suspect, word) {
			p.Reason = "not valid TOML (not quoted here, for the line may hold a secret)"
		}
	}
	return p
}

// lineOf returns a line of a text, counted from 1.
func lineOf(src string, n int) string {
	for line := range strings.Lines(src) {
		if n--; n == 0 {
			return line
		}
	}
	return ""
}

// config reads all tables.
func (r *reader) config(root *section, l Layout) *Config {
	c := &Config{Path: r.file, Layout: l}
	c.Core = readCore(mandatory(root, "core_settings"))
	c.Listener = readListener(mandatory(root, "listener"), l)
	c.Authenticator = readAuthenticator(mandatory(root, "authenticator"))
	c.KeyManagers = readKeyManagers(root.tables("key_manager"), l)
	c.Agent = readAgent(root.table("agent"), c)
	c.Providers = readProviders(root, c)
	root.close()
	c.check(r)
	return c
}

// mandatory returns a table that must be there.
func mandatory(root *section, key string) *section {
	t := root.table(key)
	if _, given := root.values[key]; !given {
		root.r.fail(key, fmt.Sprintf("missing field %q", key), fmt.Sprintf("add the table [%s]", key))
	}
	return t
}
