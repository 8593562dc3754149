package cloud

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Version is a version of the protocol. Peers agree on the major version; fields and commands come with minor ones.
type Version struct{ Major, Minor uint32 }

// Current is the version of this package.
var Current = Version{5, 6}

// StepsSince is the first version with the present SAS codes: a server refuses the steps of older clients with [StatusUnsupportedAPI].
var StepsSince = Version{5, 2}

// ErrVersion is a text that is no version.
var ErrVersion = errors.New("this is no version of the API")

// maxVersions bounds the list of versions that a server names.
const maxVersions = 16

// String returns the major and the minor version with a dot between them.
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Before reports whether the version is older.
func (v Version) Before(o Version) bool {
	return v.Major < o.Major || v.Major == o.Major && v.Minor < o.Minor
}

// Compatible reports whether both may speak to each other.
func (v Version) Compatible(o Version) bool { return v.Major == o.Major }

// ParseVersion reads a version.
func ParseVersion(s string) (Version, error) {
	major, minor, found := strings.Cut(s, ".")
	if !found {
		return Version{}, ErrVersion
	}
	a, errA := parseNumber(major)
	b, errB := parseNumber(minor)
	if errA != nil || errB != nil {
		return Version{}, ErrVersion
	}
	return Version{a, b}, nil
}

// parseNumber reads digits alone.
func parseNumber(s string) (uint32, error) {
	if strings.Trim(s, "0123456789") != "" {
		return 0, ErrVersion
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}

// parseVersions reads what a server names, and passes over what it cannot read.
func parseVersions(s string) []Version {
	all := []Version{}
	for text := range strings.SplitSeq(s, ";") {
		if v, err := ParseVersion(strings.TrimSpace(text)); err == nil && len(all) < maxVersions {
			all = append(all, v)
		}
	}
	return all
}
