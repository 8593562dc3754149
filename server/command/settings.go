package command

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/pflag"
)

// environmentPrefix stands before the names of options in the environment.
const environmentPrefix = "PARSEC_"

// environmentName is where an option is in the environment. The original calls some otherwise.
func environmentName(option string) string {
	switch option {
	case "debug":
		return "DEBUG"
	case "openbao-auth-pro-connect", "openbao-auth-hexagone":
		option += "-mount-path"
	}
	return environmentPrefix + strings.ToUpper(strings.ReplaceAll(option, "-", "_"))
}

// fromEnvironment is the value of an option there. The one of proxies has a second name, as with the original.
func fromEnvironment(option string, getenv func(string) string) string {
	value := getenv(environmentName(option))
	if value == "" && option == "proxy-trusted-addresses" {
		value = getenv("FORWARDED_ALLOW_IPS")
	}
	return value
}

// settle gives every option that the command line does not have the value of the environment, or of the file.
func settle(flags *pflag.FlagSet, getenv func(string) string) error {
	if path := flags.Lookup("config"); !path.Changed {
		value := getenv(environmentName("config"))
		if value == "" {
			value = defaultConfig(os.Getuid(), getenv)
		}
		if value != "" {
			if err := flags.Set("config", value); err != nil {
				return err
			}
		}
	}
	file, err := readFile(flags)
	if err != nil {
		return err
	}
	errs := []error{}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" {
			return
		}
		if value := fromEnvironment(f.Name, getenv); value != "" {
			errs = append(errs, assign(flags, f, environmentName(f.Name), split(f, value)))
		} else if values, ok := file[f.Name]; ok {
			errs = append(errs, assign(flags, f, f.Name+" of the file", values))
		}
	})
	return errors.Join(errs...)
}

func assign(flags *pflag.FlagSet, f *pflag.Flag, where string, values []string) error {
	for _, v := range values {
		if err := flags.Set(f.Name, v); err != nil {
			return usagef("%s: %w", where, err)
		}
	}
	return nil
}

// repeats reports whether an option may be given several times.
func repeats(f *pflag.Flag) bool { return f.Value.Type() == listType }

// listType is what the library calls the type of options that may be given several times.
const listType = "stringArray"

func split(f *pflag.Flag, value string) []string {
	if repeats(f) {
		return strings.Fields(value)
	}
	return []string{value}
}

// readFile reads the options of the file that --config names.
func readFile(flags *pflag.FlagSet) (map[string][]string, error) {
	path := flags.Lookup("config").Value.String()
	if path == "" {
		return nil, nil
	}
	content := map[string]any{}
	if _, err := toml.DecodeFile(path, &content); err != nil {
		return nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
	all, known := map[string][]string{}, pflag.NewFlagSet("", pflag.ContinueOnError)
	(&runOptions{}).flags(known)
	for name, value := range content {
		f := flags.Lookup(name)
		if f == nil && known.Lookup(name) != nil {
			continue // one file serves all commands
		}
		switch {
		case name == "config":
			return nil, usagef("%s: config is given in its own file", path)
		case f == nil || name == "help":
			return nil, usagef("%s: there is no option %q", path, name)
		}
		list, isList := value.([]any)
		if !isList {
			list = []any{value}
		}
		if isList != repeats(f) {
			return nil, usagef("%s: %s is given once, or as a list: the other is expected", path, name)
		}
		for _, v := range list {
			switch v.(type) {
			case string, bool, int64, float64:
				all[name] = append(all[name], fmt.Sprint(v))
			default:
				return nil, usagef("%s: %s has a value of a kind that no option has", path, name)
			}
		}
	}
	return all, nil
}
