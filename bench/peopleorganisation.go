package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// A realm gets so many certificates of roles, besides the role of its owner, who is the one that starts cold, and its key.
const (
	rolesPerUpload = 98
	perRealm       = rolesPerUpload + 2
)

// large is an organisation with many certificates on a server. Half of them are users and devices, each of one user and one device; the others are roles of realms.
type large struct {
	keys    *trust.LocalDevice
	by      *cloud.Caller
	members []trust.UserID

	mu   sync.Mutex // guards the field below
	last trust.DateTime
}

// tick is now, and later than ever before.
func (o *large) tick() (trust.DateTime, error) {
	now, err := trust.DateTimeOf(time.Now())
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.last.Before(now) {
		now = o.last.Add(time.Microsecond)
	}
	o.last = now
	return now, err
}

// newLarge makes an organisation of so many certificates. Users come one after the other, as their certificates are ordered; realms side by side.
func (p *someone) newLarge(ctx context.Context, client *cloud.Client, certificates int) (*large, error) {
	r, _, err := p.bootstrap(ctx)
	if err != nil {
		return nil, err
	}
	o := &large{}
	if err := p.unlock(ctx, r.Device); err != nil {
		return nil, err
	}
	return o, p.session.Use(func(d *trust.LocalDevice) error {
		o.keys, o.by = d, client.Device(d.OrganizationID, d.DeviceID, d.SigningKey)
		n := 2
		for ; n < certificates/2 || len(o.members) < rolesPerUpload; n += 2 {
			if err := o.enrol(ctx); err != nil {
				return err
			}
		}
		realms, inner := errgroup.WithContext(ctx)
		realms.SetLimit(serverClients)
		for ; n < certificates; n += perRealm {
			roles := min(rolesPerUpload, max(0, certificates-n-(perRealm-rolesPerUpload)))
			realms.Go(func() error { return o.realm(inner, roles) })
		}
		return realms.Wait()
	})
}

// sign signs certificates as the first device.
func (o *large) sign(all map[*[]byte]trust.Certificate) (err error) {
	for into, c := range all {
		if *into, err = trust.SignCertificate(c, o.keys.SigningKey); err != nil {
			return err
		}
	}
	return nil
}

// enrol adds a user with a device.
func (o *large) enrol(ctx context.Context) error {
	id := trust.NewUserID()
	handle, err := trust.NewHumanHandle(id.String()+"@example.com", "User "+id.String()[:8])
	if err != nil {
		return err
	}
	public, err := trust.GeneratePrivateKey().Public()
	if err != nil {
		return err
	}
	verify, err := trust.GenerateSigningKey().VerifyKey()
	if err != nil {
		return err
	}
	at, err := o.tick()
	if err != nil {
		return err
	}
	u := &trust.UserCertificate{Author: &o.keys.DeviceID, Timestamp: at, UserID: id, HumanHandle: &handle, PublicKey: public, Profile: trust.Standard}
	d := &trust.DeviceCertificate{
		Purpose: trust.StandardDevice, Author: &o.keys.DeviceID, Timestamp: at, UserID: id, DeviceID: trust.NewDeviceID(), DeviceLabel: &o.keys.DeviceLabel, VerifyKey: verify,
	}
	req := &cloud.UserCreateReq{}
	if err := o.sign(map[*[]byte]trust.Certificate{
		&req.UserCertificate: u, &req.RedactedUserCertificate: u.Redacted(), &req.DeviceCertificate: d, &req.RedactedDeviceCertificate: d.Redacted(),
	}); err != nil {
		return err
	}
	o.members = append(o.members, id)
	return ask(ctx, o.by, req)
}

// realm makes a realm with a key and gives roles in it.
func (o *large) realm(ctx context.Context, roles int) error {
	id := trust.NewRealmID()
	signed, err := o.role(id, o.keys.UserID, trust.Owner)
	if err == nil {
		err = ask(ctx, o.by, &cloud.RealmCreateReq{RealmRoleCertificate: signed})
	}
	if err == nil {
		err = o.rotate(ctx, id)
	}
	for i := 0; i < roles && err == nil; i++ {
		if signed, err = o.role(id, o.members[i], trust.Contributor); err == nil {
			err = ask(ctx, o.by, &cloud.RealmShareReq{RealmRoleCertificate: signed, RecipientKeysBundleAccess: []byte("access"), KeyIndex: 1})
		}
	}
	if err != nil {
		return fmt.Errorf("a realm: %w", err)
	}
	return nil
}

// role signs a role.
func (o *large) role(realm trust.RealmID, user trust.UserID, role trust.Role) ([]byte, error) {
	at, err := o.tick()
	if err != nil {
		return nil, err
	}
	return trust.SignCertificate(&trust.RealmRoleCertificate{Author: o.keys.DeviceID, Timestamp: at, RealmID: realm, UserID: user, Role: role}, o.keys.SigningKey)
}

// rotate gives a realm its first key.
func (o *large) rotate(ctx context.Context, realm trust.RealmID) error {
	at, err := o.tick()
	if err != nil {
		return err
	}
	canary, err := trust.GenerateKeyDerivation().Canary()
	if err != nil {
		return err
	}
	req := &cloud.RealmRotateKeyReq{PerParticipantKeysBundleAccess: map[trust.UserID][]byte{o.keys.UserID: []byte("access")}, KeysBundle: []byte("bundle")}
	req.RealmKeyRotationCertificate, err = trust.SignCertificate(&trust.RealmKeyRotationCertificate{
		Author: o.keys.DeviceID, Timestamp: at, RealmID: realm, KeyIndex: 1, KeyCanary: canary,
	}, o.keys.SigningKey)
	if err != nil {
		return err
	}
	return ask(ctx, o.by, req)
}
