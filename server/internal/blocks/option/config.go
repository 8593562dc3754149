package option

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/s3"
)

// Mode is how several stores are one.
type Mode int

// Modes.
const (
	Single Mode = iota // one store
	RAID0              // striped
	RAID1              // mirrored
	RAID5              // striped with parity
)

// String returns the name that the option has for it.
func (m Mode) String() string { return [...]string{"single store", "RAID0", "RAID1", "RAID5"}[m] }

// Kind is the kind of a store.
type Kind int

// Kinds.
const (
	Mocked Kind = iota // memory
	PostgreSQL
	Directory
	S3
)

// Member is one store.
type Member struct {
	Kind     Kind
	Path     string   // of a directory, absolute
	Endpoint *url.URL // of S3, none for Amazon
	Region   string
	Bucket   string
	Key      string
	Secret   s3.Secret
	// Lookup is not part of the option's syntax.
	Lookup s3.Lookup
}

// place says where a store is, without its keys: two members with one place are one store.
func (m Member) place() string {
	switch m.Kind {
	case Mocked:
		return "MOCKED"
	case PostgreSQL:
		return "POSTGRESQL"
	case Directory:
		return "directory " + strconv.Quote(m.Path)
	case S3:
	}
	at := "Amazon in " + strconv.Quote(m.Region)
	if m.Endpoint != nil {
		at = strconv.Quote(m.Endpoint.String())
	}
	return fmt.Sprintf("S3 bucket %q of %s", m.Bucket, at)
}

// Config says where blocks are kept. It prints without secrets.
type Config struct {
	Mode    Mode
	Members []Member // in their order, which is part of what RAID0 and RAID5 store
	// PartialCreate lets RAID1 and RAID5 write while nodes fail that reading can do
	// without. It is not part of the option's syntax.
	PartialCreate bool
}

// String describes the configuration for a log.
func (c Config) String() string {
	places := make([]string, len(c.Members))
	for i, m := range c.Members {
		places[i] = m.place()
	}
	text := strings.Join(places, ", ")
	if c.Mode != Single {
		text = c.Mode.String() + " of " + text
	}
	return text
}
