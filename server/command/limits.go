package command

import (
	"strconv"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
)

// limits are what requests are held to.
func (o *runOptions) limits() (guard.Limits, error) {
	address, err := rate("rate-limit-address", o.addressRate)
	if err != nil {
		return guard.Limits{}, err
	}
	organization, err := rate("rate-limit-organization", o.organizationRate)
	l := guard.DefaultLimits
	l.PerAddress, l.PerOrganization = address, organization
	return l, err
}

// maxRate bounds both numbers: more is no limit.
const maxRate = 1_000_000

// rate reads BURST:PERSECOND, or 0.
func rate(option, text string) (guard.Rate, error) {
	if text == "0" {
		return guard.Rate{}, nil
	}
	burst, second, _ := strings.Cut(text, ":")
	b, errBurst := strconv.ParseUint(burst, 10, 32)
	s, errSecond := strconv.ParseUint(second, 10, 32)
	if errBurst != nil || errSecond != nil || b == 0 || s == 0 || b > maxRate || s > maxRate {
		return guard.Rate{}, usagef("--%s %q: two numbers such as 2000:500 are expected, up to %d, or 0", option, text, maxRate)
	}
	return guard.Rate{Burst: float64(b), PerSecond: float64(s)}, nil
}
