package ctl

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
)

// answers say where the answers to a work's questions come from: options first, then a descriptor, or else the terminal.
type answers struct {
	fd          int // below 0: the terminal
	from        passwords
	certificate string
	details     client.Details

	lines chan scripted // what was read from fd
	start sync.Once
	spent bool // the protection of the options was given
}

// scripted is a line with an answer.
type scripted struct {
	Step    uint32       `json:"step"` // 0: whatever is asked
	Greeter *string      `json:"greeter,omitempty"`
	Code    string       `json:"code,omitempty"`
	None    bool         `json:"none,omitempty"`
	Yes     *bool        `json:"yes,omitempty"`
	Details *detailsView `json:"details,omitempty"`

	err error
}

func (a *answers) flags(cmd *cobra.Command) {
	a.fd = -1
	cmd.Flags().IntVar(&a.fd, "answers-fd", -1, "read answers from file `descriptor` N, each a line of JSON")
}

// protectionFlags are those of commands that may make a device.
func (a *answers) protectionFlags(cmd *cobra.Command) {
	a.from.flags(cmd, "password of the new device")
	cmd.Flags().StringVar(&a.certificate, "certificate", "", "protect the new device by the certificate beside your `KEY`")
}

// detailFlags are those of commands that say who somebody is.
func (a *answers) detailFlags(cmd *cobra.Command, person bool) {
	if person {
		cmd.Flags().StringVar(&a.details.Name, "name", "", "your `name`, as others see it")
		cmd.Flags().StringVar(&a.details.Email, "email", "", "your e-mail `address`")
	}
	cmd.Flags().StringVar(&a.details.Label, "label", "", "what this device is called, as others see it; default: the name of the machine")
}

// withLabel fills in what this machine is called.
func (a *answers) withLabel() client.Details {
	d := a.details
	if d.Label == "" {
		name, _ := os.Hostname() // a person corrects what is missing
		d.Label, _, _ = strings.Cut(name, ".")
	}
	return d
}

// again reports whether an answer that was not taken is asked for once more: on the terminal it is.
func (a *answers) again(error) bool { return a.fd < 0 }

// answer answers a question, nil if it needs no answer.
func (a *answers) answer(ctx context.Context, t *attendance, q *client.Question) (*client.WorkAnswer, error) {
	if given, err := a.prepared(ctx, t, q); given != nil || err != nil {
		return given, err
	}
	if a.fd < 0 {
		given, err := t.person(ctx, q)
		return given, noTerminal(err, "the answer to: "+q.Text, "--answers-fd")
	}
	if q.Kind == "say-code" {
		return nil, nil //nolint:nilnil // the script has read what to say
	}
	return a.script(ctx, q)
}

// prepared answers by the options, once: what did not do is not said again.
func (a *answers) prepared(ctx context.Context, t *attendance, q *client.Question) (*client.WorkAnswer, error) {
	given := &client.WorkAnswer{}
	switch {
	case q.Kind == "give-secret" && !q.Protection.NeedsPassword():
		return given, nil
	case q.Kind == "give-secret" && a.from.given():
	case q.Kind == "choose-protection" && (a.from.given() || t.global.provider != "" || a.certificate != ""):
		given.Provider, given.CertificateKey = t.global.provider, a.certificate
	default:
		return nil, nil //nolint:nilnil // no answer is prepared
	}
	if a.spent && q.Wrong != "" {
		return nil, fmt.Errorf("the protection of the new device: %s", q.Wrong)
	}
	a.spent = true
	if a.from.given() {
		var err error
		if given.Password, err = t.password(ctx, a.from, "", false); err != nil {
			return nil, err
		}
	}
	return given, nil
}

// script waits for the line that answers a question.
func (a *answers) script(ctx context.Context, q *client.Question) (*client.WorkAnswer, error) {
	a.start.Do(func() {
		a.lines = make(chan scripted)
		go a.read()
	})
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case s, more := <-a.lines:
			switch {
			case !more:
				return nil, fmt.Errorf("%w, and the work asks: %s", errNoAnswer, q.Text)
			case s.err != nil:
				return nil, s.err
			case s.Step != 0 && s.Step != q.Step:
				continue // about a question that is gone
			}
			return s.answer(), nil
		}
	}
}

func (s *scripted) answer() *client.WorkAnswer {
	given := &client.WorkAnswer{Code: s.Code, None: s.None}
	if s.Greeter != nil {
		given.Greeter = *s.Greeter
	}
	if s.Yes != nil {
		given.Yes, given.No = *s.Yes, !*s.Yes
	}
	if s.Details != nil {
		d := client.Details(*s.Details)
		given.Details = &d
	}
	return given
}

// maxAnswer bounds a line with an answer, in bytes.
const maxAnswer = 64 << 10

// read reads answers until the descriptor ends, at the latest with the program.
func (a *answers) read() {
	defer close(a.lines)
	f := os.NewFile(uintptr(a.fd), "answers")
	if f == nil {
		a.lines <- scripted{err: usagef("%d is no file descriptor", a.fd)}
		return
	}
	in := bufio.NewScanner(f)
	in.Buffer(make([]byte, 4096), maxAnswer)
	for in.Scan() {
		if len(bytes.TrimSpace(in.Bytes())) == 0 {
			continue
		}
		a.lines <- parseAnswer(in.Bytes())
	}
	if err := in.Err(); err != nil {
		a.lines <- scripted{err: fmt.Errorf("cannot read an answer from descriptor %d: %w", a.fd, err)}
	}
}

// parseAnswer reads a line.
func parseAnswer(line []byte) (s scripted) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	err := d.Decode(&s)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("something follows it")
		}
	}
	if err != nil {
		return scripted{err: usagef("an answer is not understood: %v; the fields are step, greeter, code, none, yes and details", err)}
	}
	return s
}
