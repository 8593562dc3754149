package trust

import (
	"bytes"
	"testing"
)

// FuzzSealed signs and encrypts any content as somebody does who has the keys, and opens it in every way that there is. What opens is
// what was announced, and of its type.
func FuzzSealed(f *testing.F) {
	for _, plain := range plaintexts(f) {
		f.Add(must(packed(plain)))
	}
	s := newSealedFuzz()
	f.Fuzz(func(t *testing.T, message []byte) {
		signed := must(s.signing.Sign(message))
		sealed := must(s.key.Encrypt(signed))
		s.manifests(t, sealed)
		s.others(t, message, signed, sealed)
	})
}

// packed is content as it is signed.
func packed(plain []byte) ([]byte, error) {
	c, err := compressor()
	if err != nil {
		return nil, err
	}
	return c.EncodeAll(plain, []byte{format0}), nil
}

type sealedFuzz struct {
	signing SigningKey
	key     SecretKey
	private PrivateKey
	public  PublicKey
	device  DeviceID
	author  Author
	// access is to a keys bundle.
	access []byte
}

func newSealedFuzz() *sealedFuzz {
	s := &sealedFuzz{signing: GenerateSigningKey(), key: GenerateSecretKey(), private: GeneratePrivateKey(), device: NewDeviceID()}
	s.author = Author{Device: &s.device, Key: must(s.signing.VerifyKey())}
	s.public = must(s.private.Public())
	s.access = must((&RealmKeysBundleAccess{KeysBundleKey: s.key}).SealFor(s.public))
	return s
}

func (s *sealedFuzz) manifests(t *testing.T, sealed []byte) {
	announced := Announced{Author: s.author, ID: NewVlobID(), Version: 1}
	if m, err := OpenUserManifest(sealed, s.key, announced); err == nil && (m.ID != announced.ID || m.Author != s.device) {
		t.Errorf("user manifest %v", m)
	}
	if m, err := OpenWorkspaceManifest(sealed, s.key, RealmID(announced.ID), announced); err == nil && m.ID != m.Parent {
		t.Errorf("workspace manifest %v", m)
	}
	if m, err := OpenChildManifest(sealed, s.key, announced); err == nil {
		if id, version := m.Vlob(); id != announced.ID || version != 1 || m.ParentID() == id {
			t.Errorf("child manifest %v", m)
		}
	}
}

func (s *sealedFuzz) others(t *testing.T, message, signed, sealed []byte) {
	if k, err := OpenSessionKey(sealed, s.key, s.author, VlobID{}); err == nil && (k.Author != s.device || k.DocumentID != VlobID{}) {
		t.Errorf("session key of %v", k.Author)
	}
	c := &ShamirRecoveryShareCertificate{Author: s.device, CipheredShare: must(s.public.Seal(signed))}
	if d, err := OpenShareData(c, s.private, s.author.Key); err == nil && (d.Author != s.device || d.Timestamp != DateTime{}) {
		t.Errorf("share of %v", d.Author)
	}
	_, _ = OpenLocalDevice(must(s.key.Encrypt(message)), s.key, nil)
	rotation := &RealmKeyRotationCertificate{Author: s.device, KeyIndex: 1}
	in := BundleInput{
		Access: s.access, Bundle: sealed, Rotations: []*RealmKeyRotationCertificate{rotation},
		Lookup: func(Claim) (VerifyKey, error) { return s.author.Key, nil },
	}
	if keys, err := OpenRealmKeys(in, s.private); err == nil {
		if _, _, err := keys.Current(); err == nil {
			t.Error("a key opens a canary that there is not")
		}
	}
	in.Access = must(s.public.Seal(message))
	_, _ = OpenRealmKeys(in, s.private)
	if plain, err := decompress(bytes.TrimPrefix(message, []byte{format0}), MaxCertificateSize); err == nil {
		_, _ = DecodePasswordAlgorithm(plain)
	}
}
