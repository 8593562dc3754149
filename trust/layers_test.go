package trust

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math/big"
	"testing"
)

func TestConfidential(t *testing.T) {
	key := GenerateSecretKey()
	data := &InviteDeviceData{RequestedDeviceLabel: must(NewDeviceLabel("laptop")), VerifyKey: VerifyKey{1}}
	sealed := must(Encrypt(data, key))
	got := &InviteDeviceData{}
	if err := Decrypt(sealed, key, got); err != nil || *got != *data {
		t.Errorf("%v, %v", got, err)
	}
	if err := Decrypt(sealed, GenerateSecretKey(), got); !errors.Is(err, ErrDecryption) {
		t.Errorf("another key: %v", err)
	}
	if err := Decrypt(sealed, key, &InviteUserData{}); !errors.Is(err, ErrContent) {
		t.Errorf("another type: %v", err)
	}
	if _, err := Encrypt(&InviteDeviceData{}, key); !errors.Is(err, ErrText) {
		t.Errorf("a label that nobody checked: %v", err)
	}
}

func TestClear(t *testing.T) {
	item := &AccountVaultItemOpaqueKey{KeyID: AccountVaultItemOpaqueKeyID{1}, EncryptedData: []byte("data")}
	got := &AccountVaultItemOpaqueKey{}
	if err := Load(must(Dump(item)), got); err != nil || got.Fingerprint() != item.Fingerprint() || !bytes.Equal(got.EncryptedData, item.EncryptedData) {
		t.Errorf("%v, %v", got, err)
	}
}

// TestSharedRecovery: three of five shares, dealt to two recipients, open the secret.
func TestSharedRecovery(t *testing.T) {
	author, signing := NewDeviceID(), GenerateSigningKey()
	verify := must(signing.VerifyKey())
	secretOf := &ShamirRecoverySecret{DataKey: GenerateSecretKey(), RevealToken: GenerateAccessToken()}
	shares := must(SplitRecovery(secretOf, 3, 5))
	at := DateTime{5}
	found := []Share{}
	for _, dealt := range [][]Share{shares[:1], shares[3:]} {
		recipient := GeneratePrivateKey()
		sealed := must(SealShareData(&ShamirRecoveryShareData{Author: author, Timestamp: at, WeightedShare: dealt}, signing, must(recipient.Public())))
		c := &ShamirRecoveryShareCertificate{Author: author, Timestamp: at, CipheredShare: sealed}
		got, err := OpenShareData(c, recipient, verify)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, got.WeightedShare...)
		later := *c
		later.Timestamp = DateTime{6}
		unexpected := &UnexpectedError{}
		if _, err := OpenShareData(&later, recipient, verify); !errors.As(err, &unexpected) || unexpected.Field != "timestamp" {
			t.Errorf("share of another time: %v", err)
		}
	}
	got, err := CombineRecovery(found, 3)
	if err != nil || !got.DataKey.Equal(secretOf.DataKey) || !got.RevealToken.Equal(secretOf.RevealToken) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := CombineRecovery(found[:2], 2); err == nil {
		t.Error("two shares are enough")
	}
}

func TestSessionKey(t *testing.T) {
	author, signing, realmKey := NewDeviceID(), GenerateSigningKey(), GenerateKeyDerivation()
	document := NewVlobID()
	key := must(realmKey.DocumentKey(document))
	k := &CryptpadSessionKey{Author: author, DocumentID: document, CanEdit: true, Key: must(NewTextKey([]byte("edit")))}
	sealed := must(SealSessionKey(k, signing, key))
	by := Author{Device: &author, Key: must(signing.VerifyKey())}
	got, err := OpenSessionKey(sealed, key, by, document)
	if err != nil || !got.CanEdit || string(must(got.Key.Export())) != "edit" {
		t.Errorf("%v, %v", got, err)
	}
	unexpected := &UnexpectedError{}
	if _, err := OpenSessionKey(sealed, key, by, NewVlobID()); !errors.As(err, &unexpected) {
		t.Errorf("another document: %v", err)
	}
	other := NewDeviceID()
	by.Device = &other
	if _, err := OpenSessionKey(sealed, key, by, document); !errors.As(err, &unexpected) || unexpected.Field != "author" {
		t.Errorf("another author: %v", err)
	}
}

// TestDeviceLayers: the key of one-time codes is the outer layer.
func TestDeviceLayers(t *testing.T) {
	primary, totp := GenerateSecretKey(), GenerateSecretKey()
	handle := must(NewHumanHandle("alice@example.com", "Alice"))
	d := &LocalDevice{
		Server: must(ParseServerAddress("parsec3://example.com")), OrganizationID: must(NewOrganizationID("Org")),
		DeviceLabel: must(NewDeviceLabel("laptop")), HumanHandle: handle, InitialProfile: Standard,
		SigningKey: GenerateSigningKey(), PrivateKey: GeneratePrivateKey(), UserRealmKey: GenerateSecretKey(), LocalSymkey: GenerateSecretKey(),
	}
	sealed := must(d.Seal(primary, &totp))
	got, err := OpenLocalDevice(sealed, primary, &totp)
	if err != nil || !got.SigningKey.Equal(d.SigningKey) || !got.PrivateKey.Equal(d.PrivateKey) || got.Server != d.Server {
		t.Fatalf("%v, %v", got, err)
	}
	if inner, err := totp.Decrypt(sealed); err != nil || second(primary.Decrypt(inner)) != nil {
		t.Errorf("the outer layer is not that of the one-time codes: %v", err)
	}
	if _, err := OpenLocalDevice(sealed, primary, nil); !errors.Is(err, ErrDecryption) {
		t.Errorf("without the key of one-time codes: %v", err)
	}
	got.Wipe()
	if _, err := got.SigningKey.Sign(nil); !errors.Is(err, ErrWiped) {
		t.Errorf("after Wipe: %v", err)
	}
}

func certificateFor(t *testing.T, public any, private any) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return must(x509.ParseCertificate(der))
}

func TestX509(t *testing.T) {
	key := must(rsa.GenerateKey(rand.Reader, 2048))
	certificate := certificateFor(t, &key.PublicKey, key)
	payload := []byte("payload")
	signature := must(SignX509(key, payload))
	if err := VerifyX509(certificate, payload, signature); err != nil {
		t.Error(err)
	}
	if err := VerifyX509(certificate, []byte("other"), signature); !errors.Is(err, ErrSignature) {
		t.Errorf("another payload: %v", err)
	}
	secretKey := GenerateSecretKey()
	sealed := must(EncryptX509(certificate, secretKey))
	if got, err := DecryptX509(key, sealed); err != nil || !got.Equal(secretKey) {
		t.Errorf("%v", err)
	}
	sealed[9] ^= 1
	if _, err := DecryptX509(key, sealed); !errors.Is(err, ErrDecryption) {
		t.Errorf("changed: %v", err)
	}
	curve := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	if err := VerifyX509(certificateFor(t, &curve.PublicKey, curve), payload, signature); !errors.Is(err, ErrNotRSA) {
		t.Errorf("a certificate of another kind of key: %v", err)
	}
}

// TestURLPath: a path inside of a workspace travels in an address.
func TestURLPath(t *testing.T) {
	key, path := GenerateKeyDerivation(), must(ParsePath("/Börse/a b/../c"))
	a := &PathAddress{Realm: NewRealmID(), KeyIndex: 2, EncryptedPath: must(key.SealURLPath(path))}
	a.Server, a.Organization = must(ParseServerAddress("parsec3://example.com?no_ssl=true")), must(NewOrganizationID("Org"))
	read, err := ParseAction(must(a.URL()))
	if err != nil {
		t.Fatal(err)
	}
	got, ok := read.(*PathAddress)
	if !ok || got.Realm != a.Realm || got.KeyIndex != 2 {
		t.Fatalf("%v", read)
	}
	if p, err := key.OpenURLPath(got.EncryptedPath); err != nil || p.String() != "/Börse/c" {
		t.Errorf("%v, %v", p, err)
	}
}
