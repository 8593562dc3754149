package cloud

import "github.com/seed-73b3884f/parsec-agent/trust"

// AccountCreateProceedReq is account_create_proceed: step 0 only checks the code; step 1 creates the account, its first vault and first authentication
// method.
//
//codec:cmd account_create_proceed AnonymousServer
//codec:rep OK InvalidValidationCode SendValidationEmailRequired AuthMethodIDAlreadyExists
type AccountCreateProceedReq struct {
	AccountCreateStep AccountCreateStep `mp:"account_create_step"`
}

// AccountCreateStep is what to do for a new account.
//
//codec:union step
type AccountCreateStep interface{ isAccountCreateStep() }

// AccountCreateStep0CheckCode is NUMBER_0_CHECK_CODE.
//
//codec:variant AccountCreateStep NUMBER_0_CHECK_CODE
type AccountCreateStep0CheckCode struct {
	Email          trust.EmailAddress   `mp:"email"`
	ValidationCode trust.ValidationCode `mp:"validation_code"`
}

// AccountCreateStep1Create is NUMBER_1_CREATE.
//
//codec:variant AccountCreateStep NUMBER_1_CREATE
type AccountCreateStep1Create struct {
	AuthMethodID                trust.AccountAuthMethodID         `mp:"auth_method_id"`
	AuthMethodMACKey            trust.SecretKey                   `mp:"auth_method_mac_key"`
	AuthMethodPasswordAlgorithm *trust.UntrustedPasswordAlgorithm `mp:"auth_method_password_algorithm,null"`
	HumanHandle                 trust.HumanHandle                 `mp:"human_handle"`
	ValidationCode              trust.ValidationCode              `mp:"validation_code"`
	VaultKeyAccess              []byte                            `mp:"vault_key_access,max=maxBytes"`
}

// AccountCreateSendValidationEmailReq is account_create_send_validation_email: mails a 6-character code to start creating a Parsec account. Answers `ok`
// without sending anything if the account exists.
//
//codec:cmd account_create_send_validation_email AnonymousServer
//codec:rep OK EmailServerUnavailable EmailRecipientRefused EmailSendingRateLimited
type AccountCreateSendValidationEmailReq struct {
	Email trust.EmailAddress `mp:"email"`
}

// AccountRecoverProceedReq is account_recover_proceed: replaces vault and authentication methods of an account after mail validation; the previous vault
// is kept, its methods are disabled, the new vault starts empty.
//
//codec:cmd account_recover_proceed AnonymousServer
//codec:rep OK InvalidValidationCode SendValidationEmailRequired AuthMethodIDAlreadyExists
type AccountRecoverProceedReq struct {
	Email                          trust.EmailAddress                `mp:"email"`
	ValidationCode                 trust.ValidationCode              `mp:"validation_code"`
	NewVaultKeyAccess              []byte                            `mp:"new_vault_key_access,max=maxBytes"`
	NewAuthMethodPasswordAlgorithm *trust.UntrustedPasswordAlgorithm `mp:"new_auth_method_password_algorithm,null"`
	NewAuthMethodMACKey            trust.SecretKey                   `mp:"new_auth_method_mac_key"`
	NewAuthMethodID                trust.AccountAuthMethodID         `mp:"new_auth_method_id"`
}

// AccountRecoverSendValidationEmailReq is account_recover_send_validation_email: mails a code to recover an account. Answers `ok` without sending
// anything if there is no such account.
//
//codec:cmd account_recover_send_validation_email AnonymousServer
//codec:rep OK EmailServerUnavailable EmailRecipientRefused EmailSendingRateLimited
type AccountRecoverSendValidationEmailReq struct {
	Email trust.EmailAddress `mp:"email"`
}

// AuthMethodPasswordGetAlgorithmReq is auth_method_password_get_algorithm: returns the password-hash parameters of an account; unknown addresses get
// stable fake parameters so that the command is no oracle.
//
//codec:cmd auth_method_password_get_algorithm AnonymousServer
//codec:rep AuthMethodPasswordGetAlgorithmOK
type AuthMethodPasswordGetAlgorithmReq struct {
	Email trust.EmailAddress `mp:"email"`
}

// AuthMethodPasswordGetAlgorithmOK is ok of auth_method_password_get_algorithm.
//
//codec:status ok
type AuthMethodPasswordGetAlgorithmOK struct {
	PasswordAlgorithm trust.UntrustedPasswordAlgorithm `mp:"password_algorithm"`
}

// AccountDeleteProceedReq is account_delete_proceed: deletes (soft) the account and disables all its authentication methods.
//
//codec:cmd account_delete_proceed Account
//codec:rep OK InvalidValidationCode SendValidationEmailRequired
type AccountDeleteProceedReq struct {
	ValidationCode trust.ValidationCode `mp:"validation_code"`
}

// AccountDeleteSendValidationEmailReq is account_delete_send_validation_email: mails a code (to the account address) to confirm deletion.
//
//codec:cmd account_delete_send_validation_email Account
//codec:rep OK EmailServerUnavailable EmailRecipientRefused EmailSendingRateLimited
type AccountDeleteSendValidationEmailReq struct{}

// AccountInfoReq is account_info: returns the human handle recorded for the account.
//
//codec:cmd account_info Account
//codec:rep AccountInfoOK
type AccountInfoReq struct{}

// AccountInfoOK is ok of account_info.
//
//codec:status ok
type AccountInfoOK struct {
	HumanHandle trust.HumanHandle `mp:"human_handle"`
}

// AuthMethodCreateReq is auth_method_create: adds an authentication method to the current vault; a new password method disables the previous password
// method.
//
//codec:cmd auth_method_create Account
//codec:rep OK AuthMethodIDAlreadyExists
type AuthMethodCreateReq struct {
	AuthMethodPasswordAlgorithm *trust.UntrustedPasswordAlgorithm `mp:"auth_method_password_algorithm,null"`
	AuthMethodMACKey            trust.SecretKey                   `mp:"auth_method_mac_key"`
	AuthMethodID                trust.AccountAuthMethodID         `mp:"auth_method_id"`
	VaultKeyAccess              []byte                            `mp:"vault_key_access,max=maxBytes"`
}

// AuthMethodDisableReq is auth_method_disable: disables another authentication method of the same account.
//
//codec:cmd auth_method_disable Account
//codec:rep OK AuthMethodNotFound AuthMethodAlreadyDisabled SelfDisableNotAllowed
type AuthMethodDisableReq struct {
	AuthMethodID trust.AccountAuthMethodID `mp:"auth_method_id"`
}

// AuthMethodListReq is auth_method_list: lists non-disabled methods of the current vault, oldest first.
//
//codec:cmd auth_method_list Account
//codec:rep AuthMethodListOK
type AuthMethodListReq struct{}

// AuthMethodListOK is ok of auth_method_list.
//
//codec:status ok
type AuthMethodListOK struct {
	Items []AuthMethod `mp:"items,max=maxList"`
}

// AuthMethod is a way to log in to an account.
//
//codec:map
type AuthMethod struct {
	AuthMethodID trust.AccountAuthMethodID `mp:"auth_method_id"`
	// May be an empty string.
	CreatedByIP        string                            `mp:"created_by_ip,max=maxText"`
	CreatedByUserAgent string                            `mp:"created_by_user_agent,max=maxText"`
	CreatedOn          trust.DateTime                    `mp:"created_on"`
	PasswordAlgorithm  *trust.UntrustedPasswordAlgorithm `mp:"password_algorithm,null"`
	VaultKeyAccess     []byte                            `mp:"vault_key_access,max=maxBytes"`
}

// InviteSelfListReq is invite_self_list: lists invitations aimed at the account e-mail across all organizations: device/shared-recovery ones where the
// e-mail is an active user, user invitations elsewhere.
//
//codec:cmd invite_self_list Account
//codec:rep InviteSelfListOK
type InviteSelfListReq struct{}

// InviteSelfListOK is ok of invite_self_list.
//
//codec:status ok
type InviteSelfListOK struct {
	Invitations []SelfInvitation `mp:"invitations,max=maxList"`
}

// SelfInvitation is an invitation for the account that asks.
//
//codec:tuple
type SelfInvitation struct {
	OrganizationID trust.OrganizationID `mp:"organization_id"`
	Token          trust.AccessToken    `mp:"token"`
	Type           InvitationType       `mp:"type"`
}

// OrganizationSelfListReq is organization_self_list: lists organizations where the account e-mail is (active) or was (revoked) a user.
//
//codec:cmd organization_self_list Account
//codec:rep OrganizationSelfListOK
type OrganizationSelfListReq struct{}

// OrganizationSelfListOK is ok of organization_self_list.
//
//codec:status ok
type OrganizationSelfListOK struct {
	Active  []ActiveUser  `mp:"active,max=maxList"`
	Revoked []RevokedUser `mp:"revoked,max=maxList"`
}

// AccountOrganizationConfig is what an account is told of an organisation.
//
//codec:map
type AccountOrganizationConfig struct {
	ActiveUsersLimit           *uint64 `mp:"active_users_limit,opt"`
	IsExpired                  bool    `mp:"is_expired"`
	UserProfileOutsiderAllowed bool    `mp:"user_profile_outsider_allowed"`
}

// ActiveUser is a user whom an account has.
//
//codec:map
type ActiveUser struct {
	CreatedOn          trust.DateTime            `mp:"created_on"`
	CurrentProfile     trust.Profile             `mp:"current_profile"`
	IsFrozen           bool                      `mp:"is_frozen"`
	OrganizationConfig AccountOrganizationConfig `mp:"organization_config"`
	OrganizationID     trust.OrganizationID      `mp:"organization_id"`
	UserID             trust.UserID              `mp:"user_id"`
}

// RevokedUser is a user whom an account had.
//
//codec:map
type RevokedUser struct {
	CreatedOn      trust.DateTime       `mp:"created_on"`
	CurrentProfile trust.Profile        `mp:"current_profile"`
	OrganizationID trust.OrganizationID `mp:"organization_id"`
	RevokedOn      trust.DateTime       `mp:"revoked_on"`
	UserID         trust.UserID         `mp:"user_id"`
}
