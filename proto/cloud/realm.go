package cloud

import "github.com/seed-73b3884f/parsec-agent/trust"

// RealmCreateReq is realm_create: creates a realm with the caller as OWNER.
//
//codec:cmd realm_create Authenticated
//codec:rep OK RealmAlreadyExists AuthorNotAllowed InvalidCertificate TimestampOutOfBallpark RequireGreaterTimestamp
type RealmCreateReq struct {
	RealmRoleCertificate []byte `mp:"realm_role_certificate,max=maxBytes"`
}

// RealmGetKeysBundleReq is realm_get_keys_bundle: gets a keys bundle and the latest access to it encrypted for the caller.
//
//codec:cmd realm_get_keys_bundle Authenticated
//codec:rep RealmGetKeysBundleOK AccessNotAvailableForAuthor AuthorNotAllowed RealmDeleted RealmGetKeysBundleBadKeyIndex
type RealmGetKeysBundleReq struct {
	RealmID  trust.RealmID `mp:"realm_id"`
	KeyIndex uint64        `mp:"key_index"`
}

// RealmGetKeysBundleOK is ok of realm_get_keys_bundle.
//
//codec:status ok
type RealmGetKeysBundleOK struct {
	KeysBundle       []byte `mp:"keys_bundle,max=maxBytes"`
	KeysBundleAccess []byte `mp:"keys_bundle_access,max=maxBytes"`
}

// RealmRenameReq is realm_rename: publishes a new encrypted name for the realm.
//
//codec:cmd realm_rename Authenticated
//codec:rep OK InitialNameAlreadyExists AuthorNotAllowed BadKeyIndex InvalidCertificate RealmNotFound RealmDeleted TimestampOutOfBallpark
//codec:rep RequireGreaterTimestamp
type RealmRenameReq struct {
	RealmNameCertificate []byte `mp:"realm_name_certificate,max=maxBytes"`
	InitialNameOrFail    bool   `mp:"initial_name_or_fail"`
}

// RealmRotateKeyReq is realm_rotate_key: adds a new realm key: rotation certificate, new keys bundle, one access per member and per active sequester
// service.
//
//codec:cmd realm_rotate_key Authenticated
//codec:rep OK AuthorNotAllowed RealmNotFound RealmDeleted BadKeyIndex ParticipantMismatch SequesterServiceMismatch RejectedBySequesterService
//codec:rep SequesterServiceUnavailable OrganizationNotSequestered InvalidCertificate TimestampOutOfBallpark RequireGreaterTimestamp
type RealmRotateKeyReq struct {
	RealmKeyRotationCertificate         []byte                              `mp:"realm_key_rotation_certificate,max=maxBytes"`
	PerParticipantKeysBundleAccess      map[trust.UserID][]byte             `mp:"per_participant_keys_bundle_access,max=maxList,each=maxBytes"`
	PerSequesterServiceKeysBundleAccess map[trust.SequesterServiceID][]byte `mp:"per_sequester_service_keys_bundle_access,null,max=maxList,each=maxBytes"`
	KeysBundle                          []byte                              `mp:"keys_bundle,max=maxBytes"`
}

// RealmSelfPromoteToOwnerReq is realm_self_promote_to_owner: when no non-revoked OWNER is left, one of the members with the highest remaining role makes
// himself OWNER. Since API 5.5.
//
//codec:cmd realm_self_promote_to_owner Authenticated
//codec:rep OK AuthorIsOutsider AuthorNotAllowed RealmNotFound RealmDeleted ActiveOwnerAlreadyExists InvalidCertificate TimestampOutOfBallpark
//codec:rep RequireGreaterTimestamp
type RealmSelfPromoteToOwnerReq struct {
	RealmRoleCertificate []byte `mp:"realm_role_certificate,max=maxBytes"`
}

// RealmShareReq is realm_share: gives or changes a role of another user and hands him the last key.
//
//codec:cmd realm_share Authenticated
//codec:rep OK AuthorNotAllowed RealmNotFound RealmDeleted RecipientNotFound RecipientRevoked RoleIncompatibleWithOutsider RoleAlreadyGranted
//codec:rep BadKeyIndex InvalidCertificate TimestampOutOfBallpark RequireGreaterTimestamp
type RealmShareReq struct {
	RealmRoleCertificate      []byte `mp:"realm_role_certificate,max=maxBytes"`
	RecipientKeysBundleAccess []byte `mp:"recipient_keys_bundle_access,max=maxBytes"`
	KeyIndex                  uint64 `mp:"key_index"`
}

// RealmUnshareReq is realm_unshare: removes the role of another user (revoked users included).
//
//codec:cmd realm_unshare Authenticated
//codec:rep OK AuthorNotAllowed RealmNotFound RealmDeleted RecipientNotFound RecipientAlreadyUnshared InvalidCertificate TimestampOutOfBallpark
//codec:rep RequireGreaterTimestamp
type RealmUnshareReq struct {
	RealmRoleCertificate []byte `mp:"realm_role_certificate,max=maxBytes"`
}

// RealmUpdateArchivingReq is realm_update_archiving: OWNER sets archiving state: available, archived, or deletion planned at a date. Since API 5.5.
//
//codec:cmd realm_update_archiving Authenticated
//codec:rep OK AuthorNotAllowed InvalidCertificate RealmNotFound RealmDeleted ArchivingPeriodTooShort RequireGreaterTimestamp TimestampOutOfBallpark
type RealmUpdateArchivingReq struct {
	ArchivingCertificate []byte `mp:"archiving_certificate,max=maxBytes"`
}
