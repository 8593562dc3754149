//go:build interop

package cloud_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud/cloudtest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// member is a user with one device.
type member struct {
	user    trust.UserID
	device  trust.DeviceID
	signing trust.SigningKey
	private trust.PrivateKey
	*cloud.Caller
}

// house is an organisation on a server, as its first member sees it.
type house struct {
	t      *testing.T
	server trust.ServerAddress
	client *cloud.Client
	id     trust.OrganizationID
	root   trust.SigningKey
	last   time.Time
	alice  *member
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// is fails unless a reply is of the wanted type.
func is[W, R cloud.Reply](t *testing.T, rep R, err error) W {
	t.Helper()
	want, ok := any(rep).(W)
	if err != nil || !ok {
		t.Fatalf("%T %+v, %v", rep, rep, err)
	}
	return want
}

// now returns a later moment each time: two certificates of one topic never have the same.
func (h *house) now() trust.DateTime {
	h.last = maxTime(h.last.Add(time.Microsecond), time.Now().Truncate(time.Microsecond))
	return must(trust.DateTimeOf(h.last))
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (h *house) newMember() *member {
	m := &member{user: trust.NewUserID(), device: trust.NewDeviceID(), signing: trust.GenerateSigningKey(), private: trust.GeneratePrivateKey()}
	m.Caller = h.client.Device(h.id, m.device, m.signing)
	return m
}

// certificates are those of a new member, whole and redacted, signed by author, or by the root key for nobody.
func (h *house) certificates(m *member, name string, profile trust.Profile, author *member) (user, device, redactedUser, redactedDevice []byte) {
	by, key := (*trust.DeviceID)(nil), h.root
	if author != nil {
		by, key = &author.device, author.signing
	}
	at := h.now()
	handle, label := must(trust.NewHumanHandle(name+"@example.com", name)), must(trust.NewDeviceLabel("laptop"))
	u := trust.UserCertificate{Author: by, Timestamp: at, UserID: m.user, HumanHandle: &handle, PublicKey: must(m.private.Public()), Profile: profile}
	d := trust.DeviceCertificate{
		Purpose: trust.StandardDevice, Author: by, Timestamp: at, UserID: m.user, DeviceID: m.device,
		DeviceLabel: &label, VerifyKey: must(m.signing.VerifyKey()),
	}
	user, device = must(trust.SignCertificate(&u, key)), must(trust.SignCertificate(&d, key))
	u.HumanHandle, d.DeviceLabel = nil, nil
	return user, device, must(trust.SignCertificate(&u, key)), must(trust.SignCertificate(&d, key))
}

// TestReference speaks to the server of the reference.
func TestReference(t *testing.T) {
	server := cloudtest.Server(t)
	for name, test := range map[string]func(*house){"objects": referenceObjects, "refusals": referenceRefusals, "events": referenceEvents} {
		t.Run(name, func(t *testing.T) { test(found(t, server)) })
	}
}

// found makes an organisation.
func found(t *testing.T, server trust.ServerAddress) *house {
	t.Helper()
	client, err := cloud.NewClient(cloud.Options{Server: server})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	h := &house{t: t, server: server, client: client, id: must(trust.NewOrganizationID(fmt.Sprintf("Org%d", time.Now().UnixNano()))), root: trust.GenerateSigningKey()}
	h.alice = h.newMember()
	anybody := client.Organization(h.id)
	if err := anybody.Exists(t.Context()); !errors.Is(err, cloud.ErrOrganizationNotFound) {
		t.Fatal(err)
	}
	req := &cloud.OrganizationBootstrapReq{RootVerifyKey: must(h.root.VerifyKey())}
	req.UserCertificate, req.DeviceCertificate, req.RedactedUserCertificate, req.RedactedDeviceCertificate = h.certificates(h.alice, "alice", trust.Admin, nil)
	rep, err := cloud.Do(t.Context(), anybody, req)
	is[*cloud.OK](t, rep, err)
	again, err := cloud.Do(t.Context(), anybody, req)
	is[*cloud.OrganizationAlreadyBootstrapped](t, again, err)
	if err := anybody.Exists(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

// enrol adds a member.
func (h *house) enrol(name string, profile trust.Profile) *member {
	h.t.Helper()
	m := h.newMember()
	req := &cloud.UserCreateReq{}
	req.UserCertificate, req.DeviceCertificate, req.RedactedUserCertificate, req.RedactedDeviceCertificate = h.certificates(m, name, profile, h.alice)
	rep, err := cloud.Do(h.t.Context(), h.alice.Caller, req)
	is[*cloud.OK](h.t, rep, err)
	return m
}

// realm makes a realm of alice with one key.
func (h *house) realm() (trust.RealmID, trust.KeyDerivation, *trust.RealmKeysBundleAccess) {
	h.t.Helper()
	id, key := trust.NewRealmID(), trust.GenerateKeyDerivation()
	role := &trust.RealmRoleCertificate{Author: h.alice.device, Timestamp: h.now(), RealmID: id, UserID: h.alice.user, Role: trust.Owner}
	created, err := cloud.Do(h.t.Context(), h.alice.Caller, &cloud.RealmCreateReq{RealmRoleCertificate: must(trust.SignCertificate(role, h.alice.signing))})
	is[*cloud.OK](h.t, created, err)
	rotation := &trust.RealmKeyRotationCertificate{Author: h.alice.device, Timestamp: h.now(), RealmID: id, KeyIndex: 1, KeyCanary: must(key.Canary())}
	bundle, bundleKey, err := trust.SealKeysBundle(&trust.RealmKeysBundle{
		Author: h.alice.device, Timestamp: h.now(), RealmID: id, Keys: []trust.KeyDerivation{key},
	}, h.alice.signing)
	if err != nil {
		h.t.Fatal(err)
	}
	access := &trust.RealmKeysBundleAccess{KeysBundleKey: bundleKey}
	rotated, err := cloud.Do(h.t.Context(), h.alice.Caller, &cloud.RealmRotateKeyReq{
		RealmKeyRotationCertificate:    must(trust.SignCertificate(rotation, h.alice.signing)),
		PerParticipantKeysBundleAccess: map[trust.UserID][]byte{h.alice.user: must(access.SealFor(must(h.alice.private.Public())))},
		KeysBundle:                     bundle,
	})
	is[*cloud.OK](h.t, rotated, err)
	return id, key, access
}

// referenceObjects: an organisation, its members, a shared realm with a folder and a block, read back by somebody else and verified.
func referenceObjects(h *house) {
	t := h.t
	ctx := t.Context()
	bob := h.enrol("bob", trust.Standard)
	realm, key, access := h.realm()
	share := &trust.RealmRoleCertificate{Author: h.alice.device, Timestamp: h.now(), RealmID: realm, UserID: bob.user, Role: trust.Reader}
	shared, err := cloud.Do(ctx, h.alice.Caller, &cloud.RealmShareReq{
		RealmRoleCertificate: must(trust.SignCertificate(share, h.alice.signing)), KeyIndex: 1,
		RecipientKeysBundleAccess: must(access.SealFor(must(bob.private.Public()))),
	})
	is[*cloud.OK](t, shared, err)

	vlob := trust.RootOf(realm)
	vlobKey := must(key.VlobKey(vlob))
	folder := &trust.FolderManifest{Author: h.alice.device, Timestamp: h.now(), ID: vlob, Parent: vlob, Version: 1, Created: h.now(), Updated: h.now()}
	created, err := cloud.Do(ctx, h.alice.Caller, &cloud.VlobCreateReq{
		RealmID: realm, VlobID: vlob, KeyIndex: 1, Timestamp: folder.Timestamp, Blob: must(trust.SealWorkspaceManifest(folder, realm, h.alice.signing, vlobKey)),
	})
	is[*cloud.OK](t, created, err)
	blockID, content := trust.NewBlockID(), bytes.Repeat([]byte("parsec"), 80_000)
	place, sealed, err := key.SealBlock(blockID, 0, content)
	if err != nil {
		t.Fatal(err)
	}
	upload := &cloud.BlockCreateReq{BlockID: blockID, RealmID: realm, KeyIndex: 1, Block: sealed}
	stored, err := cloud.Do(ctx, h.alice.Caller, upload)
	is[*cloud.OK](t, stored, err)
	twice, err := cloud.Do(ctx, h.alice.Caller, upload)
	is[*cloud.BlockAlreadyExists](t, twice, err)

	store := trust.NewStore(must(h.root.VerifyKey()), bob.user, nil)
	got, err := cloud.Do(ctx, bob.Caller, &cloud.CertificateGetReq{})
	certificates := is[*cloud.CertificateGetOK](t, got, err)
	if err := store.Add(trust.Batch{Common: certificates.CommonCertificates, Realms: certificates.RealmCertificates}); err != nil {
		t.Fatal(err)
	}
	polled, err := cloud.Do(ctx, bob.Caller, &cloud.VlobPollChangesReq{RealmID: realm})
	if changes := is[*cloud.VlobPollChangesOK](t, polled, err); len(changes.Changes) != 1 || changes.Changes[0] != (cloud.VlobVersion{VlobID: vlob, Version: 1}) {
		t.Errorf("%+v", changes)
	}
	bundled, err := cloud.Do(ctx, bob.Caller, &cloud.RealmGetKeysBundleReq{RealmID: realm, KeyIndex: 1})
	b := is[*cloud.RealmGetKeysBundleOK](t, bundled, err)
	keys, err := trust.OpenRealmKeys(trust.BundleInput{Access: b.KeysBundleAccess, Bundle: b.KeysBundle, Rotations: store.Rotations(realm), Lookup: store.BundleAuthor}, bob.private)
	if err != nil {
		t.Fatal(err)
	}
	theirs := must(keys.Key(1))
	batch, err := cloud.Do(ctx, bob.Caller, &cloud.VlobReadBatchReq{RealmID: realm, Vlobs: []trust.VlobID{vlob, trust.NewVlobID()}})
	items := is[*cloud.VlobReadBatchOK](t, batch, err).Items
	if len(items) != 1 || items[0].Version != 1 || items[0].Author != h.alice.device || items[0].CreatedOn != folder.Timestamp {
		t.Fatalf("%+v", items)
	}
	author := trust.Author{Device: &h.alice.device, Key: must(h.alice.signing.VerifyKey())}
	_, err = trust.OpenWorkspaceManifest(items[0].Blob, must(theirs.VlobKey(vlob)), realm, trust.Announced{Author: author, Timestamp: folder.Timestamp, ID: vlob, Version: 1})
	if err != nil {
		t.Error(err)
	}
	read, err := cloud.Do(ctx, bob.Caller, &cloud.BlockReadReq{BlockID: blockID, RealmID: realm})
	if plain, err := theirs.OpenBlock(place, is[*cloud.BlockReadOK](t, read, err).Block); err != nil || !bytes.Equal(plain, content) {
		t.Error(err)
	}
	refused, err := cloud.Do(ctx, bob.Caller, &cloud.VlobUpdateReq{RealmID: realm, VlobID: vlob, KeyIndex: 1, Timestamp: h.now(), Version: 2, Blob: []byte("x")})
	is[*cloud.AuthorNotAllowed](t, refused, err)
}

// referenceRefusals: the statuses of HTTP and the clock, as the reference says them.
func referenceRefusals(h *house) {
	t := h.t
	ctx := t.Context()
	stranger := h.client.Device(h.id, trust.NewDeviceID(), trust.GenerateSigningKey())
	forged := h.client.Device(h.id, h.alice.device, trust.GenerateSigningKey())
	invited := h.client.Invitation(h.id, trust.GenerateAccessToken())
	nowhere := h.client.Device(must(trust.NewOrganizationID("nowhere")), h.alice.device, h.alice.signing)
	for name, c := range map[string]struct {
		call func() error
		want error
	}{
		"stranger":   {func() error { _, err := cloud.Do(ctx, stranger, &cloud.InviteListReq{}); return err }, cloud.ErrCredentials},
		"forged":     {func() error { _, err := cloud.Do(ctx, forged, &cloud.InviteListReq{}); return err }, cloud.ErrCredentials},
		"invitation": {func() error { _, err := cloud.Do(ctx, invited, &cloud.InviteInfoReq{}); return err }, cloud.ErrCredentials},
		"nowhere":    {func() error { _, err := cloud.Do(ctx, nowhere, &cloud.InviteListReq{}); return err }, cloud.ErrOrganizationNotFound},
		// The reference of 3.9 does not know the command of 3.10.
		"newer": {func() error { _, err := cloud.Do(ctx, h.alice.Caller, &cloud.CryptPadRegisterSessionReq{}); return err }, cloud.ErrContent},
		"later": {func() error {
			late, err := cloud.NewClient(cloud.Options{Server: h.server, Now: func() time.Time { return time.Now().Add(-time.Hour) }})
			if err != nil {
				return err
			}
			defer late.Close()
			_, err = cloud.Do(ctx, late.Device(h.id, h.alice.device, h.alice.signing), &cloud.InviteListReq{})
			if offset, ok := late.ClockOffset(); !ok || (offset.Offset-time.Hour).Abs() > time.Minute {
				t.Errorf("%+v", offset)
			}
			return err
		}, cloud.ErrTokenExpired},
	} {
		if err := c.call(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	old := must(trust.DateTimeOf(time.Now().Add(-time.Hour)))
	role := &trust.RealmRoleCertificate{Author: h.alice.device, Timestamp: old, RealmID: trust.NewRealmID(), UserID: h.alice.user, Role: trust.Owner}
	rep, err := cloud.Do(ctx, h.alice.Caller, &cloud.RealmCreateReq{RealmRoleCertificate: must(trust.SignCertificate(role, h.alice.signing))})
	if late := is[*cloud.TimestampOutOfBallpark](t, rep, err); late.ClientTimestamp != old || (late.Offset()-time.Hour).Abs() > time.Minute || late.BallparkClientLateOffset != 320 {
		t.Errorf("%+v", late)
	}
	config, err := cloud.Do(ctx, h.client.Server(), &cloud.ServerConfigReq{})
	if c := is[*cloud.ServerConfigOK](t, config, err); c.OrganizationBootstrap != cloud.BootstrapSpontaneous {
		t.Errorf("%+v", c)
	}
	if v, ok := h.client.ServerVersion(); !ok || v != (cloud.Version{Major: 5, Minor: 5}) {
		t.Errorf("%v", v)
	}
}

// referenceEvents: what others do arrives, and what happened while nobody listened arrives afterwards.
func referenceEvents(h *house) {
	t := h.t
	notices := make(chan cloud.Notice, 100)
	l := h.alice.Listener(func(n cloud.Notice) { notices <- n })
	listen := func() (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Run(ctx) }()
		return func() {
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
	}
	next := func() cloud.Notice {
		select {
		case n := <-notices:
			return n
		case <-time.After(30 * time.Second):
			t.Fatal("nothing comes")
			return cloud.Notice{}
		}
	}
	expect := func(kinds ...cloud.NoticeKind) (last cloud.Notice) {
		t.Helper()
		for _, k := range kinds {
			if last = next(); last.Kind != k {
				t.Fatalf("%+v instead of %d", last, k)
			}
		}
		return last
	}
	certificate := func() {
		t.Helper()
		if n := expect(cloud.NoticeEvent); !isCommon(n) {
			t.Fatalf("%+v", n)
		}
	}
	stop := listen()
	if n := expect(cloud.NoticeOnline, cloud.NoticeMissed, cloud.NoticeEvent); !isConfig(n) {
		t.Fatalf("%+v", n)
	}
	h.enrol("bob", trust.Standard)
	certificate()
	stop()
	h.enrol("carol", trust.Standard)
	h.enrol("dave", trust.Outsider)
	stop = listen()
	if n := expect(cloud.NoticeOnline, cloud.NoticeEvent); !isConfig(n) {
		t.Fatalf("%+v", n)
	}
	certificate()
	certificate()
	stop()
}

func isCommon(n cloud.Notice) bool { _, ok := n.Event.(*cloud.EventCommonCertificate); return ok }
func isConfig(n cloud.Notice) bool { _, ok := n.Event.(*cloud.EventOrganizationConfig); return ok }
