package trust

// What greeter and claimer tell each other (3.5), encrypted by their shared secret. Nothing of it is signed.

// InviteUserData is what a new user asks for.
//
//codec:map invite_user_data
type InviteUserData struct {
	RequestedDeviceLabel DeviceLabel `mp:"requested_device_label"`
	RequestedHumanHandle HumanHandle `mp:"requested_human_handle"`
	PublicKey            PublicKey   `mp:"public_key"`
	VerifyKey            VerifyKey   `mp:"verify_key"`
}

// InviteUserConfirmation is what a new user gets.
//
//codec:map invite_user_confirmation
type InviteUserConfirmation struct {
	UserID        UserID      `mp:"user_id"`
	DeviceID      DeviceID    `mp:"device_id"`
	DeviceLabel   DeviceLabel `mp:"device_label"`
	HumanHandle   HumanHandle `mp:"human_handle"`
	Profile       Profile     `mp:"profile"`
	RootVerifyKey VerifyKey   `mp:"root_verify_key"`
}

// InviteDeviceData is what a new device of the same user asks for.
//
//codec:map invite_device_data
type InviteDeviceData struct {
	RequestedDeviceLabel DeviceLabel `mp:"requested_device_label"`
	VerifyKey            VerifyKey   `mp:"verify_key"`
}

// InviteDeviceConfirmation is what a new device gets: the keys of its user among it.
//
//codec:map invite_device_confirmation
type InviteDeviceConfirmation struct {
	UserID        UserID      `mp:"user_id"`
	DeviceID      DeviceID    `mp:"device_id"`
	DeviceLabel   DeviceLabel `mp:"device_label"`
	HumanHandle   HumanHandle `mp:"human_handle"`
	Profile       Profile     `mp:"profile"`
	PrivateKey    PrivateKey  `mp:"private_key"`
	UserRealmID   RealmID     `mp:"user_realm_id"`
	UserRealmKey  SecretKey   `mp:"user_realm_key"`
	RootVerifyKey VerifyKey   `mp:"root_verify_key"`
}

// InviteShamirRecoveryData says nothing.
//
//codec:map invite_shamir_recovery_data
type InviteShamirRecoveryData struct{}

// InviteShamirRecoveryConfirmation carries the shares that a recipient holds.
//
//codec:map invite_shamir_recovery_confirmation
type InviteShamirRecoveryConfirmation struct {
	WeightedShare []Share `mp:"weighted_share,max=maxShares"`
}

// ShamirRecoveryShareData is what a recipient holds (3.6).
//
//codec:map shamir_recovery_share_data
type ShamirRecoveryShareData struct {
	Author        DeviceID `mp:"author"`
	Timestamp     DateTime `mp:"timestamp"`
	WeightedShare []Share  `mp:"weighted_share,max=maxShares"`
}

// ShamirRecoverySecret is what is split into shares.
//
//codec:map shamir_recovery_secret
type ShamirRecoverySecret struct {
	DataKey     SecretKey   `mp:"data_key"`
	RevealToken AccessToken `mp:"reveal_token"`
}

// CryptpadSessionKey lets members of a realm into a collaborative document (3.2).
//
//codec:map cryptpad_session_key
type CryptpadSessionKey struct {
	Author     DeviceID `mp:"author"`
	Timestamp  DateTime `mp:"timestamp"`
	DocumentID VlobID   `mp:"document_id"`
	CanEdit    bool     `mp:"can_edit"`
	Key        TextKey  `mp:"key"`
}

// TextKey is a secret that others keep as a text.
type TextKey struct{ secret }

// NewTextKey copies the text.
func NewTextKey(b []byte) (TextKey, error) { return TextKey{newSecret(b)}, nil }
