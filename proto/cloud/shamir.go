package cloud

import "github.com/seed-73b3884f/parsec-agent/trust"

// ShamirRecoveryDeleteReq is shamir_recovery_delete: deletes the active shared-recovery setup of the caller.
//
//codec:cmd shamir_recovery_delete Authenticated
//codec:rep OK InvalidCertificateCorrupted InvalidCertificateUserIDMustBeSelf ShamirRecoveryNotFound RecipientsMismatch ShamirRecoveryAlreadyDeleted
//codec:rep TimestampOutOfBallpark RequireGreaterTimestamp
type ShamirRecoveryDeleteReq struct {
	ShamirRecoveryDeletionCertificate []byte `mp:"shamir_recovery_deletion_certificate,max=maxBytes"`
}

// ShamirRecoverySetupReq is shamir_recovery_setup: stores a shared-recovery setup: encrypted device data, reveal token, brief certificate and one share
// certificate per recipient.
//
//codec:cmd shamir_recovery_setup Authenticated
//codec:rep OK InvalidCertificateBriefCorrupted InvalidCertificateShareCorrupted InvalidCertificateShareRecipientNotInBrief
//codec:rep InvalidCertificateDuplicateShareForRecipient InvalidCertificateAuthorIncludedAsRecipient InvalidCertificateMissingShareForRecipient
//codec:rep InvalidCertificateShareInconsistentTimestamp InvalidCertificateUserIDMustBeSelf RecipientNotFound RevokedRecipient
//codec:rep ShamirRecoveryAlreadyExists TimestampOutOfBallpark RequireGreaterTimestamp
type ShamirRecoverySetupReq struct {
	CipheredData                    []byte            `mp:"ciphered_data,max=maxBytes"`
	RevealToken                     trust.AccessToken `mp:"reveal_token"`
	ShamirRecoveryBriefCertificate  []byte            `mp:"shamir_recovery_brief_certificate,max=maxBytes"`
	ShamirRecoveryShareCertificates [][]byte          `mp:"shamir_recovery_share_certificates,max=maxRecipients,each=maxBytes"`
}
