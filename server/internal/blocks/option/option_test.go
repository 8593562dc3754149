package option_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/blockstest"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/option"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/s3"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	"github.com/seed-73b3884f/parsec-agent/server/s3test"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestMain(m *testing.M) { pgtest.Exit(m.Run()) }

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"MOCKED":                           "MOCKED",
		"mocked":                           "MOCKED",
		"PostgreSQL":                       "POSTGRESQL",
		"directory:/var/lib/b/../x":        `directory "/var/lib/x"`,
		`directory:/a\:b\\c`:               `directory "/a:b\\c"`,
		`directory:/a\b`:                   `directory "/a\\b"`,
		"s3::eu-west-3:b:k:s":              `S3 bucket "b" of Amazon in "eu-west-3"`,
		"S3:foo.com::b:k:s":                `S3 bucket "b" of "https://foo.com"`,
		"S3:foo.com:r:b:k:s":               `S3 bucket "b" of "https://foo.com"`,
		`s3:http\://foo.com\:9000:r:b:k:s`: `S3 bucket "b" of "http://foo.com:9000"`,
		`s3:https\://[\:\:1]\:9000/:r:b:k:s\:e\\cret`:                  `S3 bucket "b" of "https://[::1]:9000/"`,
		"RAID0:0:POSTGRESQL":                                           "RAID0 of POSTGRESQL",
		"raid1:1:s3:y:r:b:k:s RAID1:0:s3:x:r:b:k:s":                    `RAID1 of S3 bucket "b" of "https://x", S3 bucket "b" of "https://y"`,
		"RAID5:2:directory:/c RAID5:0:directory:/a RAID5:1:POSTGRESQL": `RAID5 of directory "/a", POSTGRESQL, directory "/c"`,
	} {
		c, err := option.Parse(option.Environment(text))
		if err != nil || c.String() != want {
			t.Errorf("%s: %s, %v, want %s", text, c, err, want)
		}
	}
}

func TestParseS3Values(t *testing.T) {
	c, err := option.Parse([]string{`s3::r e:b\\:k\:1:s\:2\x\`})
	if err != nil {
		t.Fatal(err)
	}
	want := option.Member{Kind: option.S3, Region: "r e", Bucket: `b\`, Key: "k:1", Secret: s3.NewSecret(`s:2\x\`)}
	if !reflect.DeepEqual(c.Members[0], want) {
		t.Errorf("%+v, want %+v", c.Members[0], want)
	}
}

func TestParseRefuses(t *testing.T) {
	const canary = "c4n4ry"
	for text, want := range map[string]string{
		"":                                               "1 to 64 values",
		strings.Repeat("MOCKED ", 65):                    "1 to 64 values",
		"DISK":                                           "a store is MOCKED, POSTGRESQL, directory:<path> or s3:",
		"MOCKED:" + canary:                               "a store is MOCKED",
		"swift:u:t:c:u:" + canary:                        "OpenStack Swift is not supported",
		"directory:blocks":                               "<absolute path>",
		"directory:/a:/" + canary:                        "<absolute path>",
		"s3:x:r:b:" + canary:                             "there are 4 values and not 5",
		"s3:x:r:b:k:s:" + canary:                         "there are 6 values and not 5",
		"s3:::b:k:" + canary:                             "needs a region",
		"s3:x:r::k:" + canary:                            "needs a bucket",
		"s3:x:r:b:k:":                                    "needs a secret key",
		`s3:ftp\://x:r:b:k:` + canary:                    "http or https with a host",
		"s3:x/path:r:b:k:" + canary:                      "http or https with a host",
		"s3:u@x:r:b:k:" + canary:                         "http or https with a host",
		"s3:%zz:r:b:k:" + canary:                         "not an address",
		"MOCKED MOCKED":                                  "several values make a set",
		"MOCKED RAID1:0:MOCKED":                          "RAID1, after a value for single store",
		"RAID0:0:POSTGRESQL RAID1:1:POSTGRESQL":          "RAID1, after a value for RAID0",
		"RAID1:0:MOCKED RAID1:1:POSTGRESQL":              "MOCKED cannot be part of a set",
		"RAID1:0:directory:/a RAID1:0:directory:/b":      "node 0 is given twice",
		"RAID1:0:directory:/a RAID1:2:directory:/b":      "node 1 is missing",
		"RAID1:0:directory:/a RAID1:1:directory:/b/../a": "the same store as node 0",
		"RAID1:0:s3:x:r:b:k:s RAID1:1:s3:x:r:b:other:" + canary: "the same store as node 0",
		"RAID5:0:directory:/a RAID5:1:directory:/b":             "RAID5 needs at least 3 nodes, not 2",
		"RAID1:x:MOCKED":  "number of a node",
		"RAID1:-1:MOCKED": "number of a node",
		"RAID1:64:MOCKED": "number of a node",
		"RAID1:0":         "RAID1 is written RAID1:<node>:<store>",
		"RAID6:0:MOCKED":  "a store is MOCKED",
		"s3:" + strings.Repeat("x", 5000) + ":r:b:k:" + canary: "at most 4096",
		"RAID1:0:RAID1:0:MOCKED":                               "a store is MOCKED",
	} {
		_, err := option.Parse(option.Environment(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%.80q: %v, want %q", text, err, want)
		}
	}
}

func TestPrintsNoSecret(t *testing.T) {
	c, err := option.Parse([]string{"s3:x:r:b:k:c4n4ry"})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("opened", "store", c, "members", c.Members)
	if text := fmt.Sprintf("%v %+v %#v", c, c.Members, c.Members) + log.String(); strings.Contains(text, "c4n4ry") {
		t.Error(text)
	}
}

// FuzzParse: what is read is written in its plain form and read again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"MOCKED", "POSTGRESQL", `directory:/a\:b\\`, `s3:http\://x\:1:r:b:k:s`, "RAID1:0:s3::r:b:k:s\nRAID1:1:POSTGRESQL",
		"raid5:2:directory:/c\nraid5:1:directory:/b\nraid5:0:directory:/a", "swift:a:b:c:d:e", "RAID0:", `\`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := option.Parse(strings.Split(text, "\n"))
		if err != nil {
			return
		}
		hide(&c)
		again, err := option.Parse(written(c))
		if hide(&again); err != nil || !reflect.DeepEqual(c, again) {
			t.Errorf("%q is %s, and again %s, %v", text, c, again, err)
		}
	})
}

// hide makes secrets equal, for they cannot be written.
func hide(c *option.Config) {
	for i, m := range c.Members {
		if m.Kind == option.S3 {
			c.Members[i].Secret = s3.NewSecret("x")
		}
	}
}

func written(c option.Config) []string {
	escape := strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace
	texts := []string{}
	for i, m := range c.Members {
		text := "MOCKED"
		switch m.Kind {
		case option.PostgreSQL:
			text = "POSTGRESQL"
		case option.Directory:
			text = "directory:" + escape(m.Path)
		case option.S3:
			endpoint := ""
			if m.Endpoint != nil {
				endpoint = m.Endpoint.String()
			}
			text = strings.Join([]string{"s3", escape(endpoint), escape(m.Region), escape(m.Bucket), escape(m.Key), "x"}, ":")
		case option.Mocked:
		}
		if c.Mode != option.Single {
			text = c.Mode.String() + ":" + strconv.Itoa(i) + ":" + text
		}
		texts = append(texts, text)
	}
	return texts
}

// TestOpen opens a set of every kind of store, and uses it.
func TestOpen(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	gateway := s3test.Start(t, s3test.Options{})
	address := strings.ReplaceAll(gateway.URL().String(), ":", `\:`)
	bucket := "s3:" + strings.Join([]string{address, s3test.Region, s3test.Bucket, s3test.Key, s3test.Secret}, ":")
	dir := filepath.Join(t.TempDir(), "blocks")
	r := option.Resources{Pool: pool, Log: slog.New(slog.DiscardHandler)}
	for _, values := range [][]string{
		{"MOCKED"},
		{"POSTGRESQL"},
		{"directory:" + dir},
		{bucket},
		{"RAID0:0:" + bucket, "RAID0:1:directory:" + dir},
		{"RAID1:1:" + bucket, "RAID1:0:POSTGRESQL"},
		{"RAID5:0:" + bucket, "RAID5:1:directory:" + dir, "RAID5:2:POSTGRESQL"},
	} {
		c, err := option.Parse(values)
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Open(t.Context(), r)
		if err != nil {
			t.Fatalf("%s: %v", c, err)
		}
		org, id := blockstest.Org(t, "o"), trust.NewBlockID()
		if err := s.Create(t.Context(), org, id, []byte("content")); err != nil {
			t.Errorf("%s: %v", c, err)
		}
		if got, err := s.Read(t.Context(), org, id); err != nil || string(got) != "content" {
			t.Errorf("%s: %q, %v", c, got, err)
		}
		if err := errors.Join(s.Health(t.Context()), s.Close()); err != nil {
			t.Errorf("%s: %v", c, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	r := option.Resources{Log: slog.New(slog.DiscardHandler)}
	home := t.TempDir()
	for want, c := range map[string]option.Config{
		"needs a PostgreSQL data base": {Members: []option.Member{{Kind: option.PostgreSQL}}},
		"one store, or a set":          {},
		"RAID0 cannot create partially": {
			Mode: option.RAID0, PartialCreate: true, Members: []option.Member{{Kind: option.Directory, Path: home}},
		},
		"node 1: cannot open directory": {Mode: option.RAID1, Members: []option.Member{
			{Kind: option.Directory, Path: filepath.Join(home, "a")}, {Kind: option.Directory, Path: filepath.Join(home, "no", "b")},
		}},
	} {
		var s blocks.Store
		s, err := c.Open(t.Context(), r)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %q", c, s, err, want)
		}
	}
}

// TestOpenOriginal reads a RAID5 set as an original server has it, with one node failing.
func TestOpenOriginal(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	org, id := blockstest.Org(t, "o"), trust.NewBlockID()
	for _, sql := range []string{
		`CREATE TABLE block_data (organization_id VARCHAR NOT NULL, block_id UUID NOT NULL, data BYTEA NOT NULL)`,
		fmt.Sprintf(`INSERT INTO block_data VALUES ('o', '%s', '\x1f262d3f38485818')`, id),
	} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	stores := []string{"", "", ""}
	gateways := [2]*s3test.Gateway{}
	for i, chunk := range []string{"\x00\x00\x00\x0b\x03\x0a\x11\x18", "\x1f\x26\x2d\x34\x3b\x42\x49\x00"} {
		g := s3test.Start(t, s3test.Options{})
		file := filepath.Join(g.Objects, blocks.ObjectKey(org, id))
		if err := errors.Join(os.Mkdir(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(chunk), 0o600)); err != nil {
			t.Fatal(err)
		}
		address := strings.ReplaceAll(g.URL().String(), ":", `\:`)
		stores[i] = fmt.Sprintf("RAID5:%d:s3:%s:%s:%s:%s:%s", i, address, s3test.Region, s3test.Bucket, s3test.Key, s3test.Secret)
		gateways[i] = g
	}
	stores[2] = "RAID5:2:POSTGRESQL"
	c, err := option.Parse(stores)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Open(t.Context(), option.Resources{Pool: pool, Log: slog.New(slog.DiscardHandler), Original: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, end := range []func(){func() {}, gateways[1].Kill} {
		end()
		if got, err := s.Read(t.Context(), org, id); err != nil || string(got) != "\x03\x0a\x11\x18\x1f\x26\x2d\x34\x3b\x42\x49" {
			t.Errorf("%x, %v", got, err)
		}
	}
	if err := s.Create(t.Context(), org, trust.NewBlockID(), nil); !errors.Is(err, blocks.ErrInvalid) && !errors.Is(err, blocks.ErrUnavailable) {
		t.Errorf("created: %v", err)
	}
	for _, text := range []string{"MOCKED", "directory:/tmp"} {
		c, err := option.Parse([]string{text})
		if err != nil {
			t.Fatal(err)
		}
		if s, err := c.Open(t.Context(), option.Resources{Original: true}); err == nil {
			t.Errorf("%s of an original server: %T", text, s)
		}
	}
}
