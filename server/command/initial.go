package command

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
)

// initial are the settings of new organisations.
func (o *runOptions) initial() (tables.Settings, error) {
	s := tables.Settings{OutsiderAllowed: o.outsiders, MinimumArchivingPeriod: o.archivingPeriod}
	if o.archivingPeriod < 0 {
		return s, usagef("--organization-initial-realm-deletion-min-archiving-period %d: a period is not negative", o.archivingPeriod)
	}
	if o.limit != "" {
		n, err := strconv.ParseUint(o.limit, 10, 32)
		if err != nil {
			return s, usagef("--organization-initial-active-users-limit %q: a number is expected", o.limit)
		}
		s.ActiveUsersLimit = &n
	}
	if o.tos == "" {
		return s, nil
	}
	s.TOS = &tables.TOS{URLs: map[string]string{}}
	for _, part := range splitEscaped(o.tos) {
		locale, address, ok := strings.Cut(part, ":")
		if u, err := url.Parse(address); !ok || locale == "" || err != nil || !u.IsAbs() {
			return s, usagef("--organization-initial-tos %q: locale:url is expected", part)
		}
		s.TOS.URLs[locale] = address
	}
	return s, nil
}

// openBao is what is announced of an OpenBao server.
func (o *runOptions) openBao() (cloud.OpenBaoConfig, error) {
	if o.baoServer == "" {
		return &cloud.OpenBaoDisabled{}, nil
	}
	if o.baoProConnect == "" && o.baoHexagone == "" {
		return nil, usagef("--openbao-auth-hexagone or --openbao-auth-pro-connect is needed with --openbao-server-url")
	}
	c := &cloud.OpenBaoEnabled{
		ServerURL: o.baoServer, Secret: &cloud.OpenBaoSecretKV2{MountPath: o.baoSecret}, TransitMountPath: &o.baoTransit,
		Auths: []cloud.OpenBaoAuthConfig{},
	}
	for _, auth := range []cloud.OpenBaoAuthConfig{{ID: "HEXAGONE", MountPath: o.baoHexagone}, {ID: "PRO_CONNECT", MountPath: o.baoProConnect}} {
		if auth.MountPath != "" {
			c.Auths = append(c.Auths, auth)
		}
	}
	return c, nil
}
