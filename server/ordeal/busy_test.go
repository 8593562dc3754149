package ordeal

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// office is an organisation whose clients encrypt as clients do, and what they hide.
type office struct {
	*Organization
	t        *testing.T
	canaries map[string][]byte
	alice    *Device
	bob      *Device
	realm    trust.RealmID
	key      trust.KeyDerivation
}

// busy does what people do all day, and returns every text and key that there was.
func busy(t *testing.T, s *Server) map[string][]byte {
	t.Helper()
	o := &office{Organization: s.Unborn(), t: t, canaries: map[string][]byte{}, key: trust.GenerateKeyDerivation()}
	o.alice = o.First
	o.alice.Handle = Must(trust.NewHumanHandle(o.text("e-mail of alice")+"@example.com", o.text("name of alice")))
	OK(t, o.Anonymous(o.BootstrapReq()))
	stream := o.alice.Listen("")
	o.greet()
	o.keep("signing key of alice", o.alice.Signing)
	o.keep("private key of alice", o.alice.Private)
	o.keep("signing key of bob", o.bob.Signing)
	o.keep("private key of bob", o.bob.Private)
	o.laptop()
	o.workspace()
	o.file()
	o.recover()
	o.codes()
	o.careless()
	Await[*cloud.EventCommonCertificate](stream)
	return o.canaries
}

// text makes a text that is nowhere else.
func (o *office) text(name string) string {
	text := fmt.Sprintf("canary%x", Must(trust.GenerateAccessToken().Export()))
	o.canaries[name] = []byte(text)
	return text
}

func (o *office) keep(name string, secret interface{ Export() ([]byte, error) }) {
	o.canaries[name] = Must(secret.Export())
}

// greet takes bob in by an invitation, with codes that both compare, and payloads for the two of them alone.
func (o *office) greet() {
	bob := o.NewDevice(o.text("e-mail of bob"))
	bob.Handle = Must(trust.NewHumanHandle(bob.Handle.Email.String(), o.text("name of bob")))
	invite := &cloud.InviteNewUserReq{ClaimerEmail: bob.Handle.Email, SendEmail: false}
	token := Decode[cloud.InviteNewUserOK](o.t, o.alice.Do(invite), invite.DecodeReply).Token
	o.keep("token of an invitation", token)
	start := &cloud.InviteGreeterStartGreetingAttemptReq{Token: token}
	attempt := Decode[cloud.InviteGreeterStartGreetingAttemptOK](o.t, o.alice.Do(start), start.DecodeReply).GreetingAttempt
	OK(o.t, o.Invited(token, &cloud.InviteClaimerStartGreetingAttemptReq{Greeter: o.alice.User}))
	greeter, claimer := trust.GeneratePrivateKey(), trust.GeneratePrivateKey()
	shared := Must(greeter.GreeterSharedSecret(Must(claimer.Public())))
	o.keep("secret of greeter and claimer", shared)
	if !shared.Equal(Must(claimer.ClaimerSharedSecret(Must(greeter.Public())))) {
		o.t.Fatal("greeter and claimer have different secrets")
	}
	one, two := trust.GenerateNonce(), trust.GenerateNonce()
	wish := Must(trust.Encrypt(&trust.InviteUserData{
		RequestedDeviceLabel: Must(trust.NewDeviceLabel(o.text("label that bob wishes"))), RequestedHumanHandle: bob.Handle,
		PublicKey: Must(bob.Private.Public()), VerifyKey: Must(bob.Signing.VerifyKey()),
	}, shared))
	grant := Must(trust.Encrypt(&trust.InviteUserConfirmation{
		UserID: bob.User, DeviceID: bob.ID, DeviceLabel: Must(trust.NewDeviceLabel(o.text("label that bob gets"))), HumanHandle: bob.Handle,
		Profile: trust.Standard, RootVerifyKey: Must(o.Root.VerifyKey()),
	}, shared))
	for n, steps := range []struct {
		greeter cloud.GreeterStep
		claimer cloud.ClaimerStep
	}{
		{&cloud.GreeterStep0WaitPeer{PublicKey: Must(greeter.Public())}, &cloud.ClaimerStep0WaitPeer{PublicKey: Must(claimer.Public())}},
		{&cloud.GreeterStep1GetHashedNonce{}, &cloud.ClaimerStep1SendHashedNonce{HashedNonce: trust.Digest(one[:])}},
		{&cloud.GreeterStep2SendNonce{GreeterNonce: two[:]}, &cloud.ClaimerStep2GetNonce{}},
		{&cloud.GreeterStep3GetNonce{}, &cloud.ClaimerStep3SendNonce{ClaimerNonce: one[:]}},
		{&cloud.GreeterStep4WaitPeerTrust{}, &cloud.ClaimerStep4SignifyTrust{}},
		{&cloud.GreeterStep5SignifyTrust{}, &cloud.ClaimerStep5WaitPeerTrust{}},
		{&cloud.GreeterStep6GetPayload{}, &cloud.ClaimerStep6SendPayload{ClaimerPayload: wish}},
		{&cloud.GreeterStep7SendPayload{GreeterPayload: grant}, &cloud.ClaimerStep7GetPayload{}},
		{&cloud.GreeterStep8WaitPeerAcknowledgment{}, &cloud.ClaimerStep8Acknowledge{}},
	} {
		if n == 7 {
			OK(o.t, o.alice.Do(o.alice.UserCreateReq(bob, trust.Standard)))
		}
		Want(o.t, o.alice.Do(&cloud.InviteGreeterStepReq{GreetingAttempt: attempt, GreeterStep: steps.greeter}), "not_ready")
		OK(o.t, o.Invited(token, &cloud.InviteClaimerStepReq{GreetingAttempt: attempt, ClaimerStep: steps.claimer}))
		OK(o.t, o.alice.Do(&cloud.InviteGreeterStepReq{GreetingAttempt: attempt, GreeterStep: steps.greeter}))
	}
	OK(o.t, o.alice.Do(&cloud.InviteCompleteReq{Token: token}))
	o.bob = bob
}

// laptop adds a device of alice, whose label everybody sees.
func (o *office) laptop() {
	other := o.alice.Sibling()
	o.keep("signing key of her laptop", other.Signing)
	c := other.DeviceCertificate(o.alice, o.Clock.Tick())
	label := Must(trust.NewDeviceLabel(o.text("label of her laptop")))
	c.DeviceLabel = &label
	OK(o.t, o.alice.Do(&cloud.DeviceCreateReq{DeviceCertificate: o.alice.Sign(c), RedactedDeviceCertificate: o.alice.Sign(c.Redacted())}))
}

// workspace makes a realm with a key and a name for alice and bob, and has bob open both.
func (o *office) workspace() {
	o.realm = o.alice.CreateRealm()
	o.keep("key of the workspace", o.key)
	rotation := o.alice.RotationReq(o.realm, 1, o.alice.User)
	c := &trust.RealmKeyRotationCertificate{Author: o.alice.ID, Timestamp: o.Clock.Tick(), RealmID: o.realm, KeyIndex: 1, KeyCanary: Must(o.key.Canary())}
	bundle, key, err := trust.SealKeysBundle(&trust.RealmKeysBundle{
		Author: o.alice.ID, Timestamp: c.Timestamp, RealmID: o.realm, Keys: []trust.KeyDerivation{o.key},
	}, o.alice.Signing)
	if err != nil {
		o.t.Fatal(err)
	}
	o.keep("key of the keys", key)
	access := &trust.RealmKeysBundleAccess{KeysBundleKey: key}
	rotation.RealmKeyRotationCertificate, rotation.KeysBundle = o.alice.Sign(c), bundle
	rotation.PerParticipantKeysBundleAccess[o.alice.User] = Must(access.SealFor(Must(o.alice.Private.Public())))
	OK(o.t, o.alice.Do(rotation))
	name := Must(trust.NewEntryName(o.text("name of the workspace")))
	OK(o.t, o.alice.Do(&cloud.RealmRenameReq{InitialNameOrFail: true, RealmNameCertificate: o.alice.Sign(&trust.RealmNameCertificate{
		Author: o.alice.ID, Timestamp: o.Clock.Tick(), RealmID: o.realm, KeyIndex: 1, EncryptedName: Must(o.key.SealRealmName(name)),
	})}))
	OK(o.t, o.alice.Do(&cloud.RealmShareReq{
		RealmRoleCertificate: o.alice.RoleReq(o.realm, o.bob.User, trust.Contributor), KeyIndex: 1,
		RecipientKeysBundleAccess: Must(access.SealFor(Must(o.bob.Private.Public()))),
	}))
	get := &cloud.RealmGetKeysBundleReq{RealmID: o.realm, KeyIndex: 1}
	rep := Decode[cloud.RealmGetKeysBundleOK](o.t, o.bob.Do(get), get.DecodeReply)
	keys := Must(trust.OpenRealmKeys(trust.BundleInput{
		Access: rep.KeysBundleAccess, Bundle: rep.KeysBundle, Rotations: []*trust.RealmKeyRotationCertificate{c},
		Lookup: func(trust.Claim) (trust.VerifyKey, error) { return o.alice.Signing.VerifyKey() },
	}, o.bob.Private))
	if !Must(keys.Key(1)).Equal(o.key) {
		o.t.Fatal("bob has another key than alice")
	}
}

// file writes a file with two blocks as alice, changes it, and reads it as bob.
func (o *office) file() {
	words := [][]byte{[]byte(o.text("content of the file")), bytes.Repeat([]byte(o.text("content that repeats")), 2000)}
	at := o.Clock.Tick()
	m := &trust.FileManifest{Author: o.alice.ID, Timestamp: at, ID: trust.NewVlobID(), Parent: trust.VlobID(o.realm), Version: 1, Created: at, Updated: at, Blocksize: uint64(len(words[1]))}
	for _, w := range words {
		plain := append(w, make([]byte, len(words[1])-len(w))...)
		id := trust.NewBlockID()
		o.keep(fmt.Sprintf("key of block %d", len(m.Blocks)), Must(o.key.BlockKey(id)))
		access, sealed, err := o.key.SealBlock(id, m.Size, plain)
		if err != nil {
			o.t.Fatal(err)
		}
		OK(o.t, o.alice.Do(&cloud.BlockCreateReq{BlockID: id, RealmID: o.realm, KeyIndex: 1, Block: sealed}))
		m.Blocks, m.Size = append(m.Blocks, access), m.Size+access.Size
	}
	key := Must(o.key.VlobKey(m.ID))
	o.keep("key of the file", key)
	OK(o.t, o.alice.Do(&cloud.VlobCreateReq{RealmID: o.realm, VlobID: m.ID, KeyIndex: 1, Timestamp: at, Blob: Must(trust.SealChildManifest(m, o.alice.Signing, key))}))
	root := &trust.FolderManifest{
		Author: o.alice.ID, Timestamp: o.Clock.Tick(), ID: trust.VlobID(o.realm), Parent: trust.VlobID(o.realm), Version: 1, Created: at, Updated: at,
		Children: map[trust.EntryName]trust.VlobID{Must(trust.NewEntryName(o.text("name of the file"))): m.ID},
	}
	rootKey := Must(o.key.VlobKey(root.ID))
	OK(o.t, o.alice.Do(&cloud.VlobCreateReq{
		RealmID: o.realm, VlobID: root.ID, KeyIndex: 1, Timestamp: root.Timestamp, Blob: Must(trust.SealWorkspaceManifest(root, o.realm, o.alice.Signing, rootKey)),
	}))
	root.Version, root.Timestamp = 2, o.Clock.Tick()
	root.Children[Must(trust.NewEntryName(o.text("name of another file")))] = trust.NewVlobID()
	OK(o.t, o.alice.Do(&cloud.VlobUpdateReq{
		RealmID: o.realm, VlobID: root.ID, KeyIndex: 1, Timestamp: root.Timestamp, Version: 2, Blob: Must(trust.SealWorkspaceManifest(root, o.realm, o.alice.Signing, rootKey)),
	}))
	o.readBack(m, words[0])
}

// readBack has bob read the first block by what the server has: so it really was there, encrypted.
func (o *office) readBack(m *trust.FileManifest, content []byte) {
	item := read(o.t, o.bob, &cloud.VlobReadBatchReq{RealmID: o.realm, Vlobs: []trust.VlobID{m.ID}})
	author := trust.Author{Device: &o.alice.ID, Key: Must(o.alice.Signing.VerifyKey())}
	got, ok := Must(trust.OpenChildManifest(item.Blob, Must(o.key.VlobKey(m.ID)), trust.Announced{Author: author, Timestamp: item.CreatedOn, ID: m.ID, Version: 1})).(*trust.FileManifest)
	if !ok || len(got.Blocks) != 2 {
		o.t.Fatalf("bob reads %+v", got)
	}
	ask := &cloud.BlockReadReq{RealmID: o.realm, BlockID: got.Blocks[0].ID}
	sealed := Decode[cloud.BlockReadOK](o.t, o.bob.Do(ask), ask.DecodeReply).Block
	if !bytes.HasPrefix(Must(o.key.OpenBlock(got.Blocks[0], sealed)), content) {
		o.t.Fatal("bob reads another content than alice wrote")
	}
}

// recover shares a recovery of alice's device with bob. A passphrase protects another copy of it.
func (o *office) recover() {
	algorithm := trust.NewPasswordAlgorithm()
	passphrase := Must(algorithm.SecretKey([]byte(o.text("passphrase of alice"))))
	o.keep("key of the passphrase", passphrase)
	device := &trust.LocalDevice{
		OrganizationID: o.ID, RootVerifyKey: Must(o.Root.VerifyKey()), UserID: o.alice.User, DeviceID: o.alice.ID, HumanHandle: o.alice.Handle,
		DeviceLabel: Must(trust.NewDeviceLabel("laptop")), SigningKey: o.alice.Signing, PrivateKey: o.alice.Private, InitialProfile: trust.Admin,
		UserRealmID: trust.NewRealmID(), UserRealmKey: trust.GenerateSecretKey(), LocalSymkey: trust.GenerateSecretKey(),
		Server: Must(trust.ParseServerURL("http://127.0.0.1:6777")),
	}
	o.keep("key of her own realm", device.UserRealmKey)
	o.keep("key of her local data", device.LocalSymkey)
	data, token := trust.GenerateSecretKey(), trust.GenerateAccessToken()
	o.keep("key of the recovery", data)
	o.keep("reveal token of a recovery", token)
	sealed := Must(data.Encrypt(Must(device.Seal(passphrase, nil))))
	at := o.Clock.Tick()
	share := Must(trust.NewShare(Must(trust.GenerateSecretKey().Export())))
	ciphered := Must(trust.SealShareData(
		&trust.ShamirRecoveryShareData{Author: o.alice.ID, Timestamp: at, WeightedShare: []trust.Share{share}}, o.alice.Signing, Must(o.bob.Private.Public()),
	))
	o.keep("share of the recovery", share)
	OK(o.t, o.alice.Do(&cloud.ShamirRecoverySetupReq{
		CipheredData: sealed, RevealToken: token,
		ShamirRecoveryBriefCertificate: o.alice.Sign(&trust.ShamirRecoveryBriefCertificate{
			Author: o.alice.ID, Timestamp: at, UserID: o.alice.User, Threshold: 1, PerRecipientShares: map[trust.UserID]uint8{o.bob.User: 1},
		}),
		ShamirRecoveryShareCertificates: [][]byte{o.alice.Sign(&trust.ShamirRecoveryShareCertificate{
			Author: o.alice.ID, Timestamp: at, UserID: o.alice.User, Recipient: o.bob.User, CipheredShare: ciphered,
		})},
	}))
}

// codes sets up one-time codes, which the server makes the secrets for.
func (o *office) codes() {
	setup := &cloud.TOTPSetupGetSecretReq{}
	secret := Decode[cloud.TOTPSetupGetSecretOK](o.t, o.alice.Do(setup), setup.DecodeReply).TOTPSecret
	o.keep("secret for one-time codes", secret)
	create := &cloud.TOTPCreateOpaqueKeyReq{}
	o.keep("key against a one-time code", Decode[cloud.TOTPCreateOpaqueKeyOK](o.t, o.alice.Do(create), create.DecodeReply).OpaqueKey)
}

// careless is the control: a client that does not encrypt what it stores.
func (o *office) careless() {
	e := Must(zstd.NewWriter(nil))
	defer func() { _ = e.Close() }()
	packed := e.EncodeAll([]byte("a long beginning, a long beginning, a long beginning "+o.text("content that was not encrypted")), nil)
	v := o.alice.VlobReq(o.realm, 1, string(packed))
	OK(o.t, o.alice.Do(v))
	inText := base64.StdEncoding.EncodeToString(e.EncodeAll([]byte(o.text("content in base64, compressed")), nil))
	OK(o.t, o.alice.Do(&cloud.BlockCreateReq{BlockID: trust.NewBlockID(), RealmID: o.realm, KeyIndex: 1, Block: []byte(inText)}))
	read(o.t, o.bob, &cloud.VlobReadBatchReq{RealmID: o.realm, Vlobs: []trust.VlobID{v.VlobID}})
}
