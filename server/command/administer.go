package command

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-73b3884f/parsec-agent/server"
	"github.com/seed-73b3884f/parsec-agent/server/internal/local"
	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
)

// Why a command does nothing.
var (
	errNoServer     = errors.New("there is no server here")
	errNotConfirmed = errors.New("nothing was done: it was not confirmed")
)

// where are the options of commands that administer: those of run, of which most are only read from the file that serves all.
type where struct {
	runOptions

	// configFile is the file of --config, as it was found.
	configFile string
}

// shown are the options of run that matter to people who administer.
var shown = []string{"config", "data-dir", "db", "key-file", "db-max-connections"}

// administers makes a command one that administers: its options, besides those that it has, and what runs before it. Further options of run are shown.
func (p *Program) administers(cmd *cobra.Command, w *where, run func(ctx context.Context, args []string) error, further ...string) *cobra.Command {
	own := cmd.Flags()
	runs := pflag.NewFlagSet("run", pflag.ContinueOnError)
	w.flags(runs)
	runs.VisitAll(func(f *pflag.Flag) {
		f.Hidden = f.Hidden || !slices.Contains(shown, f.Name) && !slices.Contains(further, f.Name)
	})
	own.AddFlagSet(runs)
	own.BoolVar(&p.json, "json", false, "print the result, and errors, as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := settle(own, p.Getenv); err != nil {
			return err
		}
		w.configFile = own.Lookup("config").Value.String()
		return run(cmd.Context(), args)
	}
	return cmd
}

// caller asks the administration: of this process, or of the server that has the database.
type caller struct {
	client *http.Client
	close  func() error
}

// log is what commands say that is no result.
func (p *Program) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(p.Err, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// look finds the database that a server made.
func (p *Program) look(w *where) error {
	if w.db == mocked {
		return usagef("--db %s: that database goes with its process", mocked)
	}
	if _, err := w.place(p.Getenv); err != nil {
		return err
	}
	for _, path := range []string{store.File(w.db), w.keyFile} {
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return advise(fmt.Errorf("%w: %s does not exist", errNoServer, path), "name its place with --data-dir or --config, or start it once with parsec-server run")
		} else if err != nil {
			return fmt.Errorf("cannot use %s: %w", path, err)
		}
	}
	return nil
}

// open opens the database, or finds the server that has it.
func (p *Program) open(ctx context.Context, w *where) (*caller, error) {
	if err := p.look(w); err != nil {
		return nil, err
	}
	key, err := secrets.OpenFile(w.keyFile)
	if err != nil {
		return nil, err
	}
	config, err := w.config()
	if err != nil {
		return nil, err
	}
	a, err := server.OpenAdministration(ctx, server.AdministrationOptions{
		Store: w.db, MaxConnections: w.connections, Key: key, Rules: config, Who: "a command of uid " + strconv.Itoa(os.Getuid()), Log: p.log(),
	})
	if errors.Is(err, store.ErrTaken) {
		return p.dial(ctx, store.File(w.db))
	}
	if errors.Is(err, store.ErrPending) {
		err = advise(err, "parsec-server migrate, or a restart of the server")
	}
	if err != nil {
		return nil, err
	}
	return &caller{&http.Client{Transport: inside{a.Handler()}}, a.Close}, nil
}

// dial finds the server that has a file.
func (p *Program) dial(ctx context.Context, file string) (*caller, error) {
	c, err := local.Dial(ctx, file)
	if err != nil {
		return nil, advise(fmt.Errorf("%w: a process has the database %s, and does not listen to commands: %w", store.ErrUnavailable, file, err),
			"wait until it serves, or stop it")
	}
	if err := c.Close(); err != nil {
		return nil, err
	}
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return local.Dial(ctx, file) }}
	return &caller{&http.Client{Transport: t}, func() error { t.CloseIdleConnections(); return nil }}, nil
}

// inside sends requests to a handler of this process.
type inside struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (i inside) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	a := &answer{header: http.Header{}, status: http.StatusOK}
	i.handler.ServeHTTP(a, r)
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(&a.body), Request: r}, nil
}

// answer is what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

// maxAnswer bounds what is read of an answer.
const maxAnswer = 256 << 20

// ask sends a request of the administration API and reads its answer.
func (c *caller) ask(ctx context.Context, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if body == nil {
		text = nil
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://server/administration"+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	a, err := c.client.Do(r)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer func() { _ = a.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(a.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if a.StatusCode != http.StatusOK {
		return refusalOf(a.StatusCode, answer)
	}
	return json.Unmarshal(answer, into)
}

// refusalOf reads why something was not done.
func refusalOf(status int, text []byte) error {
	why := struct{ Detail json.RawMessage }{}
	_ = json.Unmarshal(text, &why) // what cannot be read is shown as it is
	detail := ""
	if json.Unmarshal(why.Detail, &detail) != nil {
		detail = string(why.Detail)
	}
	if detail == "" {
		detail = fmt.Sprintf("the server answered with status %d", status)
	}
	return &answerError{status, detail}
}

// asking is a command that asks once, and reads the answer.
func asking[A any](ctx context.Context, p *Program, w *where, method, path string, body any) (a A, err error) {
	c, err := p.open(ctx, w)
	if err != nil {
		return a, err
	}
	err = c.ask(ctx, method, path, body, &a)
	return a, errors.Join(err, c.close())
}

// inOrganization is the path of an organisation, or of what is below it.
func inOrganization(name string, below ...string) string {
	parts := []string{"/organizations", url.PathEscape(name)}
	for _, b := range below {
		parts = append(parts, url.PathEscape(b))
	}
	return strings.Join(parts, "/")
}

// sure has somebody who wants to remove something say its name.
func (p *Program) sure(yes bool, what, name string) error {
	if yes {
		return nil
	}
	_, _ = fmt.Fprintf(p.Err, "%s cannot be undone. Type %s to go on: ", what, name)
	if p.In == nil {
		p.In = strings.NewReader("")
	}
	line, err := bufio.NewReader(io.LimitReader(p.In, maxLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(line) != name {
		return advise(errNotConfirmed, "type the name when asked, or give --yes")
	}
	return nil
}

// maxLine is more than a name has.
const maxLine = 4096
