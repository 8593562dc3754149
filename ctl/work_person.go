package ctl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// person asks the person at the terminal.
func (t *attendance) person(ctx context.Context, q *client.Question) (*client.WorkAnswer, error) {
	heading := q.Text
	if q.Wrong != "" {
		heading = "That did not do: " + q.Wrong + "\n" + heading
	}
	switch q.Kind {
	case "say-code":
		return nil, terminal.Show(printableLines(heading) + "\n\n    " + spaced(q.Code) + "\n    " + printable(spell(q.Code)) + "\n")
	case "choose-code":
		return t.chooseCode(ctx, heading, q.Codes)
	case "choose-greeter":
		return t.chooseGreeter(ctx, heading, q.Greeters)
	case "correct":
		return t.correct(ctx, heading, q)
	case "choose-protection":
		return t.chooseProtection(ctx, heading, q)
	case "give-secret":
		return t.giveSecret(ctx, heading, q)
	case "confirm":
		return t.confirmMatter(ctx, heading)
	default:
		return nil, fmt.Errorf("this program does not know how to ask %q: take one that is as new as the agent", q.Kind)
	}
}

// printableLines makes text of others harmless, and keeps its lines.
func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = printable(l)
	}
	return strings.Join(lines, "\n")
}

// spaced is a code as it is read aloud.
func spaced(code string) string { return strings.Join(strings.Split(printable(code), ""), " ") }

// spelling says letters so that nobody mistakes them on a bad line.
var spelling = [26]string{
	"Alfa", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "India", "Juliett", "Kilo", "Lima", "Mike",
	"November", "Oscar", "Papa", "Quebec", "Romeo", "Sierra", "Tango", "Uniform", "Victor", "Whiskey", "X-ray", "Yankee", "Zulu",
}

func spell(code string) string {
	var words []string
	for _, c := range code {
		if c >= 'A' && c <= 'Z' {
			words = append(words, spelling[c-'A'])
			continue
		}
		words = append(words, string(c))
	}
	return strings.Join(words, " ")
}

// menu asks for one of several lines, by its number; 0 is the last one that is offered beside them.
func menu(ctx context.Context, heading string, lines []string, zero string) (int, error) {
	var b strings.Builder
	b.WriteString(printableLines(heading) + "\n\n")
	for i, l := range lines {
		fmt.Fprintf(&b, "  %d  %s\n", i+1, printable(l))
	}
	if zero != "" {
		fmt.Fprintf(&b, "  0  %s\n", printable(zero))
	}
	if err := terminal.Show(b.String()); err != nil {
		return 0, err
	}
	for {
		line, err := terminal.Line(ctx, "Number: ")
		if err != nil {
			return 0, err
		}
		n, err := strconv.Atoi(line)
		if at := slices.IndexFunc(lines, func(l string) bool { return strings.EqualFold(l, line) }); at >= 0 {
			n, err = at+1, nil
		}
		if err == nil && n <= len(lines) && (n > 0 || n == 0 && zero != "") {
			return n, nil
		}
		if err := terminal.Show("Type one of the numbers."); err != nil {
			return 0, err
		}
	}
}

func (t *attendance) chooseCode(ctx context.Context, heading string, codes []string) (*client.WorkAnswer, error) {
	n, err := menu(ctx, heading, codes, "none of these")
	switch {
	case err != nil:
		return nil, err
	case n == 0:
		return &client.WorkAnswer{None: true}, nil
	default:
		return &client.WorkAnswer{Code: codes[n-1]}, nil
	}
}

func (t *attendance) chooseGreeter(ctx context.Context, heading string, greeters []client.WorkPeer) (*client.WorkAnswer, error) {
	lines := make([]string, len(greeters))
	for i, g := range greeters {
		lines[i] = fmt.Sprintf("%s <%s>", g.Name, g.Email)
		if !g.Seen.IsZero() {
			lines[i] += ", was there " + g.Seen.Local().Format("2006-01-02 15:04")
		}
	}
	n, err := menu(ctx, heading, lines, "whoever comes first")
	if err != nil || n == 0 {
		return &client.WorkAnswer{}, err
	}
	return &client.WorkAnswer{Greeter: greeters[n-1].User}, nil
}

// profiles are the choices, as they are called here.
var profiles = []string{"ADMIN", "STANDARD", "OUTSIDER"}

// correct shows who somebody is, and asks for what is not right.
func (t *attendance) correct(ctx context.Context, heading string, q *client.Question) (*client.WorkAnswer, error) {
	d, person := q.Details, q.Person
	if err := terminal.Show(printableLines(heading)); err != nil {
		return nil, err
	}
	for first := true; ; first = false {
		if !first || q.Wrong != "" || d.Label == "" || person && (d.Name == "" || d.Email == "") {
			if err := t.fields(ctx, &d, person); err != nil {
				return nil, err
			}
		}
		if err := terminal.Show(describeDetails(d)); err != nil {
			return nil, err
		}
		line, err := terminal.Line(ctx, "Is that right? [y]es, [c]hange, [x] cancel: ")
		if err != nil {
			return nil, err
		}
		switch strings.ToLower(line) {
		case "y", "yes":
			return &client.WorkAnswer{Details: &d}, nil
		case "x", "cancel":
			return nil, t.cancel(ctx)
		}
	}
}

func describeDetails(d client.Details) string {
	var b strings.Builder
	for _, f := range []struct{ name, value string }{{"name", d.Name}, {"e-mail", d.Email}, {"device", d.Label}, {"profile", d.Profile}} {
		if f.value != "" {
			fmt.Fprintf(&b, "  %-8s %s\n", f.name, printable(f.value))
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// fields asks for one detail after the other; an empty line keeps what is there.
func (t *attendance) fields(ctx context.Context, d *client.Details, person bool) error {
	type field struct {
		name  string
		value *string
	}
	list := []field{{"Name of the device", &d.Label}}
	if person {
		list = []field{{"Name", &d.Name}, {"E-mail address", &d.Email}, {"Name of the device", &d.Label}}
	}
	if d.Profile != "" {
		list = append(list, field{"Profile (admin, standard or outsider)", &d.Profile})
	}
	for _, f := range list {
		line, err := terminal.Line(ctx, printable(fmt.Sprintf("%s [%s]: ", f.name, *f.value)))
		if err != nil {
			return err
		}
		if line != "" && f.value == &d.Profile {
			line = strings.ToUpper(line)
		}
		if line != "" {
			*f.value = line
		}
	}
	if d.Profile != "" && !slices.Contains(profiles, d.Profile) {
		return t.fields(ctx, d, person)
	}
	return nil
}

// cancel ends the work, because the person says so in the middle of it.
func (t *attendance) cancel(ctx context.Context) error {
	if _, err := t.c.CancelWork(ctx, t.id, false); err != nil {
		return err
	}
	return advise(fmt.Errorf("nothing was certified"), "begin it again when all is right")
}

func (t *attendance) chooseProtection(ctx context.Context, heading string, q *client.Question) (*client.WorkAnswer, error) {
	providers, err := t.hardware(ctx)
	if err != nil {
		return nil, err
	}
	choices := []string{"by a password"}
	for _, p := range providers {
		choices = append(choices, "by a key of "+p+": the device opens on this machine only, without a password", "by a password and a key of "+p)
	}
	n := 1
	if len(choices) > 1 {
		if n, err = menu(ctx, heading, choices, ""); err != nil {
			return nil, err
		}
	} else if err := terminal.Show(printableLines(heading)); err != nil {
		return nil, err
	}
	given := &client.WorkAnswer{}
	if n > 1 {
		given.Provider = providers[(n-2)/2]
	}
	if n%2 == 1 {
		given.Password, err = newPassword(ctx, "New password of "+q.Organization+"/"+q.Label)
	}
	return given, err
}

// newPassword asks until a password was typed twice.
func newPassword(ctx context.Context, prompt string) ([]byte, error) {
	for {
		password, err := terminal.Passphrase(ctx, printable(prompt), true)
		if !errors.Is(err, terminal.ErrMismatch) {
			return password, err
		}
		if err := terminal.Show("The two differ."); err != nil {
			return nil, err
		}
	}
}

// hardware lists the providers that can bind a device to this machine or a token.
func (t *attendance) hardware(ctx context.Context) ([]string, error) {
	info, err := t.c.Info(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range info.Providers {
		if p.State == "ready" && (p.ID == wire.ProviderTPM || p.ID == wire.ProviderPKCS11) {
			names = append(names, p.Name)
		}
	}
	return names, nil
}

func (t *attendance) giveSecret(ctx context.Context, heading string, q *client.Question) (*client.WorkAnswer, error) {
	given := &client.WorkAnswer{}
	if !q.Protection.NeedsPassword() {
		return given, nil
	}
	if err := terminal.Show(printableLines(heading)); err != nil {
		return nil, err
	}
	var err error
	given.Password, err = terminal.Passphrase(ctx, printable("Password of "+q.Organization+"/"+q.Label), false)
	return given, err
}

func (t *attendance) confirmMatter(ctx context.Context, heading string) (*client.WorkAnswer, error) {
	yes, err := terminal.Confirm(ctx, printableLines(heading))
	return &client.WorkAnswer{Yes: yes, No: !yes}, err
}
