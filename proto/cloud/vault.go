package cloud

import "github.com/seed-73b3884f/parsec-agent/trust"

// VaultItemListReq is vault_item_list: returns all items of the current vault and the vault key encrypted for the calling method.
//
//codec:cmd vault_item_list Account
//codec:rep VaultItemListOK
type VaultItemListReq struct{}

// VaultItemListOK is ok of vault_item_list.
//
//codec:status ok
type VaultItemListOK struct {
	Items     map[trust.HashDigest][]byte `mp:"items,max=maxList,each=maxBytes"`
	KeyAccess []byte                      `mp:"key_access,max=maxBytes"`
}

// VaultItemRecoveryListReq is vault_item_recovery_list: returns current and previous vaults with all their methods (disabled ones too) so that lost
// items may be recovered.
//
//codec:cmd vault_item_recovery_list Account
//codec:rep VaultItemRecoveryListOK
type VaultItemRecoveryListReq struct{}

// VaultItemRecoveryListOK is ok of vault_item_recovery_list.
//
//codec:status ok
type VaultItemRecoveryListOK struct {
	CurrentVault   RecoveryVault   `mp:"current_vault"`
	PreviousVaults []RecoveryVault `mp:"previous_vaults,max=maxList"`
}

// RecoveryVault is a vault, the present one or a former one.
//
//codec:map
type RecoveryVault struct {
	AuthMethods []RecoveryAuthMethod        `mp:"auth_methods,max=maxList"`
	VaultItems  map[trust.HashDigest][]byte `mp:"vault_items,max=maxList,each=maxBytes"`
}

// RecoveryAuthMethod is a way to log in to an account, in use or not.
//
//codec:map
type RecoveryAuthMethod struct {
	AuthMethodID       trust.AccountAuthMethodID         `mp:"auth_method_id"`
	CreatedByIP        string                            `mp:"created_by_ip,max=maxText"`
	CreatedByUserAgent string                            `mp:"created_by_user_agent,max=maxText"`
	CreatedOn          trust.DateTime                    `mp:"created_on"`
	DisabledOn         *trust.DateTime                   `mp:"disabled_on,null"`
	PasswordAlgorithm  *trust.UntrustedPasswordAlgorithm `mp:"password_algorithm,null"`
	VaultKeyAccess     []byte                            `mp:"vault_key_access,max=maxBytes"`
}

// VaultItemUploadReq is vault_item_upload: adds one opaque item under a fingerprint chosen by the client.
//
//codec:cmd vault_item_upload Account
//codec:rep OK FingerprintAlreadyExists
type VaultItemUploadReq struct {
	ItemFingerprint trust.HashDigest `mp:"item_fingerprint"`
	Item            []byte           `mp:"item,max=maxBytes"`
}

// VaultKeyRotationReq is vault_key_rotation: re-encrypts the whole vault under a new key: replaces all items and all authentication methods by one new
// method.
//
//codec:cmd vault_key_rotation Account
//codec:rep OK ItemsMismatch NewAuthMethodIDAlreadyExists
type VaultKeyRotationReq struct {
	NewAuthMethodID                trust.AccountAuthMethodID         `mp:"new_auth_method_id"`
	NewAuthMethodMACKey            trust.SecretKey                   `mp:"new_auth_method_mac_key"`
	NewAuthMethodPasswordAlgorithm *trust.UntrustedPasswordAlgorithm `mp:"new_auth_method_password_algorithm,null"`
	NewVaultKeyAccess              []byte                            `mp:"new_vault_key_access,max=maxBytes"`
	Items                          map[trust.HashDigest][]byte       `mp:"items,max=maxList,each=maxBytes"`
}
