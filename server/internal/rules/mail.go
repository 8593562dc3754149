package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
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

// Mailer sends mails. It is called outside of transactions, and may take as long as the context allows.
type Mailer interface {
	SendInvitation(ctx context.Context, m InvitationMail) cloud.EmailSentStatus
}

// mailInvitation sends a mail if the client asks for one. The invitation stands whatever becomes of it.
func (s *Service) mailInvitation(ctx context.Context, asked bool, m InvitationMail) cloud.EmailSentStatus {
	switch {
	case !asked:
		return cloud.EmailSentSuccess
	case s.Mail == nil:
		return cloud.EmailSentServerUnavailable
	}
	return s.Mail.SendInvitation(ctx, m)
}
