package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// person answers what a flow asks at once. Two of them share an ear: each hears what the other says.
type person struct {
	name string
	ear  chan trust.SASCode
}

// Tell hears nothing.
func (*person) Tell(context.Context, enrol.Notice) {}

// Ask answers.
func (p *person) Ask(ctx context.Context, q enrol.Question) (enrol.Answer, error) {
	switch q := q.(type) {
	case enrol.ChooseGreeter:
		return enrol.Greeter{}, nil
	case enrol.ChooseCode:
		return p.hear(ctx, q.Codes)
	case enrol.SayCode:
		select {
		case p.ear <- q.Code:
			return enrol.Said{}, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	case enrol.Correct:
		return p.correct(q)
	case enrol.ChooseProtection:
		if q.Wrong != nil {
			return nil, q.Wrong
		}
		return enrol.Protection{Protection: device.Protection{Password: []byte(peoplePassword)}}, nil
	default:
		return nil, fmt.Errorf("%s has no answer to %T", p.name, q)
	}
}

// hear waits until one of the codes is said.
func (p *person) hear(ctx context.Context, codes []trust.SASCode) (enrol.Answer, error) {
	for {
		select {
		case said := <-p.ear:
			if slices.Contains(codes, said) {
				return enrol.Code{Code: said}, nil
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// correct fills in what is missing.
func (p *person) correct(q enrol.Correct) (enrol.Answer, error) {
	d, err := q.Details, q.Wrong
	if err == nil && d.Label.String() == "" {
		d.Label, err = trust.NewDeviceLabel("laptop")
	}
	if err == nil && d.Human != nil && d.Human.Label.String() == "" {
		email := d.Human.Email.String()
		if email == "" {
			email = p.name + "@example.com"
		}
		var h trust.HumanHandle
		h, err = trust.NewHumanHandle(email, p.name)
		d.Human = &h
	}
	if err == nil && q.Side == enrol.SideGreeter && d.Human != nil {
		d.Profile = trust.Standard
	}
	return d, err
}

// quiet is the log of what is measured.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// noProxy connects to servers without any.
func noProxy(*url.URL) (*url.URL, error) { return nil, nil } //nolint:nilnil // no proxy
