package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// asyncEnrollmentList is 3.11: author. Who does not see all of many requests sees more of them once some are decided.
func (s *Service) asyncEnrollmentList(ctx context.Context, c *Call, _ *cloud.AsyncEnrollmentListReq) (cloud.AsyncEnrollmentListRep, error) {
	return read(ctx, s, c, func(tx *store.Tx, a *tables.Author) (cloud.AsyncEnrollmentListRep, error) {
		if !admin(a.Profile) {
			return &cloud.AuthorNotAllowed{}, nil
		}
		waiting, err := tables.Waiting(ctx, tx, c.Org, listedBytes)
		rep := &cloud.AsyncEnrollmentListOK{Enrollments: []cloud.AsyncEnrollment{}}
		for _, e := range waiting {
			rep.Enrollments = append(rep.Enrollments, cloud.AsyncEnrollment{
				EnrollmentID: e.ID, SubmitPayload: e.Submit.Payload, SubmitPayloadSignature: submitSignature(e.Identity, e.Submit), SubmittedOn: e.SubmittedOn,
			})
		}
		return rep, err
	})
}

// asyncEnrollmentReject is 3.11: author, enrolment, its state.
func (s *Service) asyncEnrollmentReject(ctx context.Context, c *Call, req *cloud.AsyncEnrollmentRejectReq) (cloud.AsyncEnrollmentRejectRep, error) {
	return write(ctx, s, c, []store.Lock{store.Enrollment(c.Org)}, func(tx *store.Tx, a *tables.Author) (cloud.AsyncEnrollmentRejectRep, error) {
		if !admin(a.Profile) {
			return &cloud.AuthorNotAllowed{}, nil
		}
		_, refusal, err := c.submitted(ctx, tx, req.EnrollmentID)
		if refusal != nil || err != nil {
			return refusal, err
		}
		if err := tables.Decide(ctx, tx, c.Org, req.EnrollmentID, tables.EnrollmentRejected, c.Now); err != nil {
			return nil, err
		}
		return &cloud.OK{}, c.emitEnrollment(tx)
	})
}

// accepted is a newcomer with what an administrator answers.
type accepted struct {
	newcomer

	identity tables.Identity
	document tables.Document
}

// asyncEnrollmentAccept is 3.11: author, enrolment, its state, identities, payload, certificates, then what user_create checks.
func (s *Service) asyncEnrollmentAccept(ctx context.Context, c *Call, req *cloud.AsyncEnrollmentAcceptReq) (cloud.AsyncEnrollmentAcceptRep, error) {
	n := accepted{newcomer: newcomer{
		userSigned: req.SubmitterUserCertificate, deviceSigned: req.SubmitterDeviceCertificate,
		redactedUser: req.SubmitterRedactedUserCertificate, redactedDevice: req.SubmitterRedactedDeviceCertificate,
	}}
	n.identity, n.document = acceptance(req.AcceptPayload, req.AcceptPayloadSignature)
	verdict := n.refuse(c)
	locks := []store.Lock{store.Organization(c.Org).Shared(), store.Common(c.Org), store.Enrollment(c.Org)}
	rep, err := write(ctx, s, c, locks, func(tx *store.Tx, a *tables.Author) (cloud.AsyncEnrollmentAcceptRep, error) {
		if !admin(a.Profile) {
			return &cloud.AuthorNotAllowed{}, nil
		}
		e, refusal, err := c.submitted(ctx, tx, req.EnrollmentID)
		if refusal != nil || err != nil {
			return refusal, err
		}
		if e.Identity != n.identity {
			return &cloud.SubmitAndAcceptIdentitySystemsMismatch{}, nil
		}
		if verdict != nil {
			return verdict, nil
		}
		if refusal, err := c.refuseNewcomer(ctx, tx, a, &n.newcomer); refusal != nil || err != nil {
			return refusal, err
		}
		return &cloud.AsyncEnrollmentAcceptOK{}, n.enrol(ctx, tx, c, e.ID)
	})
	if ok, is := rep.(*cloud.AsyncEnrollmentAcceptOK); err == nil && is {
		letter := EnrollmentMail{Organization: c.Organization, To: n.user.full.HumanHandle.Email}
		sent := mail(ctx, s, req.SendEmail != nil && *req.SendEmail, Mailer.SendEnrollmentAccepted, letter)
		ok.EmailSent = &sent
	}
	return rep, err
}

// refuse checks what needs no state. It is nil when that holds.
func (n *accepted) refuse(c *Call) cloud.AsyncEnrollmentAcceptRep {
	if err := trust.Load(n.document.Payload, &trust.AsyncEnrollmentAcceptPayload{}); err != nil {
		return &cloud.InvalidAcceptPayload{}
	}
	if refusal := refuseChain(n.identity, n.document); refusal != nil {
		return refusal
	}
	if refusal := n.verify(c, c.signer()); refusal != nil {
		return refusal
	}
	return nil
}

func (n *accepted) enrol(ctx context.Context, tx *store.Tx, c *Call, id trust.AsyncEnrollmentID) error {
	if err := n.insert(ctx, tx, c.Org); err != nil {
		return err
	}
	if err := tables.Decide(ctx, tx, c.Org, id, tables.EnrollmentAccepted, c.Now); err != nil {
		return err
	}
	if err := tables.SetAcceptance(ctx, tx, c.Org, id, n.document); err != nil {
		return err
	}
	if err := c.emitCommon(tx, n.user.full.Timestamp, events.Effect{}); err != nil {
		return err
	}
	return c.emitEnrollment(tx)
}
