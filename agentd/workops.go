package agentd

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/agentd/internal/works"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// The operations on works: what asks a person. They belong to the uid, as devices do.

// works are those of the caller.
func (r *request) works() *works.Works { return r.person().works }

func decodeListWorks(r *request) (action, error) {
	if err := psa.Unmarshal(r.Body, &agentpb.ListWorks{}); err != nil {
		return nil, err
	}
	return func(_ context.Context, r *request) ([]byte, error) {
		all, err := r.works().List()
		if err != nil {
			return nil, err
		}
		return psa.Marshal(&agentpb.ListWorksResult{Works: all})
	}, nil
}

// decodeWatch shows a work as it is, and what happens in it, until it has ended or the caller has enough.
func decodeWatch(r *request) (action, error) {
	m := &agentpb.Watch{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) (final []byte, err error) {
		r.person().goOn(m.GetWork()) //nolint:contextcheck // works and sessions outlive the request
		err = r.conn.attend(ctx, func(ctx context.Context) error {
			return r.works().Watch(ctx, m.GetWork(), func(work *agentpb.Work, since []*agentpb.Notice, last bool) error {
				body, err := psa.Marshal(&agentpb.WatchResult{Work: work, Notices: since})
				if err != nil || last {
					final = body
					return err
				}
				return r.stream(body)
			})
		})
		return final, err
	}, nil
}

func decodeAnswer(r *request) (action, error) {
	m := &agentpb.Answer{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	if m.GetYes() && m.GetNo() || m.GetNone() && m.GetCode() != "" {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the answer says two things at once")
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		defer clear(m.GetPassword())
		given := works.Given{Answer: m}
		if key := m.GetCertificateKey(); key != "" {
			var err error
			if given.Certificate, err = r.certificateOf(ctx, psa.KeyName(key)); err != nil {
				return nil, err
			}
		}
		already, err := r.works().Answer(m.GetWork(), m.GetStep(), given)
		if err != nil {
			return nil, err
		}
		return psa.Marshal(&agentpb.AnswerResult{Already: already})
	}, nil
}

func decodeCancel(r *request) (action, error) {
	m := &agentpb.Cancel{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		what, err := r.works().Find(m.GetWork())
		if err != nil {
			return nil, err
		}
		work, err := r.works().Cancel(ctx, what.ID, m.GetForget())
		if err != nil {
			return nil, err
		}
		if err := r.person().giveUp(ctx, what); err != nil && work.GetState() != string(works.StateDone) {
			return nil, err
		}
		return psa.Marshal(&agentpb.CancelResult{Work: work})
	}, nil
}
