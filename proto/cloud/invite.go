package cloud

import "github.com/seed-73b3884f/parsec-agent/trust"

// InviteInfoReq is invite_info: describes the invitation the token belongs to: who invites, who may greet.
//
//codec:cmd invite_info Invited
//codec:rep InviteInfoUser InviteInfoDevice InviteInfoShamirRecovery
type InviteInfoReq struct{}

// InviteInfoUser is ok of invite_info with type USER.
//
//codec:status ok
type InviteInfoUser struct {
	_              struct{}                    `mp:"type,const=USER"`
	Administrators []UserGreetingAdministrator `mp:"administrators,max=maxList"`
	ClaimerEmail   trust.EmailAddress          `mp:"claimer_email"`
	CreatedBy      InvitationCreatedBy         `mp:"created_by"`
}

// InviteInfoDevice is ok of invite_info with type DEVICE.
//
//codec:status ok
type InviteInfoDevice struct {
	_                  struct{}            `mp:"type,const=DEVICE"`
	ClaimerHumanHandle trust.HumanHandle   `mp:"claimer_human_handle"`
	ClaimerUserID      trust.UserID        `mp:"claimer_user_id"`
	CreatedBy          InvitationCreatedBy `mp:"created_by"`
}

// InviteInfoShamirRecovery is ok of invite_info with type SHAMIR_RECOVERY.
//
//codec:status ok
type InviteInfoShamirRecovery struct {
	_                       struct{}                  `mp:"type,const=SHAMIR_RECOVERY"`
	ClaimerHumanHandle      trust.HumanHandle         `mp:"claimer_human_handle"`
	ClaimerUserID           trust.UserID              `mp:"claimer_user_id"`
	CreatedBy               InvitationCreatedBy       `mp:"created_by"`
	Recipients              []ShamirRecoveryRecipient `mp:"recipients,max=maxRecipients"`
	ShamirRecoveryCreatedOn trust.DateTime            `mp:"shamir_recovery_created_on"`
	Threshold               uint8                     `mp:"threshold,min=1"`
}

// UserOnlineStatus says whether somebody is there.
//
//codec:enum ONLINE OFFLINE UNKNOWN
type UserOnlineStatus string

// Values of UserOnlineStatus.
const (
	UserOnline  UserOnlineStatus = "ONLINE"
	UserOffline UserOnlineStatus = "OFFLINE"
	UserUnknown UserOnlineStatus = "UNKNOWN"
)

// InvitationCreatedBy says who made an invitation.
//
//codec:union type
type InvitationCreatedBy interface{ isInvitationCreatedBy() }

// CreatedByUser is USER.
//
//codec:variant InvitationCreatedBy USER
type CreatedByUser struct {
	HumanHandle trust.HumanHandle `mp:"human_handle"`
	UserID      trust.UserID      `mp:"user_id"`
}

// CreatedByExternalService is EXTERNAL_SERVICE.
//
//codec:variant InvitationCreatedBy EXTERNAL_SERVICE
type CreatedByExternalService struct {
	ServiceLabel string `mp:"service_label,max=maxText"`
}

// UserGreetingAdministrator is somebody who may greet.
//
//codec:map
type UserGreetingAdministrator struct {
	HumanHandle trust.HumanHandle `mp:"human_handle"`
	// Last time this administrator joined an attempt for this invitation.
	LastGreetingAttemptJoinedOn *trust.DateTime `mp:"last_greeting_attempt_joined_on,null"`
	// Current server always sends UNKNOWN.
	OnlineStatus UserOnlineStatus `mp:"online_status"`
	UserID       trust.UserID     `mp:"user_id"`
}

// ShamirRecoveryRecipient is somebody who holds shares.
//
//codec:map
type ShamirRecoveryRecipient struct {
	HumanHandle trust.HumanHandle `mp:"human_handle"`
	// Current server always sends UNKNOWN.
	OnlineStatus UserOnlineStatus `mp:"online_status"`
	RevokedOn    *trust.DateTime  `mp:"revoked_on,null"`
	Shares       uint8            `mp:"shares,min=1"`
	UserID       trust.UserID     `mp:"user_id"`
}

// InviteShamirRecoveryRevealReq is invite_shamir_recovery_reveal: returns the encrypted device data of the setup to whoever proves knowledge of the
// reveal token.
//
//codec:cmd invite_shamir_recovery_reveal Invited
//codec:rep InviteShamirRecoveryRevealOK BadInvitationType BadRevealToken
type InviteShamirRecoveryRevealReq struct {
	RevealToken trust.AccessToken `mp:"reveal_token"`
}

// InviteShamirRecoveryRevealOK is ok of invite_shamir_recovery_reveal.
//
//codec:status ok
type InviteShamirRecoveryRevealOK struct {
	CipheredData []byte `mp:"ciphered_data,max=maxBytes"`
}

// InviteCancelReq is invite_cancel: cancels a pending invitation (allowed greeters, or the claimer himself).
//
//codec:cmd invite_cancel Authenticated
//codec:rep OK InvitationNotFound AuthorNotAllowed InvitationCompleted InvitationAlreadyCancelled
type InviteCancelReq struct {
	Token trust.AccessToken `mp:"token"`
}

// InviteCompleteReq is invite_complete: marks an invitation as done (allowed greeters, or the claimer himself once enrolled).
//
//codec:cmd invite_complete Authenticated
//codec:rep OK InvitationNotFound AuthorNotAllowed InvitationAlreadyCompleted InvitationCancelled
type InviteCompleteReq struct {
	Token trust.AccessToken `mp:"token"`
}

// InviteListReq is invite_list: lists invitations visible to the caller, all states included: user invitations for ADMIN, own device invitations,
// shared-recovery ones where caller is recipient.
//
//codec:cmd invite_list Authenticated
//codec:rep InviteListOK
type InviteListReq struct{}

// InviteListOK is ok of invite_list.
//
//codec:status ok
type InviteListOK struct {
	Invitations []InviteListItem `mp:"invitations,max=maxList"`
}

// InviteListItem is an invitation.
//
//codec:union type
type InviteListItem interface{ isInviteListItem() }

// InviteListItemUser is USER.
//
//codec:variant InviteListItem USER
type InviteListItemUser struct {
	ClaimerEmail trust.EmailAddress  `mp:"claimer_email"`
	CreatedBy    InvitationCreatedBy `mp:"created_by"`
	CreatedOn    trust.DateTime      `mp:"created_on"`
	Status       InvitationStatus    `mp:"status"`
	Token        trust.AccessToken   `mp:"token"`
}

// InviteListItemDevice is DEVICE.
//
//codec:variant InviteListItem DEVICE
type InviteListItemDevice struct {
	CreatedBy InvitationCreatedBy `mp:"created_by"`
	CreatedOn trust.DateTime      `mp:"created_on"`
	Status    InvitationStatus    `mp:"status"`
	Token     trust.AccessToken   `mp:"token"`
}

// InviteListItemShamirRecovery is SHAMIR_RECOVERY.
//
//codec:variant InviteListItem SHAMIR_RECOVERY
type InviteListItemShamirRecovery struct {
	ClaimerUserID           trust.UserID        `mp:"claimer_user_id"`
	CreatedBy               InvitationCreatedBy `mp:"created_by"`
	CreatedOn               trust.DateTime      `mp:"created_on"`
	ShamirRecoveryCreatedOn trust.DateTime      `mp:"shamir_recovery_created_on"`
	Status                  InvitationStatus    `mp:"status"`
	Token                   trust.AccessToken   `mp:"token"`
}

// InviteNewDeviceReq is invite_new_device: creates (or gets back the pending) invitation of the calling user for a new device of his own.
//
//codec:cmd invite_new_device Authenticated
//codec:rep InviteNewDeviceOK
type InviteNewDeviceReq struct {
	SendEmail bool `mp:"send_email"`
}

// InviteNewDeviceOK is ok of invite_new_device.
//
//codec:status ok
type InviteNewDeviceOK struct {
	EmailSent EmailSentStatus   `mp:"email_sent"`
	Token     trust.AccessToken `mp:"token"`
}

// InviteNewShamirRecoveryReq is invite_new_shamir_recovery: a share recipient creates (or gets back the pending) shared-recovery invitation for a user.
//
//codec:cmd invite_new_shamir_recovery Authenticated
//codec:rep InviteNewShamirRecoveryOK AuthorNotAllowed UserNotFound
type InviteNewShamirRecoveryReq struct {
	ClaimerUserID trust.UserID `mp:"claimer_user_id"`
	SendEmail     bool         `mp:"send_email"`
}

// InviteNewShamirRecoveryOK is ok of invite_new_shamir_recovery.
//
//codec:status ok
type InviteNewShamirRecoveryOK struct {
	EmailSent EmailSentStatus   `mp:"email_sent"`
	Token     trust.AccessToken `mp:"token"`
}

// InviteNewUserReq is invite_new_user: administrator creates (or gets back the pending) invitation for an e-mail.
//
//codec:cmd invite_new_user Authenticated
//codec:rep InviteNewUserOK AuthorNotAllowed ClaimerEmailAlreadyEnrolled
type InviteNewUserReq struct {
	ClaimerEmail trust.EmailAddress `mp:"claimer_email"`
	SendEmail    bool               `mp:"send_email"`
}

// InviteNewUserOK is ok of invite_new_user.
//
//codec:status ok
type InviteNewUserOK struct {
	EmailSent EmailSentStatus   `mp:"email_sent"`
	Token     trust.AccessToken `mp:"token"`
}

// InvitationStatus says whether an invitation can be used.
//
//codec:enum PENDING FINISHED CANCELLED
type InvitationStatus string

// Values of InvitationStatus.
const (
	InvitationIsPending   InvitationStatus = "PENDING"
	InvitationIsFinished  InvitationStatus = "FINISHED"
	InvitationIsCancelled InvitationStatus = "CANCELLED"
)

// InvitationType says what an invitation is for.
//
//codec:enum USER DEVICE SHAMIR_RECOVERY
type InvitationType string

// Values of InvitationType.
const (
	InvitationForUser           InvitationType = "USER"
	InvitationForDevice         InvitationType = "DEVICE"
	InvitationForShamirRecovery InvitationType = "SHAMIR_RECOVERY"
)
