package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// InvitationMail tells somebody of an invitation.
type InvitationMail struct {
	Organization trust.OrganizationID
	Type         cloud.InvitationType
	To           trust.EmailAddress
	Token        trust.AccessToken
	// Greeter is who invites, to whom answers go. It is nil for a device of one's own.
	Greeter *trust.HumanHandle
}

// EnrollmentMail tells somebody that an enrolment was accepted.
type EnrollmentMail struct {
	Organization trust.OrganizationID
	To           trust.EmailAddress
}

// TOTPResetMail gives somebody the token with which one-time codes are set up anew.
type TOTPResetMail struct {
	Organization trust.OrganizationID
	To           trust.EmailAddress
	User         trust.UserID
	Token        trust.AccessToken
}

// Mailer sends mails. It is called outside of transactions, and may take as long as the context allows.
type Mailer interface {
	SendInvitation(ctx context.Context, m InvitationMail) cloud.EmailSentStatus
	SendEnrollmentAccepted(ctx context.Context, m EnrollmentMail) cloud.EmailSentStatus
	SendTOTPReset(ctx context.Context, m TOTPResetMail) cloud.EmailSentStatus
}

// mail sends a mail if the client asks for one. What it tells of stands whatever becomes of it.
func mail[M any](ctx context.Context, s *Service, asked bool, send func(Mailer, context.Context, M) cloud.EmailSentStatus, m M) cloud.EmailSentStatus {
	switch {
	case !asked:
		return cloud.EmailSentSuccess
	case s.Mail == nil:
		return cloud.EmailSentServerUnavailable
	}
	return send(s.Mail, ctx, m)
}

// mailInvitation tells of an invitation.
func (s *Service) mailInvitation(ctx context.Context, asked bool, m InvitationMail) cloud.EmailSentStatus {
	return mail(ctx, s, asked, Mailer.SendInvitation, m)
}

// MailTOTPReset gives a user the token to set up one-time codes with.
func (s *Service) MailTOTPReset(ctx context.Context, id trust.OrganizationID, u *tables.User, token trust.AccessToken) (cloud.EmailSentStatus, error) {
	to, err := trust.NewEmailAddress(u.Email)
	if err != nil {
		return "", err
	}
	return mail(ctx, s, true, Mailer.SendTOTPReset, TOTPResetMail{Organization: id, To: to, User: u.ID, Token: token}), nil
}
