package host

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/agentd/internal/journal"
)

// Exit statuses of the program.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

const usage = `parsec-agentd: the agent that keeps keys and uses them for applications

usage: parsec-agentd [-c FILE] [--user] [--allow-root]
       parsec-agentd --check-config [-c FILE] [--user]
       parsec-agentd --drop-ins DIR | --check-empty [-c FILE]
       parsec-agentd --version | --help

  -c, --config FILE  configuration (default /etc/parsec/config.toml; with --user
                     $XDG_CONFIG_HOME/parsec/config.toml; without that file the defaults)
      --user         an agent of one's own: state and socket in one's own directories
      --allow-root   run as root, as in a container
      --check-config check the configuration, print what is odd, and end
      --drop-ins DIR write to DIR what the units parsec.service and parsec.socket
                     must allow for this configuration, and end
      --check-empty  succeed if this configuration holds no key, and end; the agent
                     must not run
      --version      print the version and end
      --help         print this and end

SIGHUP reloads the configuration, SIGTERM and SIGINT end the agent.
Exit status: 0 done, 1 failed, 2 usage.
`

// command is a parsed command line.
type command struct {
	Options
	check, version, help, empty bool
	dropIns                     string
}

// parseCommand reads the arguments without the program's name.
func parseCommand(args []string) (command, error) {
	var c command
	flags := flag.NewFlagSet("parsec-agentd", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	for _, name := range []string{"c", "config"} {
		flags.StringVar(&c.ConfigPath, name, "", "")
	}
	flags.BoolVar(&c.UserMode, "user", false, "")
	flags.BoolVar(&c.AllowRoot, "allow-root", false, "")
	flags.BoolVar(&c.check, "check-config", false, "")
	flags.BoolVar(&c.empty, "check-empty", false, "")
	flags.StringVar(&c.dropIns, "drop-ins", "", "")
	for _, name := range []string{"V", "version"} {
		flags.BoolVar(&c.version, name, false, "")
	}
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		c.help = true
		return c, nil
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return c, err
}

// Main runs the program with its arguments (without its name) and returns its exit status.
func Main(ctx context.Context, args []string, version string, stdout io.Writer, stderr *os.File) int {
	c, err := parseCommand(args)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "parsec-agentd: %v; see parsec-agentd --help\n", err)
		return exitUsage
	}
	c.Version, c.Stderr = version, stderr
	switch {
	case c.help:
		_, err = io.WriteString(stdout, usage)
	case c.version:
		_, err = fmt.Fprintln(stdout, "parsec-agentd", version)
	case c.dropIns != "":
		err = writeDropIns(c.Options, c.dropIns)
	case c.empty:
		err = checkEmpty(ctx, c.Options)
	case c.check:
		err = check(c.Options, stdout)
	default:
		err = Run(ctx, c.Options)
	}
	if err != nil {
		log := journal.New(journal.Options{Writer: stderr, Format: journal.Detect(stderr, os.Getenv)})
		_ = log.Fatal(err)
		return exitFailed
	}
	return exitDone
}

// check is --check-config.
func check(o Options, out io.Writer) error {
	layout, err := o.layout()
	if err != nil {
		return err
	}
	cfg, warnings, err := load(o.ConfigPath, layout)
	for _, w := range warnings {
		_, _ = fmt.Fprintln(out, "warning:", w)
	}
	if err != nil {
		return err
	}
	defer cfg.WipeSecrets()
	_, err = fmt.Fprintf(out, "%s: valid, %d warnings\n", cfg, len(warnings))
	return err
}

// layout is where the agent of these options keeps its things.
func (o Options) layout() (config.Layout, error) {
	if o.UserMode {
		return config.CurrentUserLayout()
	}
	return config.SystemLayout(), nil
}

// load reads the named configuration, else the layout's file, else returns the defaults.
func load(path string, l config.Layout) (*config.Config, []config.Warning, error) {
	if path != "" {
		return config.Load(path, l)
	}
	cfg, warnings, err := config.Load(l.ConfigFile, l)
	if errors.Is(err, os.ErrNotExist) {
		return config.Default(l), nil, nil
	}
	return cfg, warnings, err
}
