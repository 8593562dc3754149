package trust

// Longest parts of certificates.
const (
	maxEncryptedName = 4096
	maxCanary        = 256
	maxLabel         = 4096
	maxDER           = 16 << 10
	maxCipheredShare = 256 << 10
	maxShares        = MaxShares
)

// UserCertificate makes a user known (3.1).
//
//codec:map user_certificate
type UserCertificate struct {
	// Author is the device of the admin who enrolled, nil for the first user, who is signed by the root key.
	Author    *DeviceID `mp:"author,null"`
	Timestamp DateTime  `mp:"timestamp"`
	UserID    UserID    `mp:"user_id"`
	// HumanHandle is nil in the redacted form.
	HumanHandle *HumanHandle `mp:"human_handle,null"`
	PublicKey   PublicKey    `mp:"public_key"`
	_           struct{}     `mp:"algorithm,const=X25519_XSALSA20_POLY1305"`
	// Profile is the first one; updates follow in certificates of their own.
	Profile Profile `mp:"profile"`
}

// DeviceCertificate makes a device of a user known.
//
//codec:map device_certificate
type DeviceCertificate struct {
	// Purpose is zero in certificates that were made before there were purposes.
	Purpose   Purpose   `mp:"purpose,since"`
	Author    *DeviceID `mp:"author,null"`
	Timestamp DateTime  `mp:"timestamp"`
	UserID    UserID    `mp:"user_id"`
	DeviceID  DeviceID  `mp:"device_id"`
	// DeviceLabel is nil in the redacted form.
	DeviceLabel *DeviceLabel `mp:"device_label,null"`
	VerifyKey   VerifyKey    `mp:"verify_key"`
	_           struct{}     `mp:"algorithm,const=ED25519"`
}

// RevokedUserCertificate ends a user.
//
//codec:map revoked_user_certificate
type RevokedUserCertificate struct {
	Author    DeviceID `mp:"author"`
	Timestamp DateTime `mp:"timestamp"`
	UserID    UserID   `mp:"user_id"`
}

// UserUpdateCertificate gives a user another profile.
//
//codec:map user_update_certificate
type UserUpdateCertificate struct {
	Author     DeviceID `mp:"author"`
	Timestamp  DateTime `mp:"timestamp"`
	UserID     UserID   `mp:"user_id"`
	NewProfile Profile  `mp:"new_profile"`
}

// RealmRoleCertificate gives a user a role in a realm, or takes it away.
//
//codec:map realm_role_certificate
type RealmRoleCertificate struct {
	Author    DeviceID `mp:"author"`
	Timestamp DateTime `mp:"timestamp"`
	RealmID   RealmID  `mp:"realm_id"`
	UserID    UserID   `mp:"user_id"`
	// Role is NoRole when the role is taken away.
	Role Role `mp:"role,null"`
}

// RealmKeyRotationCertificate makes a new key of a realm known, which it does not contain.
//
//codec:map realm_key_rotation_certificate
type RealmKeyRotationCertificate struct {
	Author    DeviceID `mp:"author"`
	Timestamp DateTime `mp:"timestamp"`
	RealmID   RealmID  `mp:"realm_id"`
	// KeyIndex counts from 1.
	KeyIndex uint64   `mp:"key_index"`
	_        struct{} `mp:"encryption_algorithm,const=BLAKE2_XSALSA20_POLY1305"`
	_        struct{} `mp:"hash_algorithm,const=SHA256"`
	// KeyCanary is nothing, encrypted by the key.
	KeyCanary []byte `mp:"key_canary,max=maxCanary"`
}

// RealmNameCertificate names a realm.
//
//codec:map realm_name_certificate
type RealmNameCertificate struct {
	Author        DeviceID `mp:"author"`
	Timestamp     DateTime `mp:"timestamp"`
	RealmID       RealmID  `mp:"realm_id"`
	KeyIndex      uint64   `mp:"key_index"`
	EncryptedName []byte   `mp:"encrypted_name,max=maxEncryptedName"`
}

// RealmArchivingCertificate says whether a realm is in use.
//
//codec:map realm_archiving_certificate
type RealmArchivingCertificate struct {
	Author        DeviceID               `mp:"author"`
	Timestamp     DateTime               `mp:"timestamp"`
	RealmID       RealmID                `mp:"realm_id"`
	Configuration ArchivingConfiguration `mp:"configuration"`
}

// SequesterAuthorityCertificate makes an organisation a sequestered one. The root key signs it.
//
//codec:map sequester_authority_certificate
type SequesterAuthorityCertificate struct {
	Timestamp    DateTime `mp:"timestamp"`
	VerifyKeyDER []byte   `mp:"verify_key_der,max=maxDER"`
}

// SequesterServiceCertificate adds a service that gets the keys of all realms. The authority signs it.
//
//codec:map sequester_service_certificate
type SequesterServiceCertificate struct {
	Timestamp        DateTime           `mp:"timestamp"`
	ServiceID        SequesterServiceID `mp:"service_id"`
	ServiceLabel     string             `mp:"service_label,max=maxLabel"`
	EncryptionKeyDER []byte             `mp:"encryption_key_der,max=maxDER"`
}

// SequesterRevokedServiceCertificate ends a service. The authority signs it.
//
//codec:map sequester_revoked_service_certificate
type SequesterRevokedServiceCertificate struct {
	Timestamp DateTime           `mp:"timestamp"`
	ServiceID SequesterServiceID `mp:"service_id"`
}

// ShamirRecoveryBriefCertificate says who holds how many shares of a user's recovery.
//
//codec:map shamir_recovery_brief_certificate
type ShamirRecoveryBriefCertificate struct {
	Author    DeviceID `mp:"author"`
	Timestamp DateTime `mp:"timestamp"`
	UserID    UserID   `mp:"user_id"`
	// Threshold is how many shares suffice.
	Threshold          uint8            `mp:"threshold"`
	PerRecipientShares map[UserID]uint8 `mp:"per_recipient_shares,max=maxShares"`
}

// ShamirRecoveryShareCertificate carries the shares of one recipient.
//
//codec:map shamir_recovery_share_certificate
type ShamirRecoveryShareCertificate struct {
	Author    DeviceID `mp:"author"`
	Timestamp DateTime `mp:"timestamp"`
	UserID    UserID   `mp:"user_id"`
	Recipient UserID   `mp:"recipient"`
	// CipheredShare is sealed for the recipient.
	CipheredShare []byte `mp:"ciphered_share,max=maxCipheredShare"`
}

// ShamirRecoveryDeletionCertificate ends a user's recovery.
//
//codec:map shamir_recovery_deletion_certificate
type ShamirRecoveryDeletionCertificate struct {
	Author                 DeviceID            `mp:"author"`
	Timestamp              DateTime            `mp:"timestamp"`
	SetupToDeleteTimestamp DateTime            `mp:"setup_to_delete_timestamp"`
	SetupToDeleteUserID    UserID              `mp:"setup_to_delete_user_id"`
	ShareRecipients        map[UserID]struct{} `mp:"share_recipients,max=maxShares"`
}
