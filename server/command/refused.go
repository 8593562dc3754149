package command

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// refused are the options of the original for what there is not here, with the reason. They are no options of ours that help shows.
var refused = map[string]string{
	"cryptpad-server-url":                      "there are no collaborative documents here",
	"trusted-x509-root-dir":                    "the server judges no certificate of X.509, the applications of administrators do",
	"scws-idopte-public-keys-file":             "there is no web application here, and no smart card service for it",
	"scws-web-application-private-key-file":    "there is no web application here, and no smart card service for it",
	"scws-web-application-private-key-content": "there is no web application here, and no smart card service for it",
	"sentry-dsn":                               "nothing is told to Sentry: see --metrics-address, and the log",
	"sentry-environment":                       "nothing is told to Sentry: see --metrics-address, and the log",
	"sentry-traces-sample-rate":                "nothing is told to Sentry: see --metrics-address, and the log",
	"sentry-profiles-sample-rate":              "nothing is told to Sentry: see --metrics-address, and the log",
	"with-client-web-app":                      "there is no web application here",
}

// refusable declares them, so that they are found on the command line, in the environment and in the file.
func refusable(f *pflag.FlagSet) {
	for name := range refused {
		f.Var(taken{}, name, "")
		_ = f.MarkHidden(name) // it was declared just now
	}
}

// taken is an option that takes whatever is given, as often as it is: nobody reads it.
type taken struct{}

func (taken) String() string   { return "" }
func (taken) Set(string) error { return nil }
func (taken) Type() string     { return listType }

// refuse names those that were given.
func refuse(f *pflag.FlagSet) error {
	errs := []error{}
	f.Visit(func(given *pflag.Flag) {
		if why, ok := refused[given.Name]; ok {
			errs = append(errs, usagef("--%s is not supported: %s", given.Name, why))
		}
	})
	return errors.Join(errs...)
}

// unused checks the options that are of no effect because there are no accounts here: servers of the original cannot do without one of them.
func (o *runOptions) unused() error {
	words := strings.Fields(o.rate)
	if len(words) != 2 {
		return usagef("--%s %q: seconds between mails and mails in an hour are expected", rateName, o.rate)
	}
	for _, w := range words {
		if _, err := strconv.Atoi(w); err != nil {
			return usagef("--%s %q: two numbers are expected", rateName, o.rate)
		}
	}
	return nil
}
