package cloud

import "github.com/seed-73b3884f/parsec-agent/trust"

// CertificateGetReq is certificate_get: incremental download of all certificates the caller may see, per topic, in increasing timestamp order.
//
//codec:cmd certificate_get Authenticated
//codec:rep CertificateGetOK
type CertificateGetReq struct {
	// Strictly-after filter; null = from the beginning.
	CommonAfter         *trust.DateTime `mp:"common_after,null"`
	SequesterAfter      *trust.DateTime `mp:"sequester_after,null"`
	ShamirRecoveryAfter *trust.DateTime `mp:"shamir_recovery_after,null"`
	// Per-realm filter; realms missing from the map are sent in full.
	RealmAfter map[trust.RealmID]trust.DateTime `mp:"realm_after,max=maxList"`
}

// CertificateGetOK is ok of certificate_get.
//
//codec:status ok
type CertificateGetOK struct {
	CommonCertificates [][]byte `mp:"common_certificates,max=maxList,each=maxBytes"`
	// Realms with nothing new are omitted.
	RealmCertificates          map[trust.RealmID][][]byte `mp:"realm_certificates,max=maxList,each=maxBytes"`
	SequesterCertificates      [][]byte                   `mp:"sequester_certificates,max=maxList,each=maxBytes"`
	ShamirRecoveryCertificates [][]byte                   `mp:"shamir_recovery_certificates,max=maxList,each=maxBytes"`
}

// DeviceCreateReq is device_create: adds a device to the calling user (device certificate signed by the calling device).
//
//codec:cmd device_create Authenticated
//codec:rep OK InvalidCertificate DeviceAlreadyExists TimestampOutOfBallpark RequireGreaterTimestamp
type DeviceCreateReq struct {
	DeviceCertificate         []byte `mp:"device_certificate,max=maxBytes"`
	RedactedDeviceCertificate []byte `mp:"redacted_device_certificate,max=maxBytes"`
}

// ListFrozenUsersReq is list_frozen_users: administrator lists frozen users.
//
//codec:cmd list_frozen_users Authenticated
//codec:rep ListFrozenUsersOK AuthorNotAllowed
type ListFrozenUsersReq struct{}

// ListFrozenUsersOK is ok of list_frozen_users.
//
//codec:status ok
type ListFrozenUsersOK struct {
	FrozenUsers []trust.UserID `mp:"frozen_users,max=maxList"`
}

// UserCreateReq is user_create: administrator adds a user with its first device (certificates signed by the administrator).
//
//codec:cmd user_create Authenticated
//codec:rep OK AuthorNotAllowed ActiveUsersLimitReached UserAlreadyExists HumanHandleAlreadyTaken InvalidCertificate TimestampOutOfBallpark
//codec:rep RequireGreaterTimestamp
type UserCreateReq struct {
	UserCertificate           []byte `mp:"user_certificate,max=maxBytes"`
	DeviceCertificate         []byte `mp:"device_certificate,max=maxBytes"`
	RedactedUserCertificate   []byte `mp:"redacted_user_certificate,max=maxBytes"`
	RedactedDeviceCertificate []byte `mp:"redacted_device_certificate,max=maxBytes"`
}

// UserRevokeReq is user_revoke: administrator revokes a user.
//
//codec:cmd user_revoke Authenticated
//codec:rep OK AuthorNotAllowed UserNotFound UserAlreadyRevoked InvalidCertificate TimestampOutOfBallpark RequireGreaterTimestamp
type UserRevokeReq struct {
	RevokedUserCertificate []byte `mp:"revoked_user_certificate,max=maxBytes"`
}

// UserUpdateReq is user_update: administrator changes the profile of another user.
//
//codec:cmd user_update Authenticated
//codec:rep OK AuthorNotAllowed UserNotFound UserRevoked UserNoChanges InvalidCertificate TimestampOutOfBallpark RequireGreaterTimestamp
type UserUpdateReq struct {
	UserUpdateCertificate []byte `mp:"user_update_certificate,max=maxBytes"`
}
