package tool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// version is that of the tool whose place is taken.
const version = "0.7.0"

// Env is what a run of the tool depends on.
type Env struct {
	Out, Err io.Writer
	Getenv   func(string) string
}

// run is one run of the tool.
type run struct {
	Env
	log    logger
	args   *parsed
	client *client.Client
}

// Run runs the tool with the arguments after its name and returns the exit status.
func Run(ctx context.Context, args []string, env Env) int {
	log := newLogger(env.Err, env.Getenv("RUST_LOG"))
	p, err := parse(args)
	switch e, ok := errors.AsType[*shown](err); {
	case ok && e.failed:
		fmt.Fprint(env.Err, e.text)
		return 1
	case ok:
		fmt.Fprint(env.Out, e.text)
		return 0
	}
	r := &run{Env: env, log: log, args: p}
	if err := r.run(ctx); err != nil {
		log.error("parsec_tool", "%v", err)
		return 1
	}
	return 0
}

// run connects and runs the subcommand.
func (r *run) run(ctx context.Context) error {
	c, err := client.Dial(ctx, client.Options{Timeout: r.timeout(), OneShot: true})
	if err != nil {
		return r.connecting(err)
	}
	defer c.Close()
	r.client = c
	if id, ok := r.args.number("provider", globals); ok {
		if !wire.ProviderID(id).Known() { //nolint:gosec // parsed with eight bits
			return errors.New("no provider has the number that was given")
		}
		r.client = c.WithProvider(wire.ProviderID(id)) //nolint:gosec // as above
	}
	err = r.args.command.run(ctx, r)
	if core := r.args.values["provider"]; errors.Is(err, wire.StatusNotSupported) && len(core) > 0 {
		if id, _ := r.args.number("provider", globals); id == uint64(wire.ProviderCore) {
			err = errCore
		}
	}
	if err != nil {
		return failed(explain(err))
	}
	return nil
}

func (r *run) timeout() time.Duration {
	switch seconds, ok := r.args.number("timeout", globals); {
	case !ok:
		return 0
	case seconds == 0 || seconds > uint64(maxSeconds):
		return -1
	default:
		return time.Duration(seconds) * time.Second
	}
}

// maxSeconds is the longest timeout that a Duration holds.
const maxSeconds = int64(1<<63-1) / int64(time.Second)

// connecting is the error of a service that cannot be reached. Subcommands that need no
// set-up report it as their own.
func (r *run) connecting(err error) error {
	if e, ok := errors.AsType[*client.EndpointError](err); ok {
		return spinning(e.Error())
	}
	if errors.Is(err, os.ErrNotExist) || !r.args.command.bare {
		return spinning(osText(err))
	}
	return failed(explain(err))
}

// logger writes lines as the original's logger does.
type logger struct {
	out  io.Writer
	info bool
	errs bool
}

// newLogger reads the level from RUST_LOG: a level alone, or for this program.
func newLogger(out io.Writer, filter string) logger {
	level := "info"
	for _, part := range splitList(filter) {
		if name, value, ok := cutLast(part, "="); !ok {
			level = part
		} else if name == "parsec_tool" {
			level = value
		}
	}
	switch level {
	case "off":
		return logger{out: out}
	case "error", "warn":
		return logger{out: out, errs: true}
	default:
		return logger{out: out, info: true, errs: true}
	}
}

func (l logger) error(target, format string, args ...any) {
	if l.errs {
		l.line("ERROR", target, format, args...)
	}
}

// line writes one line; text of several lines is indented as the original's logger does.
func (l logger) line(level, target, format string, args ...any) {
	text := indent(fmt.Sprintf(format, args...))
	fmt.Fprintf(l.out, "[%s %s] %s\n", level, target, text)
}

// number returns the value of a numeric option, which was checked when it was read.
func (p *parsed) number(name string, of []option) (uint64, bool) {
	v, ok := p.values[name]
	if !ok || findLong(of, name) == nil {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(v[0], "+"), 10, 64)
	return n, err == nil
}
