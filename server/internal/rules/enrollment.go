package rules

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// listedBytes bounds the documents of one list. Clients take replies of 64 MiB.
const listedBytes = 16 << 20

// errDamaged is a row that nobody wrote.
var errDamaged = errors.New("an enrolment of the database is damaged")

// asyncEnrollmentSubmit is 3.11: payload, certificates, address in use, id, address asked for.
func (s *Service) asyncEnrollmentSubmit(ctx context.Context, c *Call, req *cloud.AsyncEnrollmentSubmitReq) (cloud.AsyncEnrollmentSubmitRep, error) {
	e := tables.Enrollment{ID: req.EnrollmentID, SubmittedOn: c.Now}
	e.Identity, e.Submit = submission(req.SubmitPayload, req.SubmitPayloadSignature)
	verdict := refuseSubmission(&e)
	locks := s.locked(store.Common(c.Org).Shared(), store.Enrollment(c.Org))
	return anonymous(ctx, c, locks, func(tx *store.Tx) (cloud.AsyncEnrollmentSubmitRep, error) {
		if verdict != nil {
			return verdict, nil
		}
		taken, err := tables.ActiveUser(ctx, tx, c.Org, e.Email)
		if err != nil {
			return nil, err
		}
		if taken != nil {
			return &cloud.EmailAlreadyEnrolled{}, nil
		}
		known, err := tables.GetEnrollment(ctx, tx, c.Org, e.ID)
		if err != nil {
			return nil, err
		}
		if known != nil {
			return &cloud.IDAlreadyUsed{}, nil
		}
		if refusal, err := c.supersede(ctx, tx, e.Email, req.Force); refusal != nil || err != nil {
			return refusal, err
		}
		if err := tables.Submit(ctx, tx, c.Org, e); err != nil {
			return nil, err
		}
		return &cloud.AsyncEnrollmentSubmitOK{SubmittedOn: c.Now}, c.emitEnrollment(tx)
	})
}

// refuseSubmission checks what a newcomer sends, and takes the address from it.
func refuseSubmission(e *tables.Enrollment) cloud.AsyncEnrollmentSubmitRep {
	payload := &trust.AsyncEnrollmentSubmitPayload{}
	if err := trust.Load(e.Submit.Payload, payload); err != nil {
		return &cloud.InvalidSubmitPayload{}
	}
	e.Email = payload.RequestedHumanHandle.Email.String()
	if refusal := refuseChain(e.Identity, e.Submit); refusal != nil {
		return refusal
	}
	return nil
}

// supersede cancels the request that waits for an address, or refuses when there is one.
func (c *Call) supersede(ctx context.Context, tx *store.Tx, email string, force bool) (cloud.AsyncEnrollmentSubmitRep, error) {
	before, err := tables.SubmittedBy(ctx, tx, c.Org, email)
	if err != nil || before == nil {
		return nil, err
	}
	if !force {
		return &cloud.EmailAlreadySubmitted{SubmittedOn: before.SubmittedOn}, nil
	}
	return nil, tables.Decide(ctx, tx, c.Org, before.ID, tables.EnrollmentCancelled, c.Now)
}

// emitEnrollment tells administrators that enrolments changed.
func (c *Call) emitEnrollment(tx *store.Tx) error {
	e, err := events.New(c.Org, events.Audience{Admins: true}, &cloud.EventAsyncEnrollment{})
	if err == nil {
		tx.Emit(e)
	}
	return err
}

// asyncEnrollmentInfo is 3.11. Who knows the id may ask.
func (s *Service) asyncEnrollmentInfo(ctx context.Context, c *Call, req *cloud.AsyncEnrollmentInfoReq) (cloud.AsyncEnrollmentInfoRep, error) {
	return anonymous(ctx, c, s.Store.Read, func(tx *store.Tx) (cloud.AsyncEnrollmentInfoRep, error) {
		e, err := tables.GetEnrollment(ctx, tx, c.Org, req.EnrollmentID)
		switch {
		case err != nil:
			return nil, err
		case e == nil:
			return &cloud.EnrollmentNotFound{}, nil
		case e.State == tables.EnrollmentSubmitted:
			return &cloud.AsyncEnrollmentInfoSubmitted{SubmittedOn: e.SubmittedOn}, nil
		case e.DecidedOn == nil:
			return nil, errDamaged
		}
		switch e.State {
		case tables.EnrollmentRejected:
			return &cloud.AsyncEnrollmentInfoRejected{RejectedOn: *e.DecidedOn, SubmittedOn: e.SubmittedOn}, nil
		case tables.EnrollmentCancelled:
			return &cloud.AsyncEnrollmentInfoCancelled{CancelledOn: *e.DecidedOn, SubmittedOn: e.SubmittedOn}, nil
		case tables.EnrollmentAccepted:
			d, err := tables.Acceptance(ctx, tx, c.Org, e.ID)
			return &cloud.AsyncEnrollmentInfoAccepted{
				AcceptPayload: d.Payload, AcceptPayloadSignature: acceptSignature(e.Identity, d), AcceptedOn: *e.DecidedOn, SubmittedOn: e.SubmittedOn,
			}, err
		case tables.EnrollmentSubmitted:
		}
		return nil, errDamaged
	}, tables.EnrollmentStatement(c.Org, req.EnrollmentID), tables.AcceptanceStatement(c.Org, req.EnrollmentID))
}

// asyncEnrollmentCancel is 3.11: enrolment, its state. Who knows the id may do it.
func (s *Service) asyncEnrollmentCancel(ctx context.Context, c *Call, req *cloud.AsyncEnrollmentCancelReq) (cloud.AsyncEnrollmentCancelRep, error) {
	return anonymous(ctx, c, s.locked(store.Enrollment(c.Org)), func(tx *store.Tx) (cloud.AsyncEnrollmentCancelRep, error) {
		_, refusal, err := c.submitted(ctx, tx, req.EnrollmentID)
		if refusal != nil || err != nil {
			return refusal, err
		}
		if err := tables.Decide(ctx, tx, c.Org, req.EnrollmentID, tables.EnrollmentCancelled, c.Now); err != nil {
			return nil, err
		}
		return &cloud.OK{}, c.emitEnrollment(tx)
	})
}

// submittedRep is a refusal because of the state of an enrolment.
type submittedRep interface {
	cloud.AsyncEnrollmentCancelRep
	cloud.AsyncEnrollmentRejectRep
	cloud.AsyncEnrollmentAcceptRep
}

// submitted returns an enrolment that waits.
func (c *Call) submitted(ctx context.Context, tx *store.Tx, id trust.AsyncEnrollmentID) (*tables.Enrollment, submittedRep, error) {
	e, err := tables.GetEnrollment(ctx, tx, c.Org, id)
	switch {
	case err != nil:
		return nil, nil, err
	case e == nil:
		return nil, &cloud.EnrollmentNotFound{}, nil
	case e.State != tables.EnrollmentSubmitted:
		return nil, &cloud.EnrollmentNoLongerAvailable{}, nil
	}
	return e, nil, nil
}
