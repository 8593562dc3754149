package option

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/s3"
)

// Limits of what is read.
const (
	maxNodes = 64
	maxText  = 4096
)

// Environment splits the value of the option's environment variable as the original does.
func Environment(value string) []string { return strings.Fields(value) }

// Parse reads the values of the option, which may be given several times.
func Parse(values []string) (Config, error) {
	if len(values) == 0 || len(values) > maxNodes {
		return Config{}, fmt.Errorf("block store: 1 to %d values are possible, not %d", maxNodes, len(values))
	}
	c := Config{}
	nodes := make(map[int]string, len(values))
	for i, v := range values {
		mode, number, rest, err := prefix(v)
		if err != nil {
			return Config{}, fmt.Errorf("block store value %d: %w", i+1, err)
		}
		if i > 0 && mode != c.Mode {
			return Config{}, fmt.Errorf("block store value %d: %s, after a value for %s", i+1, mode, c.Mode)
		}
		if i > 0 && mode == Single {
			return Config{}, errors.New("block store: several values make a set, and say so: RAID1:0:…, RAID1:1:…")
		}
		if _, twice := nodes[number]; twice {
			return Config{}, fmt.Errorf("block store: node %d is given twice", number)
		}
		c.Mode, nodes[number] = mode, rest
	}
	for n := range len(nodes) {
		text, there := nodes[n]
		if !there {
			return Config{}, fmt.Errorf("block store: node %d is missing, numbers begin with 0", n)
		}
		m, err := member(text)
		if err != nil {
			return Config{}, where(c.Mode, n, err)
		}
		c.Members = append(c.Members, m)
	}
	return c, c.Check()
}

// where adds which store an error is about.
func where(mode Mode, node int, err error) error {
	if mode == Single {
		return fmt.Errorf("block store: %w", err)
	}
	return fmt.Errorf("block store: node %d: %w", node, err)
}

// prefix takes RAID1:0: and the like from a value.
func prefix(value string) (mode Mode, number int, rest string, err error) {
	if len(value) > maxText {
		return 0, 0, "", fmt.Errorf("it has %d bytes, at most %d are possible", len(value), maxText)
	}
	parts := strings.SplitN(value, ":", 3)
	for _, m := range []Mode{RAID0, RAID1, RAID5} {
		if !strings.EqualFold(parts[0], m.String()) {
			continue
		}
		if len(parts) < 3 {
			return 0, 0, "", fmt.Errorf("%s is written %[1]s:<node>:<store>", m)
		}
		number, err = strconv.Atoi(parts[1])
		if err != nil || number < 0 || number >= maxNodes {
			return 0, 0, "", fmt.Errorf("%s: the number of a node is 0 to %d", m, maxNodes-1)
		}
		return m, number, parts[2], nil
	}
	return Single, 0, value, nil
}

// member reads one store.
func member(text string) (Member, error) {
	fields := split(text)
	switch kind := strings.ToUpper(fields[0]); {
	case kind == "MOCKED" && len(fields) == 1:
		return Member{Kind: Mocked}, nil
	case kind == "POSTGRESQL" && len(fields) == 1:
		return Member{Kind: PostgreSQL}, nil
	case kind == "DIRECTORY":
		return directoryMember(fields)
	case kind == "S3":
		return s3Member(fields)
	case kind == "SWIFT":
		return Member{}, errors.New("OpenStack Swift is not supported; its S3 interface is, as s3:…")
	}
	return Member{}, errors.New("a store is MOCKED, POSTGRESQL, directory:<path> or s3:[<endpoint>]:<region>:<bucket>:<key>:<secret>")
}

func directoryMember(fields []string) (Member, error) {
	if len(fields) != 2 || !filepath.IsAbs(fields[1]) {
		return Member{}, errors.New(`a block directory is written directory:<absolute path>, and a colon in it with a backslash before it`)
	}
	return Member{Kind: Directory, Path: filepath.Clean(fields[1])}, nil
}

func s3Member(fields []string) (Member, error) {
	if len(fields) != 6 {
		return Member{}, fmt.Errorf(`S3 is written s3:[<endpoint>]:<region>:<bucket>:<key>:<secret>, a colon in a value \:; there are %d values and not 5`, len(fields)-1)
	}
	m := Member{Kind: S3, Region: fields[2], Bucket: fields[3], Key: fields[4], Secret: s3.NewSecret(fields[5])}
	if endpoint := fields[1]; endpoint != "" {
		if !strings.HasPrefix(endpoint, "http://") && !strings.HasPrefix(endpoint, "https://") {
			endpoint = "https://" + endpoint
		}
		u, err := url.Parse(endpoint)
		if err != nil {
			return Member{}, errors.New("the endpoint is not an address")
		}
		m.Endpoint = u
	}
	o := m.s3Options()
	return m, o.Check()
}

// split cuts a text at colons. A backslash takes the special meaning from a colon and from
// a backslash, and stands for itself before anything else.
func split(text string) []string {
	fields, field := []string{}, strings.Builder{}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && (text[i+1] == ':' || text[i+1] == '\\'):
			i++
			_ = field.WriteByte(text[i]) // never fails
		case c == ':':
			fields = append(fields, field.String())
			field.Reset()
		default:
			_ = field.WriteByte(c) // never fails
		}
	}
	return append(fields, field.String())
}
