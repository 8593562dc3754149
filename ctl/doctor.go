package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// findingView is an entry of the JSON result of doctor.
type findingView struct {
	Severity string `json:"severity"`
	Area     string `json:"area"`
	Object   string `json:"object,omitempty"`
	Problem  string `json:"problem"`
	Remedy   string `json:"remedy,omitempty"`
}

func (p *Program) doctor() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Examine the way to the service and the service itself",
		Long: `Examine the socket, who answers on it, authentication, and then what a parsec-agent
finds when it examines itself: providers, stores, lost or orphaned keys. Every finding
comes with what to do about it. The exit status is 1 when an error was found.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			x := &examination{}
			if err := x.run(cmd.Context(), p.options()); err != nil {
				return err
			}
			err := p.emit(map[string]any{"findings": x.found, "errors": x.count(client.SeverityError)}, x.print)
			if err == nil && x.count(client.SeverityError) > 0 {
				err = &answered{ExitFailed}
			}
			return err
		},
	}
}

// examination collects findings.
type examination struct{ found []findingView }

func (x *examination) add(severity client.Severity, area, object, remedy, format string, args ...any) {
	x.found = append(x.found, findingView{string(severity), area, object, fmt.Sprintf(format, args...), remedy})
}

func (x *examination) count(severity client.Severity) (n int) {
	for _, f := range x.found {
		if f.Severity == string(severity) {
			n++
		}
	}
	return n
}

func (x *examination) run(ctx context.Context, opts client.Options) error {
	ends, err := client.Endpoints(opts.Endpoint, os.Getenv)
	if err != nil {
		return err
	}
	for i, end := range ends {
		x.socket(end, i == len(ends)-1 && !x.has(client.SeverityOK))
	}
	c, err := client.Dial(ctx, opts)
	if err != nil {
		x.add(client.SeverityError, "connection", "", remedy(err), "%v", err)
		return nil
	}
	defer c.Close()
	x.service(ctx, c)
	return nil
}

func (x *examination) has(severity client.Severity) bool { return x.count(severity) > 0 }

// socket looks at a socket without using it. One that is not the last hope may be absent.
func (x *examination) socket(end client.Endpoint, last bool) {
	const area = "socket"
	info, err := os.Stat(end.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !last && end.Origin == client.OriginUser:
		x.add(client.SeverityNote, area, end.Path, "parsec-agentd --user starts one", "no agent of your own runs")
	case errors.Is(err, fs.ErrNotExist) && !last:
		x.add(client.SeverityNote, area, end.Path, "", "no agent of the system runs; your own is used")
	case errors.Is(err, fs.ErrNotExist):
		x.add(client.SeverityWarning, area, end.Path, "systemctl start parsec, or parsec-agentd --user", "there is no socket")
	case errors.Is(err, fs.ErrPermission):
		x.add(client.SeverityError, area, end.Path, "let your user search "+filepath.Dir(end.Path), "you may not look into its directory")
	case err != nil:
		x.add(client.SeverityError, area, end.Path, "", "cannot be examined: %v", err)
	case info.Mode().Type() != fs.ModeSocket:
		x.add(client.SeverityError, area, end.Path, "name the socket with --socket or "+client.EndpointVariable, "is not a socket")
	default:
		x.permissions(end, info)
	}
}

// permissions looks at who could take the socket's place.
func (x *examination) permissions(end client.Endpoint, info fs.FileInfo) {
	const area = "socket"
	if syscall.Access(end.Path, 2) != nil {
		x.add(client.SeverityError, area, end.Path, "ask for membership in the group of the socket", "you may not connect to it (mode %v)", info.Mode().Perm())
		return
	}
	dir, err := os.Stat(filepath.Dir(end.Path))
	if err != nil {
		x.add(client.SeverityWarning, area, end.Path, "", "its directory cannot be examined: %v", err)
		return
	}
	if dir.Mode().Perm()&0o022 != 0 && dir.Mode()&fs.ModeSticky == 0 {
		x.add(client.SeverityError, area, end.Path, "chmod go-w "+filepath.Dir(end.Path),
			"others may write to its directory (mode %v) and put a socket of theirs in its place", dir.Mode().Perm())
		return
	}
	owner, okOwner := dir.Sys().(*syscall.Stat_t)
	sock, okSock := info.Sys().(*syscall.Stat_t)
	if okOwner && okSock && end.Origin == client.OriginUser && (int(sock.Uid) != os.Getuid() || int(owner.Uid) != os.Getuid()) {
		x.add(client.SeverityError, area, end.Path, "remove it and start your own agent", "belongs to another user")
		return
	}
	x.add(client.SeverityOK, area, end.Path, "", "is there and may be used (%s)", end.Origin)
}

// service asks the service that answers.
func (x *examination) service(ctx context.Context, c *client.Client) {
	path := c.Endpoint().Path
	v, err := c.Ping(ctx)
	if err != nil {
		x.add(client.SeverityError, "connection", path, remedy(err), "%v", err)
		return
	}
	x.add(client.SeverityOK, "connection", path, "", "the service answers, protocol %d.%d", v.Major, v.Minor)
	if c.Persistent() {
		x.add(client.SeverityOK, "connection", path, "", "the service is a parsec-agent: connections are kept, errors are explained")
	} else {
		x.add(client.SeverityNote, "connection", path, "install parsec-agent in its place: keys and clients stay as they are",
			"the service is the original: one connection per request, errors without detail")
	}
	x.authentication(ctx, c)
	if !c.Persistent() {
		return
	}
	found, err := c.Doctor(ctx)
	if err != nil {
		x.add(client.SeverityError, "agent", path, remedy(err), "cannot examine itself: %v", err)
	}
	for _, f := range found {
		x.found = append(x.found, findingView{string(f.Severity), f.Area, f.Object, f.Problem, f.Remedy})
	}
}

func (x *examination) authentication(ctx context.Context, c *client.Client) {
	const area = "authentication"
	kind, err := c.AuthType(ctx)
	if err != nil {
		x.add(client.SeverityError, area, "", remedy(err), "%v", err)
		return
	}
	keys, err := c.Keys(ctx)
	switch {
	case err == nil:
		x.add(client.SeverityOK, area, kind.String(), "", "works; you have %s", counted(len(keys), "key"))
	case wire.StatusOf(err) == wire.StatusAuthenticationError:
		x.add(client.SeverityError, area, kind.String(), "run without set-uid and outside of user namespaces", "the service does not accept who you say you are: %v", err)
	default:
		x.add(client.SeverityError, area, kind.String(), remedy(err), "your keys cannot be listed: %v", err)
	}
}

func (x *examination) print(w io.Writer) {
	for _, f := range x.found {
		line := f.Area + ": "
		if f.Object != "" {
			line += f.Object + ": "
		}
		fmt.Fprintf(w, "%-8s%s\n", f.Severity, printable(line+f.Problem))
		if f.Remedy != "" && f.Severity != string(client.SeverityOK) {
			fmt.Fprintf(w, "%8s%s\n", "", printable("try: "+f.Remedy))
		}
	}
	errs, warnings := x.count(client.SeverityError), x.count(client.SeverityWarning)
	if errs+warnings == 0 {
		fmt.Fprintln(w, "all is well")
		return
	}
	fmt.Fprintf(w, "%s, %s\n", counted(errs, "error"), counted(warnings, "warning"))
}
