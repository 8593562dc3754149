//go:build interop

package reference

import (
	"bytes"
	"errors"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

var errOtherKind = errors.New("an address of another kind")

// addresses are of all kinds but one: the module has no address of an asynchronous enrolment.
func addresses() []subject {
	kinds := []textKind{
		{"server address", func(d *draw) string { return d.server().String() }, stringer(trust.ParseServerAddress)},
		{"organization address", func(d *draw) string {
			return trust.OrganizationAddress{Server: d.server(), Organization: drawn[trust.OrganizationID](d), RootVerifyKey: drawn[trust.VerifyKey](d)}.String()
		}, stringer(trust.ParseOrganizationAddress)},
		action("bootstrap address", func(d *draw) trust.Action {
			a := &trust.BootstrapAddress{Token: new(drawn[trust.AccessToken](d))}
			if d.chance(3) {
				a.Token = nil
			}
			a.Server, a.Organization = d.server(), drawn[trust.OrganizationID](d)
			return a
		}),
		action("invitation address", func(d *draw) trust.Action {
			a := &trust.InvitationAddress{
				Type:  pick(d, []trust.InvitationType{trust.InviteUser, trust.InviteDevice, trust.InviteShamirRecovery}),
				Token: drawn[trust.AccessToken](d),
			}
			a.Server, a.Organization = d.server(), drawn[trust.OrganizationID](d)
			return a
		}),
		action("path address", func(d *draw) trust.Action {
			a := &trust.PathAddress{Realm: drawn[trust.RealmID](d), KeyIndex: d.number(64), EncryptedPath: d.bytes()}
			a.Server, a.Organization = d.server(), drawn[trust.OrganizationID](d)
			return a
		}),
		action("PKI enrolment address", func(d *draw) trust.Action {
			a := &trust.EnrollmentAddress{PKI: true}
			a.Server, a.Organization = d.server(), drawn[trust.OrganizationID](d)
			return a
		}),
		action("TOTP reset address", func(d *draw) trust.Action {
			a := &trust.TOTPResetAddress{User: drawn[trust.UserID](d), Token: drawn[trust.AccessToken](d)}
			a.Server, a.Organization = d.server(), drawn[trust.OrganizationID](d)
			return a
		}),
	}
	all := []subject{}
	for _, k := range kinds {
		all = append(all, text(k, "read_address", "make_address", (*draw).mutateAddress))
	}
	return all
}

// drawn is a value of a type with rules.
func drawn[T any](d *draw) T { return *object[T](d) }

// action is an address that says what to do.
func action(kind string, makes func(*draw) trust.Action) textKind {
	return textKind{kind, func(d *draw) string { return must(makes(d).URL()) }, func(s string) (string, error) {
		a, err := trust.ParseAction(s)
		if err != nil {
			return "", err
		}
		if actionKind(a) != kind {
			return "", errOtherKind
		}
		return a.URL()
	}}
}

func actionKind(a trust.Action) string {
	switch a := a.(type) {
	case *trust.BootstrapAddress:
		return "bootstrap address"
	case *trust.InvitationAddress:
		return "invitation address"
	case *trust.PathAddress:
		return "path address"
	case *trust.TOTPResetAddress:
		return "TOTP reset address"
	case *trust.EnrollmentAddress:
		if a.PKI {
			return "PKI enrolment address"
		}
	}
	return ""
}

func (d *draw) server() trust.ServerAddress {
	return until(func() (trust.ServerAddress, error) {
		scheme := pick(d, []string{"http", "https"})
		host := pick(d, []string{"example.com", "localhost", "127.0.0.1", "[::1]", "saas-v3.parsec.cloud", "xn--bcher-kva.example", "BÜCHER.example", "0x7f.1", "a_b"})
		port := pick(d, []string{"", "", ":80", ":443", ":6777", ":65535", ":0"})
		return trust.ParseServerURL(scheme + "://" + host + port)
	})
}

var addressPieces = []string{
	"/", "\\", "//", ".", "..", "/../", "%2e", "%2F", "%", "%41", "?", "#", "&", "=", "&a=path", ":", ":443", ":80", "@", "[::1]", "0x7f.1", "127.1", "http://", "https://x/redirect/",
	"no_ssl=true&", "no_ssl=false&", "+", " ", "\t", "\n", "é", "xn--", "A", "z", "_", "-", "1", "redirect", "&unknown=1", "&p=wA", "parsec3:",
}

// mutateAddress changes an address in ways that matter to a parser of addresses.
func (d *draw) mutateAddress(s string) string {
	b := []byte(s)
	for range 1 + d.IntN(3) {
		if len(b) == 0 {
			break
		}
		at := d.IntN(len(b))
		n := 1 + d.IntN(min(8, len(b)-at))
		piece := []byte(pick(d, addressPieces))
		switch d.IntN(5) {
		case 0:
			b = slices.Insert(b, at, piece...)
		case 1:
			b = slices.Delete(b, at, at+n)
		case 2:
			b = slices.Replace(b, at, at+n, piece...)
		case 3:
			b[at] ^= 0x20
		case 4:
			b = bytes.Replace(b, []byte("://"), []byte(pick(d, []string{":", ":/", ":///", `:\\`, ":/\\", "://u:p@"})), 1)
		}
	}
	return string(b)
}
