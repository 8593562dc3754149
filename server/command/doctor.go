package command

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Severities of findings, as those of parsecctl doctor.
const (
	fine    = "ok"
	note    = "note"
	warning = "warning"
	serious = "error"
)

// finding is something that doctor saw.
type finding struct {
	Severity string `json:"severity"`
	Area     string `json:"area"`
	Object   string `json:"object,omitempty"`
	Problem  string `json:"problem"`
	Remedy   string `json:"remedy,omitempty"`
}

// examination is a run of doctor.
type examination struct {
	p     *Program
	w     *where
	found []finding
}

func (x *examination) add(severity, area, object, remedy, format string, args ...any) {
	x.found = append(x.found, finding{severity, area, object, fmt.Sprintf(format, args...), remedy})
}

func (x *examination) count(severity string) (n int) {
	for _, f := range x.found {
		if f.Severity == severity {
			n++
		}
	}
	return n
}

func (p *Program) doctor() *cobra.Command {
	w := &where{}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine the server and what it stands on",
		Long: `Looks at the configuration, the files, the database and its schema, the block store, the disk, the clock, the certificate of TLS, mail, and the
server itself, and says what is wrong and what to do about it. Nothing is changed; the server may run. The exit status is 1 when something
is wrong that keeps the server from serving, or soon will.`,
		Example: "  parsec-server doctor\n  parsec-server doctor --json",
		Args:    noArguments,
	}
	return p.administers(cmd, w, func(ctx context.Context, _ []string) error {
		x := &examination{p: p, w: w}
		x.examine(ctx)
		err := p.emit(map[string][]finding{"findings": x.found}, x.print)
		if err == nil && x.count(serious) > 0 {
			err = &answered{exitFailed}
		}
		return err
	}, "blockstore", "server-addr")
}

// examine goes from what everything stands on to what stands on it.
func (x *examination) examine(ctx context.Context) {
	x.clock()
	if x.configuration() && x.places() {
		x.database(ctx)
	}
	x.certificate()
	x.mail()
	x.serving(ctx)
}

// configuration looks at what needs no file, and reports whether the others can be looked at.
func (x *examination) configuration() bool {
	const area = "configuration"
	if x.w.db == mocked {
		x.add(serious, area, "--db "+mocked, "use sqlite:PATH or postgresql://…", "that database goes with its process")
		return false
	}
	_, err := x.w.config()
	_, limits := x.w.limits()
	if err = errors.Join(err, limits, x.w.unused()); err != nil {
		x.add(serious, area, x.file(), "parsec-server run --help", "%v", err)
		return false
	}
	x.add(fine, area, x.file(), "", "can be meant")
	if at, err := x.w.links(); err != nil {
		x.add(warning, area, "server-addr", "give the address that clients use: server-addr = \"parsec3://HOST\"", "%v", err)
	} else if x.w.serverAddr == "" {
		x.add(note, area, "server-addr", "give the address that clients use: server-addr = \"parsec3://HOST\"", "links have the address %s", at)
	}
	return true
}

// file is where the configuration is from.
func (x *examination) file() string {
	if path := x.w.configFile; path != "" {
		return path
	}
	return "options and environment"
}

// print writes the findings for people.
func (x *examination) print(w io.Writer) {
	for _, f := range x.found {
		line := f.Area + ": "
		if f.Object != "" {
			line += f.Object + ": "
		}
		_, _ = fmt.Fprintf(w, "%-8s%s\n", f.Severity, printable(line+f.Problem))
		if f.Remedy != "" && f.Severity != fine {
			_, _ = fmt.Fprintf(w, "%8s%s\n", "", printable("try: "+f.Remedy))
		}
	}
	errs, warnings := x.count(serious), x.count(warning)
	if errs+warnings == 0 {
		_, _ = fmt.Fprintln(w, "all is well")
		return
	}
	_, _ = fmt.Fprintf(w, "%d errors, %d warnings\n", errs, warnings)
}
