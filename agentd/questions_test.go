package agentd

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/internal/works"
	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func label(t *testing.T, s string) trust.DeviceLabel {
	t.Helper()
	l, err := trust.NewDeviceLabel(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestAnswers: a question takes the answers that go with it and no others, and none is taken for another.
func TestAnswers(t *testing.T) {
	user := trust.NewUserID()
	human, err := trust.NewHumanHandle("bob@example.com", "Bob")
	if err != nil {
		t.Fatal(err)
	}
	person := enrol.Correct{Side: enrol.SideGreeter, Details: enrol.Details{Human: &human, Label: label(t, "desk"), Profile: trust.Standard}}
	device := enrol.Correct{Side: enrol.SideClaimer, Details: enrol.Details{Label: label(t, "desk")}}
	codes := enrol.ChooseCode{Codes: []trust.SASCode{"AAAA", "BBBB"}}
	full := &agentpb.Details{Name: "Robert", Email: "r@example.com", Label: "d", Profile: "ADMIN"}
	for what, c := range map[string]struct {
		q    enrol.Question
		m    *agentpb.Answer
		good bool
	}{
		"a code":                {codes, &agentpb.Answer{Code: "BBBB"}, true},
		"none of these":         {codes, &agentpb.Answer{None: true}, true},
		"another code":          {codes, &agentpb.Answer{Code: "CCCC"}, false},
		"no code":               {codes, &agentpb.Answer{}, false},
		"a code and none":       {codes, &agentpb.Answer{Code: "AAAA", None: true}, false},
		"yes to a code":         {codes, &agentpb.Answer{Yes: true}, false},
		"any greeter":           {enrol.ChooseGreeter{Greeters: []enrol.Peer{{User: user}}}, &agentpb.Answer{}, true},
		"a greeter":             {enrol.ChooseGreeter{Greeters: []enrol.Peer{{User: user}}}, &agentpb.Answer{Greeter: user.String()}, true},
		"another greeter":       {enrol.ChooseGreeter{Greeters: []enrol.Peer{{User: user}}}, &agentpb.Answer{Greeter: trust.NewUserID().String()}, false},
		"said":                  {enrol.SayCode{Code: "AAAA"}, &agentpb.Answer{}, true},
		"a person":              {person, &agentpb.Answer{Details: full}, true},
		"nobody":                {person, &agentpb.Answer{}, false},
		"a person without mail": {person, &agentpb.Answer{Details: &agentpb.Details{Name: "R", Label: "d", Profile: "ADMIN"}}, false},
		"no such profile":       {person, &agentpb.Answer{Details: &agentpb.Details{Name: "R", Email: "r@example.com", Label: "d", Profile: "KING"}}, false},
		"a device":              {device, &agentpb.Answer{Details: &agentpb.Details{Label: "d"}}, true},
		"a nameless device":     {device, &agentpb.Answer{Details: &agentpb.Details{}}, false},
		"a password":            {enrol.ChooseProtection{}, &agentpb.Answer{Password: []byte("p")}, true},
		"a provider":            {enrol.ChooseProtection{}, &agentpb.Answer{ProviderName: "tpm"}, true},
		"no protection":         {enrol.ChooseProtection{}, &agentpb.Answer{Yes: true}, false},
		"a secret":              {enrol.GiveSecret{}, &agentpb.Answer{Password: []byte("p")}, true},
		"yes":                   {enrol.Confirm{}, &agentpb.Answer{Yes: true}, true},
		"no":                    {enrol.Confirm{}, &agentpb.Answer{No: true}, true},
		"neither":               {enrol.Confirm{}, &agentpb.Answer{}, false},
	} {
		a, err := answerTo(c.q, works.Given{Answer: c.m})
		if (err == nil) != c.good || err == nil && a == nil || err != nil && wire.StatusOf(err) != wire.StatusInvalidArgument {
			t.Errorf("%s: %v, %v", what, a, err)
		}
		if m := questionMessage(c.q); m.GetText() == "" && m.GetKind() != string(enrol.KindConfirm) || m.GetKind() != string(c.q.Kind()) {
			t.Errorf("%s: the question is %v", what, m)
		}
	}
}

// TestPasswordsAreCopied: what a request is wiped of stays with the flow.
func TestPasswordsAreCopied(t *testing.T) {
	given := []byte("secret")
	a, err := answerTo(enrol.GiveSecret{}, works.Given{Answer: &agentpb.Answer{Password: given}})
	if err != nil {
		t.Fatal(err)
	}
	clear(given)
	if s, ok := a.(enrol.Secret); !ok || string(s.Password) != "secret" {
		t.Errorf("%T", a)
	}
}

// TestPresets: what was said beforehand is not asked for, once; a greeter is always asked.
func TestPresets(t *testing.T) {
	invited, err := trust.NewEmailAddress("bob@example.com")
	if err != nil {
		t.Fatal(err)
	}
	q := enrol.Correct{Side: enrol.SideClaimer, Details: enrol.Details{Human: &trust.HumanHandle{Email: invited}}}
	p := &asked{preset: &agentpb.Details{Name: "Bob", Label: "desk"}}
	got, complete := p.prepare(q)
	d := got.(enrol.Correct).Details //nolint:errcheck,forcetypeassert // a test
	if !complete || d.Human.Label.String() != "Bob" || d.Human.Email != invited || d.Label.String() != "desk" {
		t.Errorf("%v, %v", got, complete)
	}
	if _, complete := p.prepare(q); complete {
		t.Error("what was said is said again")
	}
	p = &asked{preset: &agentpb.Details{Label: "desk"}}
	got, complete = p.prepare(q)
	if d := got.(enrol.Correct).Details; complete || d.Label.String() != "desk" || q.Details.Human.Label.String() != "" { //nolint:errcheck,forcetypeassert // a test
		t.Errorf("%v, %v", got, complete)
	}
	p = &asked{preset: &agentpb.Details{Name: "X", Email: "x@example.com", Label: "x", Profile: "ADMIN"}}
	human := trust.HumanHandle{Email: invited}
	got, complete = p.prepare(enrol.Correct{Side: enrol.SideGreeter, Details: enrol.Details{Human: &human, Label: label(t, "desk"), Profile: trust.Standard}})
	if d := got.(enrol.Correct).Details; complete || d.Profile != trust.Admin || d.Label.String() != "desk" { //nolint:errcheck,forcetypeassert // a test
		t.Errorf("%v, %v", got, complete)
	}
}
