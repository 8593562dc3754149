package trust

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// again is an object that was read with what it was read from.
func again(o object, read []byte) (any, error) {
	written, err := packRaw(o.encode)
	return plaintext{read: read, written: written}, err
}

// unpacked is the MessagePack in serialised data.
func unpacked(data []byte) []byte {
	return must(decompress(data[1:], MaxSize))
}

// outDevice returns the author in the description, or what a vector expects instead.
func (v *vector) author() *DeviceID {
	if v.In.has("expected_author") {
		id := DeviceID(v.In.bytes("expected_author"))
		return &id
	}
	uuid := struct {
		Author *struct {
			UUID string `json:"$uuid"`
		} `json:"author"`
	}{}
	_ = json.Unmarshal(v.Out, &uuid)
	if uuid.Author == nil {
		return nil
	}
	id := DeviceID(must(hex.DecodeString(uuid.Author.UUID)))
	return &id
}

func (v *vector) signer() Author {
	return Author{Device: v.author(), Key: VerifyKey(v.In.bytes("verify_key"))}
}

// alice is the author of vectors that must fail for another reason than their author.
var alice = DeviceID(must(hex.DecodeString("de10a11cec0010000000000000000000")))

var objects = map[string]runner{
	"verify_load":           verifyLoad,
	"sequester_verify_load": sequesterVerifyLoad,
	"load":                  loadClear,
	"decrypt_load":          decryptLoad,
	"decrypt_verify_load":   decryptVerifyLoad,
	"unseal_load": func(v *vector) (any, error) {
		plain, err := v.In.privateKey("private_key").Open(v.In.bytes("payload"))
		if err != nil {
			return nil, err
		}
		return loadAgain(plain, &RealmKeysBundleAccess{})
	},
	"unseal_verify_load": func(v *vector) (any, error) {
		own, sealed := v.In.privateKey("private_key"), v.In.bytes("payload")
		author, at := v.signer(), v.timestamp(1577836800000000)
		if author.Device == nil {
			author.Device = &alice
		}
		d, err := openShareData(sealed, own, author, at)
		if err != nil {
			return nil, err
		}
		return again(d, unpacked(must(own.Open(sealed))[SignatureSize:]))
	},
	"shamir_recover_v0": func(v *vector) (any, error) {
		plain, err := combine(v)
		if err != nil {
			return nil, err
		}
		return loadAgain(plain, &ShamirRecoverySecret{})
	},
	"decrypt_local_device": func(v *vector) (any, error) {
		key, sealed := v.In.secretKey("secret_key"), v.In.bytes("payload")
		d, err := OpenLocalDevice(sealed, key, nil)
		if err != nil {
			return nil, err
		}
		return again(d, must(key.Decrypt(sealed)))
	},
	"device_file":   deviceFile,
	"msgpack_value": msgpackValue,
}

func (v *vector) timestamp(otherwise int64) DateTime {
	if v.In.has("expected_timestamp_us") {
		otherwise = v.In.number("expected_timestamp_us")
	}
	return DateTime{otherwise}
}

func loadAgain(data []byte, o object) (any, error) {
	if err := load(data, o); err != nil {
		return nil, err
	}
	return again(o, unpacked(data))
}

func verifyLoad(v *vector) (any, error) {
	signed := v.In.bytes("payload")
	if strings.HasPrefix(v.ID, "realm_keys/") {
		b := &RealmKeysBundle{}
		if err := loadSigned(signed, v.signer(), b); err != nil {
			return nil, err
		}
		return again(b, unpacked(signed[SignatureSize:]))
	}
	c, err := VerifyCertificate(signed, v.signer())
	if err != nil {
		return nil, err
	}
	claim, err := Look(signed)
	if err != nil || claim.Type != c.Type() || claim.Timestamp != c.SignedAt() || !sameDevice(claim.Author, c.SignedBy()) {
		return nil, fmt.Errorf("the look gives %v, %w", claim, err)
	}
	if want := v.In.text("expected_type"); want != "" && want != c.Type() {
		return nil, fmt.Errorf("type %s", c.Type())
	}
	if realm, ok := c.(RealmCertificate); ok && v.In.has("expected_realm_id") && realm.Realm() != RealmID(v.In.bytes("expected_realm_id")) {
		return nil, &UnexpectedError{"realm_id"}
	}
	return again(c, unpacked(signed[SignatureSize:]))
}

func sequesterVerifyLoad(v *vector) (any, error) {
	key := must(ParseSequesterVerifyKey(v.In.bytes("public_key_der")))
	c, err := VerifyServiceCertificate(v.In.bytes("payload"), key)
	if err != nil {
		return nil, err
	}
	return again(c, unpacked(must(key.Verify(v.In.bytes("payload")))))
}

// described returns the type in the description.
func (v *vector) kind() string {
	out := struct {
		Type string `json:"type"`
	}{}
	_ = json.Unmarshal(v.Out, &out)
	return out.Type
}

func loadClear(v *vector) (any, error) {
	for _, o := range []object{
		&SequesterServiceCertificate{}, &RealmKeysBundleAccess{},
		&AccountVaultItemOpaqueKey{}, &AccountVaultItemRegistrationDevice{},
		&AsyncEnrollmentSubmitPayload{}, &AsyncEnrollmentAcceptPayload{},
		&AsyncEnrollmentLocalPending{}, &AsyncEnrollmentLocalPendingContent{},
	} {
		if o.Type() == v.kind() || v.Error != "" {
			return loadAgain(v.In.bytes("payload"), o)
		}
	}
	return nil, fmt.Errorf("no type for %s", v.kind())
}

func decryptLoad(v *vector) (any, error) {
	plain, err := v.In.secretKey("secret_key").Decrypt(v.In.bytes("payload"))
	if err != nil {
		return nil, err
	}
	for _, o := range []object{
		&InviteUserData{}, &InviteUserConfirmation{}, &InviteDeviceData{}, &InviteDeviceConfirmation{},
		&AccountVaultKeyAccess{}, &AccountVaultItemOpaqueKeyData{},
		&LocalFileManifest{}, &LocalFolderManifest{}, &LocalUserManifest{},
	} {
		if o.Type() == v.kind() {
			return loadAgain(plain, o)
		}
	}
	return nil, fmt.Errorf("no type for %s", v.kind())
}

// announced returns what a server says, as far as the vector says it; the rest is what the object says.
func (v *vector) announced(m manifest) Announced {
	id, version := m.Vlob()
	a := Announced{Author: v.signer(), Timestamp: v.timestamp(m.SignedAt().Micros()), ID: id, Version: version}
	if a.Author.Device == nil {
		a.Author.Device = m.SignedBy()
	}
	if v.In.has("expected_id") {
		a.ID = VlobID(v.In.bytes("expected_id"))
	}
	if v.In.has("expected_version") {
		a.Version = uint32(v.In.number("expected_version"))
	}
	return a
}

func decryptVerifyLoad(v *vector) (any, error) {
	key, sealed := v.In.secretKey("secret_key"), v.In.bytes("payload")
	if v.kind() == "cryptpad_session_key" {
		document := VlobID(must(hex.DecodeString("87c6b5fd3b454c94bab51d6af1c6930b")))
		k, err := OpenSessionKey(sealed, key, v.signer(), document)
		if err != nil {
			return nil, err
		}
		return again(k, unpacked(must(key.Decrypt(sealed))[SignatureSize:]))
	}
	signed, err := key.Decrypt(sealed)
	if err != nil {
		return nil, err
	}
	inner := unpacked(signed[SignatureSize:])
	r := mpack.NewReader(inner)
	said := readChild(r)
	if r.Err() != nil {
		said = &UserManifest{}
		_ = unpackRaw(inner, said.decode)
	}
	m, err := openManifest(v, said, sealed, key)
	if err != nil {
		return nil, err
	}
	return again(m, inner)
}

func openManifest(v *vector, said manifest, sealed []byte, key SecretKey) (manifest, error) {
	announced := v.announced(said)
	_, isUser := said.(*UserManifest)
	switch {
	case isUser || v.In.text("expected_type") == "user_manifest":
		return OpenUserManifest(sealed, key, announced)
	case v.ID == "manifest/workspace-root":
		return OpenWorkspaceManifest(sealed, key, RealmID(announced.ID), announced)
	}
	return OpenChildManifest(sealed, key, announced)
}

func msgpackValue(v *vector) (any, error) {
	payload := v.In.bytes("payload")
	if v.In.has("fixed_size") {
		out := make([]byte, v.In.number("fixed_size"))
		err := unpackRaw(payload, func(r *mpack.Reader) { r.Fixed(out) })
		return bin(out), err
	}
	if strings.Contains(v.ID, "datetime") {
		d := DateTime{}
		err := unpackRaw(payload, func(r *mpack.Reader) { decodeDateTime(r, &d) })
		return map[string]int64{"$datetime_us": d.Micros()}, err
	}
	a, err := DecodePasswordAlgorithm(payload)
	if err != nil {
		return nil, err
	}
	return again(&a, payload)
}

func deviceFile(v *vector) (any, error) {
	f, err := LoadDeviceFile(v.In.bytes("payload"))
	if err != nil {
		return nil, err
	}
	out := map[string]json.RawMessage{}
	if v.Out != nil {
		if err := json.Unmarshal(v.Out, &out); err != nil {
			return nil, err
		}
	}
	if _, _, err := opened(v, f); err != nil {
		return nil, err
	}
	return file{f: f, v: v, out: out}, nil
}

// opened decrypts a device file if the vector has what it needs.
func opened(v *vector, f DeviceFile) (*LocalDevice, SecretKey, error) {
	var key SecretKey
	var err error
	switch p, isPassword := f.(*PasswordFile); {
	case v.In.has("password") && isPassword:
		key, err = p.Algorithm.SecretKey([]byte(v.In.text("password")))
	case v.In.has("recovery_passphrase"):
		key, err = SecretKeyFromPassphrase([]byte(v.In.text("recovery_passphrase")))
	default:
		return nil, key, nil
	}
	if err != nil {
		return nil, key, err
	}
	totp := (*SecretKey)(nil)
	if v.In.has("totp_key") {
		k := v.In.secretKey("totp_key")
		totp = &k
	}
	ciphertext, _ := f.Sealed()
	d, err := OpenLocalDevice(ciphertext, key, totp)
	return d, key, err
}
