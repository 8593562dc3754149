package trust

// maxRealmKeys bounds how often a realm's key can be changed, and a bundle to less than MaxCertificateSize.
const maxRealmKeys = 1 << 14

// RealmKeysBundle holds all keys of a realm up to a rotation (3.2): the key with index i is element i-1.
//
//codec:map realm_keys_bundle
type RealmKeysBundle struct {
	Author    DeviceID        `mp:"author"`
	Timestamp DateTime        `mp:"timestamp"`
	RealmID   RealmID         `mp:"realm_id"`
	Keys      []KeyDerivation `mp:"keys,max=maxRealmKeys"`
}

// RealmKeysBundleAccess holds the key of a bundle. It travels sealed for one user or service.
//
//codec:map realm_keys_bundle_access
type RealmKeysBundleAccess struct {
	KeysBundleKey SecretKey `mp:"keys_bundle_key"`
}
