package cloud

import "github.com/seed-73b3884f/parsec-agent/trust"

// OK is ok without fields.
//
//codec:status ok
type OK struct{}

// AccessNotAvailableForAuthor is access_not_available_for_author: bundle exists but was never shared with caller.
//
//codec:status access_not_available_for_author
type AccessNotAvailableForAuthor struct{}

// ActiveOwnerAlreadyExists is active_owner_already_exists: a non-revoked OWNER exists.
//
//codec:status active_owner_already_exists
type ActiveOwnerAlreadyExists struct {
	LastRealmCertificateTimestamp trust.DateTime `mp:"last_realm_certificate_timestamp"`
}

// ActiveUsersLimitReached is active_users_limit_reached: organization already has as many non-revoked users as its limit.
//
//codec:status active_users_limit_reached
type ActiveUsersLimitReached struct{}

// AlreadySetup is already_setup: TOTP set-up was already completed (an administrator must reset it first).
//
//codec:status already_setup
type AlreadySetup struct{}

// ArchivingPeriodTooShort is archiving_period_too_short: deletion date earlier than certificate timestamp + organization minimum.
//
//codec:status archiving_period_too_short
type ArchivingPeriodTooShort struct{}

// AuthMethodAlreadyDisabled is auth_method_already_disabled: already disabled.
//
//codec:status auth_method_already_disabled
type AuthMethodAlreadyDisabled struct{}

// AuthMethodIDAlreadyExists is auth_method_id_already_exists: authentication-method ID collides with an existing one (any account, even disabled).
//
//codec:status auth_method_id_already_exists
type AuthMethodIDAlreadyExists struct{}

// AuthMethodNotFound is auth_method_not_found: unknown, or belongs to another account.
//
//codec:status auth_method_not_found
type AuthMethodNotFound struct{}

// AuthorIsOutsider is author_is_outsider: OUTSIDER can never be OWNER.
//
//codec:status author_is_outsider
type AuthorIsOutsider struct{}

// AuthorNotAllowed is author_not_allowed: caller lacks the needed profile (organization level) or role (realm level).
//
//codec:status author_not_allowed
type AuthorNotAllowed struct{}

// BadInvitationType is bad_invitation_type: not a shared-recovery invitation.
//
//codec:status bad_invitation_type
type BadInvitationType struct{}

// BadKeyIndex is bad_key_index: key index is not the one the server expects for this realm (see rules).
//
//codec:status bad_key_index
type BadKeyIndex struct {
	LastRealmCertificateTimestamp trust.DateTime `mp:"last_realm_certificate_timestamp"`
}

// BadRevealToken is bad_reveal_token: wrong token or setup deleted.
//
//codec:status bad_reveal_token
type BadRevealToken struct{}

// BadToken is bad_token: token wrong, or user revoked/frozen/unknown, or set-up already completed (indistinguishable on purpose).
//
//codec:status bad_token
type BadToken struct{}

// BadVlobVersion is bad_vlob_version: version is not last + 1 (concurrent change): fetch, merge, retry.
//
//codec:status bad_vlob_version
type BadVlobVersion struct{}

// BlockAlreadyExists is block_already_exists: block ID already used (treat as success on retry of the same data).
//
//codec:status block_already_exists
type BlockAlreadyExists struct{}

// BlockNotFound is block_not_found: no such block in this realm.
//
//codec:status block_not_found
type BlockNotFound struct{}

// ClaimerEmailAlreadyEnrolled is claimer_email_already_enrolled: a non-revoked user already has this e-mail.
//
//codec:status claimer_email_already_enrolled
type ClaimerEmailAlreadyEnrolled struct{}

// CryptPadUnavailable is cryptpad_unavailable: server has no CryptPad configured.
//
//codec:status cryptpad_unavailable
type CryptPadUnavailable struct{}

// DeviceAlreadyExists is device_already_exists: device ID already used.
//
//codec:status device_already_exists
type DeviceAlreadyExists struct{}

// EmailAlreadyEnrolled is email_already_enrolled: a non-revoked user already has this e-mail.
//
//codec:status email_already_enrolled
type EmailAlreadyEnrolled struct{}

// EmailAlreadySubmitted is email_already_submitted: a pending request exists for this e-mail and `force` is false.
//
//codec:status email_already_submitted
type EmailAlreadySubmitted struct {
	SubmittedOn trust.DateTime `mp:"submitted_on"`
}

// EmailRecipientRefused is email_recipient_refused: SMTP relay refused the recipient address.
//
//codec:status email_recipient_refused
type EmailRecipientRefused struct{}

// EmailSendingRateLimited is email_sending_rate_limited: per-address or per-IP mail limiter hit; retry after the given time.
//
//codec:status email_sending_rate_limited
type EmailSendingRateLimited struct {
	WaitUntil trust.DateTime `mp:"wait_until"`
}

// EmailServerUnavailable is email_server_unavailable: server could not hand the message to its SMTP relay.
//
//codec:status email_server_unavailable
type EmailServerUnavailable struct{}

// EnrollmentNoLongerAvailable is enrollment_no_longer_available: enrolment left the SUBMITTED state.
//
//codec:status enrollment_no_longer_available
type EnrollmentNoLongerAvailable struct{}

// EnrollmentNotFound is enrollment_not_found: unknown enrolment ID.
//
//codec:status enrollment_not_found
type EnrollmentNotFound struct{}

// FingerprintAlreadyExists is fingerprint_already_exists: an item with this fingerprint is in the current vault.
//
//codec:status fingerprint_already_exists
type FingerprintAlreadyExists struct{}

// GreeterNotAllowed is greeter_not_allowed: greeter no longer belongs to the allowed greeters of this invitation.
//
//codec:status greeter_not_allowed
type GreeterNotAllowed struct{}

// GreeterNotFound is greeter_not_found: no such user in the organization.
//
//codec:status greeter_not_found
type GreeterNotFound struct{}

// GreeterRevoked is greeter_revoked: greeter of this attempt is now revoked.
//
//codec:status greeter_revoked
type GreeterRevoked struct{}

// GreetingAttemptAlreadyCancelled is greeting_attempt_already_cancelled: attempt was already cancelled; who, when and why are given.
//
//codec:status greeting_attempt_already_cancelled
type GreetingAttemptAlreadyCancelled struct {
	Origin    GreeterOrClaimer               `mp:"origin"`
	Reason    CancelledGreetingAttemptReason `mp:"reason"`
	Timestamp trust.DateTime                 `mp:"timestamp"`
}

// GreetingAttemptCancelled is greeting_attempt_cancelled: attempt was cancelled by one peer; who, when and why are given.
//
//codec:status greeting_attempt_cancelled
type GreetingAttemptCancelled struct {
	Origin    GreeterOrClaimer               `mp:"origin"`
	Reason    CancelledGreetingAttemptReason `mp:"reason"`
	Timestamp trust.DateTime                 `mp:"timestamp"`
}

// GreetingAttemptNotFound is greeting_attempt_not_found: unknown attempt ID, or attempt that belongs to someone else.
//
//codec:status greeting_attempt_not_found
type GreetingAttemptNotFound struct{}

// GreetingAttemptNotJoined is greeting_attempt_not_joined: caller never joined this attempt through the matching start command.
//
//codec:status greeting_attempt_not_joined
type GreetingAttemptNotJoined struct{}

// HumanHandleAlreadyTaken is human_handle_already_taken: a non-revoked user already has this e-mail address.
//
//codec:status human_handle_already_taken
type HumanHandleAlreadyTaken struct{}

// IDAlreadyUsed is id_already_used: enrolment ID already known.
//
//codec:status id_already_used
type IDAlreadyUsed struct{}

// InitialNameAlreadyExists is initial_name_already_exists: `initial_name_or_fail` set and a name exists (idempotent retry).
//
//codec:status initial_name_already_exists
type InitialNameAlreadyExists struct {
	LastRealmCertificateTimestamp trust.DateTime `mp:"last_realm_certificate_timestamp"`
}

// InvalidAcceptPayload is invalid_accept_payload: payload is not a valid accept document.
//
//codec:status invalid_accept_payload
type InvalidAcceptPayload struct{}

// InvalidAcceptPayloadSignature is invalid_accept_payload_signature: declared but never returned by the current server.
//
//codec:status invalid_accept_payload_signature
type InvalidAcceptPayloadSignature struct{}

// InvalidBootstrapToken is invalid_bootstrap_token: token differs from the stored one (including null versus non-null).
//
//codec:status invalid_bootstrap_token
type InvalidBootstrapToken struct{}

// InvalidCertificate is invalid_certificate: bad encoding, bad signature, wrong author, or a consistency rule on the certificate content failed.
//
//codec:status invalid_certificate
type InvalidCertificate struct{}

// InvalidCertificateAuthorIncludedAsRecipient is invalid_certificate_author_included_as_recipient: author is among recipients.
//
//codec:status invalid_certificate_author_included_as_recipient
type InvalidCertificateAuthorIncludedAsRecipient struct{}

// InvalidCertificateBriefCorrupted is invalid_certificate_brief_corrupted: brief certificate does not load or verify.
//
//codec:status invalid_certificate_brief_corrupted
type InvalidCertificateBriefCorrupted struct{}

// InvalidCertificateCorrupted is invalid_certificate_corrupted: certificate does not load or verify.
//
//codec:status invalid_certificate_corrupted
type InvalidCertificateCorrupted struct{}

// InvalidCertificateDuplicateShareForRecipient is invalid_certificate_duplicate_share_for_recipient: two shares for one recipient.
//
//codec:status invalid_certificate_duplicate_share_for_recipient
type InvalidCertificateDuplicateShareForRecipient struct{}

// InvalidCertificateMissingShareForRecipient is invalid_certificate_missing_share_for_recipient: number of shares differs from number of recipients in
// the brief.
//
//codec:status invalid_certificate_missing_share_for_recipient
type InvalidCertificateMissingShareForRecipient struct{}

// InvalidCertificateShareCorrupted is invalid_certificate_share_corrupted: a share certificate does not load or verify.
//
//codec:status invalid_certificate_share_corrupted
type InvalidCertificateShareCorrupted struct{}

// InvalidCertificateShareInconsistentTimestamp is invalid_certificate_share_inconsistent_timestamp: share timestamp differs from brief timestamp.
//
//codec:status invalid_certificate_share_inconsistent_timestamp
type InvalidCertificateShareInconsistentTimestamp struct{}

// InvalidCertificateShareRecipientNotInBrief is invalid_certificate_share_recipient_not_in_brief: share for someone not in the brief.
//
//codec:status invalid_certificate_share_recipient_not_in_brief
type InvalidCertificateShareRecipientNotInBrief struct{}

// InvalidCertificateUserIDMustBeSelf is invalid_certificate_user_id_must_be_self: certificate is about another user.
//
//codec:status invalid_certificate_user_id_must_be_self
type InvalidCertificateUserIDMustBeSelf struct{}

// InvalidDERX509Certificate is invalid_der_x509_certificate: an X.509 certificate of the signature could not be parsed.
//
//codec:status invalid_der_x509_certificate
type InvalidDERX509Certificate struct{}

// InvalidOneTimePassword is invalid_one_time_password: one-time password does not match.
//
//codec:status invalid_one_time_password
type InvalidOneTimePassword struct{}

// InvalidSCWSServiceChallengeSignature is invalid_scws_service_challenge_signature: RSA (PKCS#1 v1.5, no DigestInfo) recovery does not give the
// challenge.
//
//codec:status invalid_scws_service_challenge_signature
type InvalidSCWSServiceChallengeSignature struct{}

// InvalidSubmitPayload is invalid_submit_payload: payload is not a valid submit document.
//
//codec:status invalid_submit_payload
type InvalidSubmitPayload struct{}

// InvalidSubmitPayloadSignature is invalid_submit_payload_signature: declared but never returned by the current server (signature not verified
// server-side).
//
//codec:status invalid_submit_payload_signature
type InvalidSubmitPayloadSignature struct{}

// InvalidValidationCode is invalid_validation_code: wrong code; the attempt is counted.
//
//codec:status invalid_validation_code
type InvalidValidationCode struct{}

// InvalidWebApplicationChallengePayload is invalid_web_application_challenge_payload: challenge cannot be signed (e.g. too long).
//
//codec:status invalid_web_application_challenge_payload
type InvalidWebApplicationChallengePayload struct{}

// InvalidX509Trustchain is invalid_x509_trustchain: intermediate certificates do not form one chain, some are unused, or there are over 100.
//
//codec:status invalid_x509_trustchain
type InvalidX509Trustchain struct{}

// InvitationAlreadyCancelled is invitation_already_cancelled: already cancelled.
//
//codec:status invitation_already_cancelled
type InvitationAlreadyCancelled struct{}

// InvitationAlreadyCompleted is invitation_already_completed: already completed.
//
//codec:status invitation_already_completed
type InvitationAlreadyCompleted struct{}

// InvitationCancelled is invitation_cancelled: invitation was cancelled (or its shared-recovery setup was deleted).
//
//codec:status invitation_cancelled
type InvitationCancelled struct{}

// InvitationCompleted is invitation_completed: invitation already completed.
//
//codec:status invitation_completed
type InvitationCompleted struct{}

// InvitationNotFound is invitation_not_found: unknown token in this organization.
//
//codec:status invitation_not_found
type InvitationNotFound struct{}

// ItemsMismatch is items_mismatch: set of fingerprints differs from the stored one.
//
//codec:status items_mismatch
type ItemsMismatch struct{}

// NewAuthMethodIDAlreadyExists is new_auth_method_id_already_exists: authentication-method ID collides with an existing one.
//
//codec:status new_auth_method_id_already_exists
type NewAuthMethodIDAlreadyExists struct{}

// NoTOS is no_tos: organization has no terms of service.
//
//codec:status no_tos
type NoTOS struct{}

// NotAvailable is not_available: feature not configured.
//
//codec:status not_available
type NotAvailable struct{}

// NotReady is not_ready: the other peer has not deposited its data for this step; poll again.
//
//codec:status not_ready
type NotReady struct{}

// OrganizationAlreadyBootstrapped is organization_already_bootstrapped: a root verify key is already stored.
//
//codec:status organization_already_bootstrapped
type OrganizationAlreadyBootstrapped struct{}

// OrganizationNotSequestered is organization_not_sequestered: service map given but organization is not sequestered.
//
//codec:status organization_not_sequestered
type OrganizationNotSequestered struct{}

// ParticipantMismatch is participant_mismatch: given user set differs from current members.
//
//codec:status participant_mismatch
type ParticipantMismatch struct {
	LastRealmCertificateTimestamp trust.DateTime `mp:"last_realm_certificate_timestamp"`
}

// RealmAlreadyExists is realm_already_exists: realm ID taken (idempotent retry).
//
//codec:status realm_already_exists
type RealmAlreadyExists struct {
	LastRealmCertificateTimestamp trust.DateTime `mp:"last_realm_certificate_timestamp"`
}

// RealmArchived is realm_archived: latest archiving certificate is ARCHIVED or DELETION_PLANNED, so writes are refused.
//
//codec:status realm_archived
type RealmArchived struct{}

// RealmDeleted is realm_deleted: realm data was purged by an administrator; certificates stay readable.
//
//codec:status realm_deleted
type RealmDeleted struct{}

// RealmGetKeysBundleBadKeyIndex is bad_key_index: 0 or beyond the last rotation.
//
//codec:status bad_key_index
type RealmGetKeysBundleBadKeyIndex struct{}

// RealmNotFound is realm_not_found: no realm with this ID in the organization.
//
//codec:status realm_not_found
type RealmNotFound struct{}

// RecipientAlreadyUnshared is recipient_already_unshared: recipient has no role (idempotent retry).
//
//codec:status recipient_already_unshared
type RecipientAlreadyUnshared struct {
	LastRealmCertificateTimestamp trust.DateTime `mp:"last_realm_certificate_timestamp"`
}

// RecipientNotFound is recipient_not_found: recipient user does not exist.
//
//codec:status recipient_not_found
type RecipientNotFound struct{}

// RecipientRevoked is recipient_revoked: recipient is revoked.
//
//codec:status recipient_revoked
type RecipientRevoked struct{}

// RecipientsMismatch is recipients_mismatch: recipients differ from those of the setup.
//
//codec:status recipients_mismatch
type RecipientsMismatch struct{}

// RejectedBySequesterService is rejected_by_sequester_service: a webhook sequester service answered HTTP 400.
//
//codec:status rejected_by_sequester_service
type RejectedBySequesterService struct {
	Reason    *string                  `mp:"reason,null,max=maxReason"`
	ServiceID trust.SequesterServiceID `mp:"service_id"`
}

// RequireGreaterTimestamp is require_greater_timestamp: some already stored certificate (or vlob, where stated) is as recent as the submitted one; retry
// with a timestamp strictly above the returned value.
//
//codec:status require_greater_timestamp
type RequireGreaterTimestamp struct {
	StrictlyGreaterThan trust.DateTime `mp:"strictly_greater_than"`
}

// RevokedRecipient is revoked_recipient: a recipient is revoked.
//
//codec:status revoked_recipient
type RevokedRecipient struct {
	LastCommonCertificateTimestamp trust.DateTime `mp:"last_common_certificate_timestamp"`
}

// RoleAlreadyGranted is role_already_granted: recipient already has this role (idempotent retry).
//
//codec:status role_already_granted
type RoleAlreadyGranted struct {
	LastRealmCertificateTimestamp trust.DateTime `mp:"last_realm_certificate_timestamp"`
}

// RoleIncompatibleWithOutsider is role_incompatible_with_outsider: OUTSIDER cannot be MANAGER/OWNER.
//
//codec:status role_incompatible_with_outsider
type RoleIncompatibleWithOutsider struct{}

// SelfDisableNotAllowed is self_disable_not_allowed: the method used for this very request cannot disable itself.
//
//codec:status self_disable_not_allowed
type SelfDisableNotAllowed struct{}

// SendValidationEmailRequired is send_validation_email_required: no usable code: none was sent, it is older than one hour, or three wrong tries were
// made.
//
//codec:status send_validation_email_required
type SendValidationEmailRequired struct{}

// SequesterServiceMismatch is sequester_service_mismatch: given service set differs from active services (or is null on a sequestered organization).
//
//codec:status sequester_service_mismatch
type SequesterServiceMismatch struct {
	LastSequesterCertificateTimestamp trust.DateTime `mp:"last_sequester_certificate_timestamp"`
}

// SequesterServiceUnavailable is sequester_service_unavailable: a webhook sequester service could not be reached or answered a non-2xx, non-400 code.
//
//codec:status sequester_service_unavailable
type SequesterServiceUnavailable struct {
	ServiceID trust.SequesterServiceID `mp:"service_id"`
}

// ShamirRecoveryAlreadyDeleted is shamir_recovery_already_deleted: already deleted (idempotent retry).
//
//codec:status shamir_recovery_already_deleted
type ShamirRecoveryAlreadyDeleted struct {
	LastShamirCertificateTimestamp trust.DateTime `mp:"last_shamir_certificate_timestamp"`
}

// ShamirRecoveryAlreadyExists is shamir_recovery_already_exists: a non-deleted setup exists.
//
//codec:status shamir_recovery_already_exists
type ShamirRecoveryAlreadyExists struct {
	LastShamirCertificateTimestamp trust.DateTime `mp:"last_shamir_certificate_timestamp"`
}

// ShamirRecoveryNotFound is shamir_recovery_not_found: no setup with that creation timestamp.
//
//codec:status shamir_recovery_not_found
type ShamirRecoveryNotFound struct{}

// StepMismatch is step_mismatch: a different value was already deposited by this peer for this step.
//
//codec:status step_mismatch
type StepMismatch struct{}

// StepTooAdvanced is step_too_advanced: the previous step is not complete on both sides.
//
//codec:status step_too_advanced
type StepTooAdvanced struct{}

// StoreUnavailable is store_unavailable: object storage failed (read or write).
//
//codec:status store_unavailable
type StoreUnavailable struct{}

// SubmitAndAcceptIdentitySystemsMismatch is submit_and_accept_identity_systems_mismatch: submit used PKI and accept used OpenBao, or the reverse.
//
//codec:status submit_and_accept_identity_systems_mismatch
type SubmitAndAcceptIdentitySystemsMismatch struct{}

// TOSMismatch is tos_mismatch: terms changed meanwhile.
//
//codec:status tos_mismatch
type TOSMismatch struct{}

// Throttled is throttled: too many failures for this opaque key; wait until the given time.
//
//codec:status throttled
type Throttled struct {
	WaitUntil trust.DateTime `mp:"wait_until"`
}

// TimestampOutOfBallpark is timestamp_out_of_ballpark: timestamp carried by the certificate/request is outside the accepted window around the server
// clock; the four fields let the client explain the drift.
//
//codec:status timestamp_out_of_ballpark
type TimestampOutOfBallpark struct {
	BallparkClientEarlyOffset float64        `mp:"ballpark_client_early_offset"`
	BallparkClientLateOffset  float64        `mp:"ballpark_client_late_offset"`
	ClientTimestamp           trust.DateTime `mp:"client_timestamp"`
	ServerTimestamp           trust.DateTime `mp:"server_timestamp"`
}

// TooManyElements is too_many_elements: more than 1000 items asked in one call.
//
//codec:status too_many_elements
type TooManyElements struct{}

// UnknownSCWSServiceChallengeKeyID is unknown_scws_service_challenge_key_id: index out of range, or key marked revoked.
//
//codec:status unknown_scws_service_challenge_key_id
type UnknownSCWSServiceChallengeKeyID struct{}

// UserAlreadyExists is user_already_exists: user ID or device ID already used.
//
//codec:status user_already_exists
type UserAlreadyExists struct{}

// UserAlreadyRevoked is user_already_revoked: idempotent retry.
//
//codec:status user_already_revoked
type UserAlreadyRevoked struct {
	LastCommonCertificateTimestamp trust.DateTime `mp:"last_common_certificate_timestamp"`
}

// UserNoChanges is user_no_changes: target already has this profile.
//
//codec:status user_no_changes
type UserNoChanges struct{}

// UserNotFound is user_not_found: no such user.
//
//codec:status user_not_found
type UserNotFound struct{}

// UserRevoked is user_revoked: target is revoked.
//
//codec:status user_revoked
type UserRevoked struct{}

// VlobAlreadyExists is vlob_already_exists: vlob ID already used in the realm.
//
//codec:status vlob_already_exists
type VlobAlreadyExists struct{}

// VlobNotFound is vlob_not_found: no such vlob in this realm.
//
//codec:status vlob_not_found
type VlobNotFound struct{}
