package agentd

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/authn"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// workWait is how long a request may wait for one of its uid's places at work.
const workWait = 30 * time.Second

// dispatch takes a whole frame through checks 10 to 20 of the specification's section
// 1.2, in that order, and returns the body of the answer.
func (s *Service) dispatch(ctx context.Context, r *request) (body []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			body, err = nil, fmt.Errorf("operation %s panicked: %v", agent.Name(r.Opcode), p)
			s.logPanic(ctx, r, p)
		}
	}()
	op, ok := operations[r.Opcode]
	if !ok || op.ours && !r.flagged {
		return nil, wire.StatusOpcodeDoesNotExist
	}
	if !r.Provider.Known() {
		return nil, wire.StatusProviderDoesNotExist
	}
	r.echo = true
	r.backend = s.acquire()
	defer r.backend.drop(ctx, s.log)
	if err := r.authenticate(ctx); err != nil {
		return nil, err
	}
	if err := r.route(op); err != nil {
		return nil, err
	}
	if err := r.permit(op.access == admins, op.access); err != nil {
		return nil, err
	}
	run, err := op.decode(r)
	if err != nil {
		return nil, err
	}
	if err := r.permit(op.access == owners, op.access); err != nil {
		return nil, err
	}
	if attended[r.Opcode] {
		return run(ctx, r)
	}
	if err := r.conn.account.begin(ctx, workWait); err != nil {
		return nil, err
	}
	defer r.conn.account.end()
	return run(ctx, r)
}

// authenticate finds out who asks: checks 12 and 13. It is made also for operations that
// need no authentication.
func (r *request) authenticate(ctx context.Context) error {
	if r.AuthType == wire.AuthNone {
		return nil
	}
	who, err := r.backend.auth.Authenticate(ctx, r.conn.peer, r.AuthType, r.Auth)
	if err != nil {
		return err
	}
	r.who = who
	return nil
}

// route finds the provider instance: checks 14 and 15.
func (r *request) route(op operation) error {
	if r.Provider != wire.ProviderCore {
		if r.instance = r.backend.latest(r.Provider); r.instance == nil {
			return wire.Errorf(wire.StatusProviderNotRegistered, "no provider of kind %s is configured", r.Provider)
		}
	}
	if (r.instance == nil) != (op.class == core) {
		return wire.Errorf(wire.StatusNotSupported, "%s is not an operation of provider %s", agent.Name(r.Opcode), r.Provider)
	}
	if !r.flagged {
		return nil
	}
	ext, err := agent.DecodeExtension(r.Body)
	if err != nil || ext == nil {
		return err
	}
	r.ext = ext
	return r.choose(ext)
}

// choose takes the provider instance that a flagged request names.
func (r *request) choose(ext *agentpb.Extension) error {
	name := ext.GetProviderName()
	if name == "" || r.instance == nil {
		return nil
	}
	inst := r.backend.named(name)
	if inst == nil || inst.ref.ID != r.Provider {
		return wire.Errorf(wire.StatusProviderNotRegistered, "no provider of kind %s is named %q", r.Provider, name)
	}
	r.instance = inst
	return nil
}

// permit makes the access check of the operation, when it is its turn: administrators
// are asked for before the body is decoded, owners after it (checks 16 and 19).
func (r *request) permit(now bool, level access) error {
	switch {
	case !now || level == anyone:
		return nil
	case !r.authenticated():
		return wire.StatusNotAuthenticated
	case level == admins && !r.who.Admin:
		return wire.Errorf(wire.StatusAdminOperation, "%s is not an administrator", describe(r.who))
	}
	return nil
}

func describe(who authn.Identity) string { return fmt.Sprintf("application %q", who.App) }
