package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// serverClients is how many connections ask at once. Each is of a device of its own, and works in a workspace of its own.
const serverClients = 32

// serverOrganisation is an organisation on a server: one user with many devices.
type serverOrganisation struct {
	id        trust.OrganizationID
	user      trust.UserID
	root      trust.SigningKey
	devices   []serverDevice
	clock     trust.DateTime
	client    *cloud.Client
	submitted trust.AsyncEnrollmentID
}

// serverDevice is a device with a workspace, and what is in that.
type serverDevice struct {
	id    trust.DeviceID
	key   trust.SigningKey
	realm trust.RealmID
	vlob  trust.VlobID
	block trust.BlockID
}

// newServerOrganisation fills a server with an organisation that has so many certificates.
func newServerOrganisation(ctx context.Context, server trust.ServerAddress, certificates int) (*serverOrganisation, error) {
	name := make([]byte, 8)
	_, _ = rand.Read(name) // never fails
	id, err := trust.NewOrganizationID(fmt.Sprintf("Bench%x", name))
	if err != nil {
		return nil, err
	}
	o := &serverOrganisation{id: id, user: trust.NewUserID(), root: trust.GenerateSigningKey()}
	if o.client, err = cloud.NewClient(cloud.Options{Server: server}); err != nil {
		return nil, err
	}
	if o.clock, err = trust.DateTimeOf(time.Now().Add(-time.Minute)); err != nil {
		return nil, err
	}
	if err := o.bootstrap(ctx); err != nil {
		return nil, err
	}
	if err := o.enroll(ctx); err != nil {
		return nil, err
	}
	const ofUser = 1
	for n := ofUser + serverClients; n < certificates || len(o.devices) < serverClients; n++ { // and a realm of each connection's device
		if err := o.addDevice(ctx); err != nil {
			return nil, err
		}
	}
	o.devices = o.devices[:serverClients]
	for i := range o.devices {
		if err := o.fill(ctx, &o.devices[i]); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (o *serverOrganisation) tick() trust.DateTime {
	o.clock = o.clock.Add(time.Millisecond)
	return o.clock
}

// ask sends a command and wants it to be ok.
func ask[R cloud.Reply](ctx context.Context, by *cloud.Caller, req cloud.Exchange[R]) error {
	rep, err := cloud.Do(ctx, by, req)
	if err == nil && rep.Status() != "ok" {
		err = fmt.Errorf("%s: the server says %s", req.Command(), rep.Status())
	}
	return err
}

func (o *serverOrganisation) first() *cloud.Caller {
	return o.client.Device(o.id, o.devices[0].id, o.devices[0].key)
}

func (o *serverOrganisation) bootstrap(ctx context.Context) error {
	handle, err := trust.NewHumanHandle("alice@example.com", "Alice")
	if err != nil {
		return err
	}
	public, err := trust.GeneratePrivateKey().Public()
	if err != nil {
		return err
	}
	root, err := o.root.VerifyKey()
	if err != nil {
		return err
	}
	at := o.tick()
	user := &trust.UserCertificate{Timestamp: at, UserID: o.user, HumanHandle: &handle, PublicKey: public, Profile: trust.Admin}
	first, device, err := o.device(nil, at)
	if err != nil {
		return err
	}
	o.devices = append(o.devices, first)
	req := &cloud.OrganizationBootstrapReq{RootVerifyKey: root}
	for into, c := range map[*[]byte]trust.Certificate{
		&req.UserCertificate: user, &req.RedactedUserCertificate: user.Redacted(), &req.DeviceCertificate: device, &req.RedactedDeviceCertificate: device.Redacted(),
	} {
		if *into, err = trust.SignCertificate(c, o.root); err != nil {
			return err
		}
	}
	return ask(ctx, o.client.Organization(o.id), req)
}

// device makes a device and its certificate.
func (o *serverOrganisation) device(author *trust.DeviceID, at trust.DateTime) (serverDevice, *trust.DeviceCertificate, error) {
	d := serverDevice{id: trust.NewDeviceID(), key: trust.GenerateSigningKey(), realm: trust.NewRealmID(), vlob: trust.NewVlobID(), block: trust.NewBlockID()}
	label, err := trust.NewDeviceLabel("laptop")
	if err != nil {
		return d, nil, err
	}
	key, err := d.key.VerifyKey()
	return d, &trust.DeviceCertificate{
		Purpose: trust.StandardDevice, Author: author, Timestamp: at, UserID: o.user, DeviceID: d.id, DeviceLabel: &label, VerifyKey: key,
	}, err
}

func (o *serverOrganisation) addDevice(ctx context.Context) error {
	first := &o.devices[0]
	d, c, err := o.device(&first.id, o.tick())
	if err != nil {
		return err
	}
	req := &cloud.DeviceCreateReq{}
	if req.DeviceCertificate, err = trust.SignCertificate(c, first.key); err != nil {
		return err
	}
	if req.RedactedDeviceCertificate, err = trust.SignCertificate(c.Redacted(), first.key); err != nil {
		return err
	}
	o.devices = append(o.devices, d)
	return ask(ctx, o.first(), req)
}

// enroll asks for an enrolment, which nobody decides.
func (o *serverOrganisation) enroll(ctx context.Context) error {
	handle, err := trust.NewHumanHandle("bob@example.com", "Bob")
	if err != nil {
		return err
	}
	d, c, err := o.device(nil, o.clock)
	if err != nil {
		return err
	}
	public, err := trust.GeneratePrivateKey().Public()
	if err != nil {
		return err
	}
	o.submitted = trust.AsyncEnrollmentID(d.vlob)
	payload, err := trust.Dump(&trust.AsyncEnrollmentSubmitPayload{
		VerifyKey: c.VerifyKey, PublicKey: public, RequestedDeviceLabel: *c.DeviceLabel, RequestedHumanHandle: handle,
	})
	if err != nil {
		return err
	}
	return ask(ctx, o.client.Organization(o.id), &cloud.AsyncEnrollmentSubmitReq{
		EnrollmentID: o.submitted, SubmitPayload: payload,
		SubmitPayloadSignature: &cloud.SubmitSignatureOpenBao{Signature: "vault:v1:x", SubmitterOpenBaoEntityID: "entity"},
	})
}

// fill makes the workspace of a device with a vlob and a block.
func (o *serverOrganisation) fill(ctx context.Context, d *serverDevice) error {
	by := o.client.Device(o.id, d.id, d.key)
	role, err := trust.SignCertificate(&trust.RealmRoleCertificate{Author: d.id, Timestamp: o.tick(), RealmID: d.realm, UserID: o.user, Role: trust.Owner}, d.key)
	if err != nil {
		return err
	}
	if err := ask(ctx, by, &cloud.RealmCreateReq{RealmRoleCertificate: role}); err != nil {
		return err
	}
	if err := ask(ctx, by, &cloud.VlobCreateReq{RealmID: d.realm, VlobID: d.vlob, Timestamp: o.tick(), Blob: random(serverVlob)}); err != nil {
		return err
	}
	return ask(ctx, by, &cloud.BlockCreateReq{BlockID: d.block, RealmID: d.realm, Block: random(serverBlock)})
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
