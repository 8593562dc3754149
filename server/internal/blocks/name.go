package blocks

import (
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Name returns the id as the original names objects: lower-case digits with hyphens. Names
// sort as ids do.
func Name(id trust.BlockID) string {
	s := id.String()
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// ParseName reads a name that Name returned, and nothing else.
func ParseName(s string) (trust.BlockID, bool) {
	var id trust.BlockID
	err := id.UnmarshalText([]byte(s))
	return id, err == nil && Name(id) == s
}

// ObjectKey returns the name of a block in stores that have names only.
func ObjectKey(org trust.OrganizationID, id trust.BlockID) string { return Prefix(org) + Name(id) }

// Prefix is what the object keys of an organisation begin with.
func Prefix(org trust.OrganizationID) string { return org.String() + "/" }
