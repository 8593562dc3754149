package agentd

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/agentd/internal/works"
	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// asked is the person of a flow: whoever watches its work.
type asked struct {
	c *works.Conversation
	// preset are details that were said when the work was begun; they are used once.
	preset *agentpb.Details
}

// Ask asks whoever watches, unless the answer was given beforehand.
func (p *asked) Ask(ctx context.Context, q enrol.Question) (enrol.Answer, error) {
	if correct, ok := q.(enrol.Correct); ok {
		var complete bool
		if q, complete = p.prepare(correct); complete {
			return q.(enrol.Correct).Details, nil //nolint:errcheck,forcetypeassert // prepare returns one
		}
	}
	var answer enrol.Answer
	err := p.c.Ask(ctx, questionMessage(q), func(g works.Given) (err error) {
		answer, err = answerTo(q, g)
		return err
	})
	return answer, err
}

// Tell tells whoever watches.
func (p *asked) Tell(_ context.Context, n enrol.Notice) { p.c.Tell(noticeMessage(n)) }

// prepare puts what was said beforehand into a question, and reports whether nothing is left to be asked. A greeter is always asked.
func (p *asked) prepare(q enrol.Correct) (enrol.Question, bool) {
	preset := p.preset
	p.preset = nil
	if preset == nil || q.Wrong != nil {
		return q, false
	}
	if q.Side == enrol.SideGreeter {
		if profile, err := trust.ParseProfile(preset.GetProfile()); err == nil && q.Details.Human != nil {
			q.Details.Profile = profile
		}
		return q, false
	}
	m := detailsMessage(q.Details)
	for into, from := range map[*string]string{&m.Name: preset.GetName(), &m.Email: preset.GetEmail(), &m.Label: preset.GetLabel()} {
		if from != "" {
			*into = from
		}
	}
	d, err := readDetails(m, q.Details)
	if err == nil {
		q.Details = d
		return q, true
	}
	// What is there is shown, as far as it can be read.
	if label, err := trust.NewDeviceLabel(m.GetLabel()); err == nil {
		q.Details.Label = label
	}
	if q.Details.Human != nil {
		human := *q.Details.Human
		if name, err := trust.NewHumanLabel(m.GetName()); err == nil {
			human.Label = name
		}
		if email, err := trust.NewEmailAddress(m.GetEmail()); err == nil {
			human.Email = email
		}
		q.Details.Human = &human
	}
	return q, false
}

func detailsMessage(d enrol.Details) *agentpb.Details {
	m := &agentpb.Details{Label: d.Label.String()}
	if d.Human != nil {
		m.Name, m.Email = d.Human.Label.String(), d.Human.Email.String()
	}
	if d.Profile != 0 {
		m.Profile = d.Profile.String()
	}
	return m
}

// readDetails reads details of the form that was asked for.
func readDetails(m *agentpb.Details, form enrol.Details) (d enrol.Details, err error) {
	invalid := func(what string, err error) error {
		return &wire.Error{Status: wire.StatusInvalidArgument, Reason: fmt.Sprintf("%s cannot be used: %v", what, err), Remedy: "correct it"}
	}
	if d.Label, err = trust.NewDeviceLabel(m.GetLabel()); err != nil {
		return d, invalid("the name of the device", err)
	}
	if form.Human != nil {
		name, err := trust.NewHumanLabel(m.GetName())
		if err != nil {
			return d, invalid("the name", err)
		}
		email, err := trust.NewEmailAddress(m.GetEmail())
		if err != nil {
			return d, invalid("the e-mail address", err)
		}
		d.Human = &trust.HumanHandle{Email: email, Label: name}
	}
	if form.Profile != 0 {
		if d.Profile, err = trust.ParseProfile(m.GetProfile()); err != nil {
			return d, invalid("the profile", err)
		}
	}
	return d, nil
}

// answerTo makes of what a frontend says the answer that a question wants, or says why it is none.
func answerTo(q enrol.Question, g works.Given) (enrol.Answer, error) {
	switch q := q.(type) {
	case enrol.ChooseGreeter:
		return greeterOf(q, g.GetGreeter())
	case enrol.ChooseCode:
		code := trust.SASCode(g.GetCode())
		if g.GetNone() == (code != "") || code != "" && !slices.Contains(q.Codes, code) {
			return nil, wire.Errorf(wire.StatusInvalidArgument, "choose one of the codes, or none of these")
		}
		return enrol.Code{Code: code}, nil
	case enrol.SayCode:
		return enrol.Said{}, nil
	case enrol.Correct:
		if g.GetDetails() == nil {
			return nil, wire.Errorf(wire.StatusInvalidArgument, "the answer has no details")
		}
		return readDetails(g.GetDetails(), q.Details)
	case enrol.ChooseProtection:
		p := device.Protection{Password: slices.Clone(g.GetPassword()), Provider: g.GetProviderName(), Certificate: g.Certificate}
		if len(p.Password) == 0 && p.Provider == "" && p.Certificate == nil {
			return nil, wire.Errorf(wire.StatusInvalidArgument, "there is nothing to protect the device with")
		}
		return enrol.Protection{Protection: p}, nil
	case enrol.GiveSecret:
		return enrol.Secret{Secret: device.Secret{Password: slices.Clone(g.GetPassword()), Code: g.GetOneTimeCode()}}, nil
	case enrol.Confirm:
		if g.GetYes() == g.GetNo() {
			return nil, wire.Errorf(wire.StatusInvalidArgument, "say yes or no")
		}
		return enrol.Decision{Yes: g.GetYes()}, nil
	default:
		return nil, wire.Errorf(wire.StatusNotSupported, "no answer is known to %s", q.Kind())
	}
}

func greeterOf(q enrol.ChooseGreeter, text string) (enrol.Answer, error) {
	if text == "" {
		return enrol.Greeter{}, nil
	}
	for _, p := range q.Greeters {
		if p.User.String() == text {
			return enrol.Greeter{User: p.User}, nil
		}
	}
	return nil, wire.Errorf(wire.StatusInvalidArgument, "nobody who could greet has that id")
}
