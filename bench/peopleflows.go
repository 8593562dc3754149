package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// What people do. An enrolment is as the newcomer sees it, whose greeter answers at once.
const (
	bootstrapOrganisation = "bootstrap an organisation"
	unlockDevice          = "unlock, until up to date"
	enrolUser             = "enrol a user"
	enrolDevice           = "enrol a device"
)

// peopleFlows are all, in the order in which they are done.
var peopleFlows = []string{bootstrapOrganisation, unlockDevice, enrolUser, enrolDevice}

// flows does everything once, from the bootstrap of an organisation on.
func (b *peopleBed) flows(ctx context.Context) (all map[string]step, err error) {
	all = map[string]step{}
	alice, err := b.newSomeone()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, alice.close()) }()
	first, took, err := alice.bootstrap(ctx)
	if all[bootstrapOrganisation] = took; err != nil {
		return nil, fmt.Errorf("%s: %w", bootstrapOrganisation, err)
	}
	all[unlockDevice], err = b.measure(ctx, func(ctx context.Context) error {
		if err := alice.unlock(ctx, first.Device); err != nil {
			return err
		}
		return alice.session.Refresh(ctx)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", unlockDevice, err)
	}
	email, err := trust.NewEmailAddress("bob@example.com")
	if err != nil {
		return nil, err
	}
	user, err := enrol.InviteUser(ctx, alice.session, email, false)
	if err != nil {
		return nil, err
	}
	if all[enrolUser], err = b.greeting(ctx, alice, user); err != nil {
		return nil, fmt.Errorf("%s: %w", enrolUser, err)
	}
	another, err := enrol.InviteDevice(ctx, alice.session, false)
	if err != nil {
		return nil, err
	}
	if all[enrolDevice], err = b.greeting(ctx, alice, another); err != nil {
		return nil, fmt.Errorf("%s: %w", enrolDevice, err)
	}
	return all, nil
}

// bootstrap makes an organisation.
func (p *someone) bootstrap(ctx context.Context) (r enrol.Result, took step, err error) {
	action, err := trust.ParseAction(p.bed.unborn())
	if err != nil {
		return r, took, err
	}
	address, ok := action.(*trust.BootstrapAddress)
	if !ok {
		return r, took, fmt.Errorf("%T is no address to bootstrap", action)
	}
	flow, err := p.desk.Bootstrap(address, nil)
	if err != nil {
		return r, took, err
	}
	took, err = p.bed.measure(ctx, func(ctx context.Context) error {
		r, err = flow.Run(ctx, &person{name: "alice"})
		return err
	})
	return r, took, err
}

// greeting lets somebody new claim an invitation while another one greets.
func (b *peopleBed) greeting(ctx context.Context, greeter *someone, invited *enrol.Invited) (took step, err error) {
	newcomer, err := b.newSomeone()
	if err != nil {
		return took, err
	}
	defer func() { err = errors.Join(err, newcomer.close()) }()
	flow, err := newcomer.desk.Claim(&invited.Address)
	if err != nil {
		return took, err
	}
	ear := make(chan trust.SASCode, 1)
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		_, err := greeter.desk.Greet(greeter.session, invited.Address.Token).Run(ctx, &person{name: "alice", ear: ear})
		return err
	})
	both.Go(func() error {
		took, err = b.measure(ctx, func(ctx context.Context) error {
			_, err := flow.Run(ctx, &person{name: "bob", ear: ear})
			return err
		})
		return err
	})
	return took, both.Wait()
}
