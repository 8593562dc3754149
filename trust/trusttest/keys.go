package trusttest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"slices"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Rotate gives a realm another key.
func (o *Organisation) Rotate(author *Device, r *Realm) *Event {
	o.forbidOwner(author, r)
	return o.record(o.rotation(author, r, uint64(len(r.Keys))+1))
}

func (o *Organisation) rotation(author *Device, r *Realm, index uint64) *Event {
	o.next()
	fresh := must(trust.NewKeyDerivation(o.bytes(trust.KeySize)))
	content := &trust.RealmKeyRotationCertificate{
		Author: author.ID, Timestamp: o.clock, RealmID: r.ID, KeyIndex: index, KeyCanary: must(fresh.Canary()),
	}
	e := o.inRealm(RealmRotateKey, author, content)
	keys := append(slices.Clip(r.Keys), fresh)
	bundle := &trust.RealmKeysBundle{Author: author.ID, Timestamp: o.clock, RealmID: r.ID, Keys: keys}
	sealed, key, err := trust.SealKeysBundle(bundle, author.Signing)
	e.KeysBundle = must(sealed, err)
	o.giveAccess(e, r, access{key})
	e.after = func() { r.Keys, r.bundleKey = keys, access{key} }
	return e
}

// giveAccess seals the key of the bundle for everybody who gets it.
func (o *Organisation) giveAccess(e *Event, r *Realm, a access) {
	e.UserAccess = map[trust.UserID][]byte{}
	for _, m := range r.members {
		e.UserAccess[m.ID] = a.sealed(m)
	}
	if !o.sequester {
		return
	}
	e.ServiceAccess = map[trust.SequesterServiceID][]byte{}
	for _, s := range o.services {
		if !s.Revoked {
			e.ServiceAccess[s.ID] = must((&trust.RealmKeysBundleAccess{KeysBundleKey: a.key}).SealForService(s.key))
		}
	}
}

// access opens a keys bundle.
type access struct{ key trust.SecretKey }

func (a access) sealed(u *User) []byte {
	return must((&trust.RealmKeysBundleAccess{KeysBundleKey: a.key}).SealFor(u.Public))
}

// rsaKey is one that all organisations of a process use: making one takes long.
type rsaKey struct{ private, public []byte }

var rsaKeys = sync.OnceValue(func() (keys [2]rsaKey) {
	for i := range keys {
		k := must(rsa.GenerateKey(rand.Reader, 2048))
		keys[i] = rsaKey{private: must(x509.MarshalPKCS8PrivateKey(k)), public: must(x509.MarshalPKIXPublicKey(&k.PublicKey))}
	}
	return keys
})

func authority() trust.SequesterSigningKey {
	return must(trust.ParseSequesterSigningKey(rsaKeys()[0].private))
}

// otherAuthority is of another organisation.
func otherAuthority() trust.SequesterSigningKey {
	return must(trust.ParseSequesterSigningKey(rsaKeys()[1].private))
}
