package trust

// Items of an account's vault (3.9), and the payloads of an asynchronous enrolment (3.10).

// AccountVaultKeyAccess holds the key of a vault, encrypted by what an authentication method gives.
//
//codec:map account_vault_key_access
type AccountVaultKeyAccess struct {
	VaultKey SecretKey `mp:"vault_key"`
}

// AccountVaultItemOpaqueKey keeps a key for something else.
//
//codec:map account_vault_item_opaque_key
type AccountVaultItemOpaqueKey struct {
	KeyID         AccountVaultItemOpaqueKeyID `mp:"key_id"`
	EncryptedData []byte                      `mp:"encrypted_data,max=maxCiphertext"`
}

// AccountVaultItemOpaqueKeyData is what is encrypted in an AccountVaultItemOpaqueKey. The ids must be the same.
//
//codec:map account_vault_item_opaque_key_encrypted_data
type AccountVaultItemOpaqueKeyData struct {
	KeyID AccountVaultItemOpaqueKeyID `mp:"key_id"`
	Key   SecretKey                   `mp:"key"`
}

// AccountVaultItemRegistrationDevice keeps a device with which others can be made.
//
//codec:map account_vault_item_registration_device
type AccountVaultItemRegistrationDevice struct {
	OrganizationID OrganizationID `mp:"organization_id"`
	UserID         UserID         `mp:"user_id"`
	EncryptedData  []byte         `mp:"encrypted_data,max=maxCiphertext"`
}

// Fingerprint names the item to the server.
func (i *AccountVaultItemOpaqueKey) Fingerprint() HashDigest {
	return Digest([]byte("OPAQUE_KEY." + i.KeyID.String()))
}

// Fingerprint names the item to the server.
func (i *AccountVaultItemRegistrationDevice) Fingerprint() HashDigest {
	return Digest([]byte("REGISTRATION_DEVICE." + i.OrganizationID.s + "." + i.UserID.String()))
}

// AsyncEnrollmentSubmitPayload is what a newcomer asks for.
//
//codec:map async_enrollment_submit_payload
type AsyncEnrollmentSubmitPayload struct {
	VerifyKey            VerifyKey   `mp:"verify_key"`
	PublicKey            PublicKey   `mp:"public_key"`
	RequestedDeviceLabel DeviceLabel `mp:"requested_device_label"`
	RequestedHumanHandle HumanHandle `mp:"requested_human_handle"`
}

// AsyncEnrollmentAcceptPayload is what a newcomer gets.
//
//codec:map async_enrollment_accept_payload
type AsyncEnrollmentAcceptPayload struct {
	UserID        UserID      `mp:"user_id"`
	DeviceID      DeviceID    `mp:"device_id"`
	DeviceLabel   DeviceLabel `mp:"device_label"`
	HumanHandle   HumanHandle `mp:"human_handle"`
	Profile       Profile     `mp:"profile"`
	RootVerifyKey VerifyKey   `mp:"root_verify_key"`
}

// AsyncEnrollmentLocalPending is a pending enrolment on disk. The digest is checked before the clear part is believed.
//
//codec:map async_enrollment_local_pending
type AsyncEnrollmentLocalPending struct {
	CleartextContent      []byte `mp:"cleartext_content,max=maxCiphertext"`
	CleartextDigestSealed []byte `mp:"ciphertext_cleartext_content_digest,max=maxKeyText"`
	SigningKeySealed      []byte `mp:"ciphertext_signing_key,max=maxKeyText"`
	PrivateKeySealed      []byte `mp:"ciphertext_private_key,max=maxKeyText"`
}

// AsyncEnrollmentLocalPendingContent is the clear part of a pending enrolment.
//
//codec:map async_enrollment_local_pending_cleartext_content
type AsyncEnrollmentLocalPendingContent struct {
	Server               ServerAddress     `mp:"server_url"`
	OrganizationID       OrganizationID    `mp:"organization_id"`
	SubmittedOn          DateTime          `mp:"submitted_on"`
	EnrollmentID         AsyncEnrollmentID `mp:"enrollment_id"`
	RequestedDeviceLabel DeviceLabel       `mp:"requested_device_label"`
	RequestedHumanHandle HumanHandle       `mp:"requested_human_handle"`
	IdentitySystem       IdentitySystem    `mp:"identity_system"`
}

// IdentitySystem is what vouches for a newcomer. One of the two is there.
type IdentitySystem struct {
	PKI     *PKIIdentity
	OpenBao *OpenBaoIdentity
}

// PKIIdentity is an X.509 certificate.
//
//codec:map PKI
type PKIIdentity struct {
	_              struct{}      `mp:"algorithm,const=RSAES-OAEP-SHA256"`
	CertificateRef X509Reference `mp:"certificate_ref"`
	EncryptedKey   []byte        `mp:"encrypted_key,max=maxPKIKey"`
}

// OpenBaoIdentity is an entity of OpenBao.
//
//codec:map OPEN_BAO
type OpenBaoIdentity struct {
	CiphertextKeyLoc string `mp:"openbao_ciphertext_key_path,max=maxKeyText"`
	EntityID         string `mp:"openbao_entity_id,max=maxKeyText"`
	PreferredAuthID  string `mp:"openbao_preferred_auth_id,max=maxKeyText"`
}
