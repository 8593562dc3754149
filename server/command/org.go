package command

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (p *Program) orgGroup() *cobra.Command {
	return group("org", "Administer organisations", p.orgCreate(), p.orgList(), p.orgStats(), p.orgUpdate(), p.orgErase())
}

// settingOptions are the settings of an organisation that options change.
type settingOptions struct {
	users, outsiders, expired string
	period                    int64
	terms                     []string
	noTerms                   bool
}

func (s *settingOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&s.users, "users", "", "how many active users there may be: a `number`, or none for no limit")
	f.StringVar(&s.outsiders, "outsiders", "", "whether there may be outsiders: `yes or no`")
	f.Int64Var(&s.period, "archiving-period", 0, "`seconds` that a workspace is kept before it can be deleted")
	f.StringArrayVar(&s.terms, "terms", nil, "terms of service that users have to accept: `locale=url`; repeatable")
}

// body are the settings that were given, as the administration API takes them.
func (s *settingOptions) body(f *pflag.FlagSet) (map[string]any, error) {
	b := map[string]any{}
	if s.users == "none" {
		b["active_users_limit"] = nil
	} else if s.users != "" {
		n, err := strconv.ParseUint(s.users, 10, 62)
		if err != nil {
			return nil, usagef("--users %q: a number, or none is expected", s.users)
		}
		b["active_users_limit"] = n
	}
	for name, c := range map[string]struct{ option, value string }{
		"user_profile_outsider_allowed": {"outsiders", s.outsiders}, "is_expired": {"expired", s.expired},
	} {
		if c.value != "" && c.value != "yes" && c.value != "no" {
			return nil, usagef("--%s %q: yes or no is expected", c.option, c.value)
		}
		if c.value != "" {
			b[name] = c.value == "yes"
		}
	}
	if f.Changed("archiving-period") {
		if s.period < 0 {
			return nil, usagef("--archiving-period %d: a period is not negative", s.period)
		}
		b["realm_minimum_archiving_period_before_deletion"] = s.period
	}
	terms := map[string]string{}
	for _, t := range s.terms {
		locale, address, ok := strings.Cut(t, "=")
		if !ok || locale == "" || address == "" {
			return nil, usagef("--terms %q: locale=url is expected", t)
		}
		terms[locale] = address
	}
	if len(terms) > 0 {
		b["tos"] = terms
	}
	if s.noTerms {
		if len(terms) > 0 {
			return nil, usagef("--terms and --no-terms exclude each other")
		}
		b["tos"] = nil
	}
	return b, nil
}
