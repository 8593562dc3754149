package servertest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Organization is an organisation with the keys of all people in it.
type Organization struct {
	*Server
	ID   trust.OrganizationID
	Root trust.SigningKey
	// Authority signs for the sequester, where there is one.
	Authority trust.SequesterSigningKey
	// First is the admin who bootstrapped.
	First *Device
}

// Device is a device of a user, and what a client needs to be it.
type Device struct {
	Org     *Organization
	User    trust.UserID
	ID      trust.DeviceID
	Signing trust.SigningKey
	Private trust.PrivateKey
	Handle  trust.HumanHandle
}

// NewDevice makes keys and ids of a user that is not enrolled yet.
func (o *Organization) NewDevice(name string) *Device {
	return &Device{
		Org: o, User: trust.NewUserID(), ID: trust.NewDeviceID(), Signing: trust.GenerateSigningKey(), Private: trust.GeneratePrivateKey(),
		Handle: Must(trust.NewHumanHandle(name+"@example.com", name)),
	}
}

// Sibling makes keys and an id of another device of the same user.
func (d *Device) Sibling() *Device {
	other := *d
	other.ID, other.Signing = trust.NewDeviceID(), trust.GenerateSigningKey()
	return &other
}

// randomOrganizationID returns a name that no other test uses.
func randomOrganizationID() trust.OrganizationID {
	b := make([]byte, 8)
	_, _ = rand.Read(b)
	return Must(trust.NewOrganizationID("Org" + hex.EncodeToString(b)))
}

// Unborn prepares an organisation that is not bootstrapped yet, and its first device.
func (s *Server) Unborn() *Organization {
	o := &Organization{Server: s, ID: randomOrganizationID(), Root: trust.GenerateSigningKey()}
	o.First = o.NewDevice("alice")
	return o
}

// At is the device as one that talks to another server with the same organisation.
func (d *Device) At(s *Server) *Device {
	org, other := *d.Org, *d
	org.Server = s
	other.Org = &org
	return &other
}

// UserCertificate is a user certificate of the device's owner, signed by nobody yet. The author is nil for the root key.
func (d *Device) UserCertificate(author *Device, p trust.Profile, at trust.DateTime) *trust.UserCertificate {
	return &trust.UserCertificate{
		Author: author.id(), Timestamp: at, UserID: d.User, HumanHandle: &d.Handle, PublicKey: Must(d.Private.Public()), Profile: p,
	}
}

// DeviceCertificate is the same for the device.
func (d *Device) DeviceCertificate(author *Device, at trust.DateTime) *trust.DeviceCertificate {
	label := Must(trust.NewDeviceLabel("laptop"))
	return &trust.DeviceCertificate{
		Purpose: trust.StandardDevice, Author: author.id(), Timestamp: at, UserID: d.User, DeviceID: d.ID, DeviceLabel: &label,
		VerifyKey: Must(d.Signing.VerifyKey()),
	}
}

func (d *Device) id() *trust.DeviceID {
	if d == nil {
		return nil
	}
	return &d.ID
}

// Sign signs as the device.
func (d *Device) Sign(c trust.Certificate) []byte { return Must(trust.SignCertificate(c, d.Signing)) }

// SignRoot signs as the organisation.
func (o *Organization) SignRoot(c trust.Certificate) []byte {
	return Must(trust.SignCertificate(c, o.Root))
}

// BootstrapReq is what bootstraps the organisation.
func (o *Organization) BootstrapReq() *cloud.OrganizationBootstrapReq {
	at := o.Clock.Tick()
	u, d := o.First.UserCertificate(nil, trust.Admin, at), o.First.DeviceCertificate(nil, at)
	return &cloud.OrganizationBootstrapReq{
		RootVerifyKey: Must(o.Root.VerifyKey()), UserCertificate: o.SignRoot(u), DeviceCertificate: o.SignRoot(d),
		RedactedUserCertificate: o.SignRoot(u.Redacted()), RedactedDeviceCertificate: o.SignRoot(d.Redacted()),
	}
}

// Sequestered adds a sequester authority to what bootstraps the organisation.
func (o *Organization) Sequestered(req *cloud.OrganizationBootstrapReq) {
	key := Must(rsa.GenerateKey(rand.Reader, 1024))
	o.Authority = Must(trust.ParseSequesterSigningKey(Must(x509.MarshalPKCS8PrivateKey(key))))
	req.SequesterAuthorityCertificate = o.SignRoot(&trust.SequesterAuthorityCertificate{
		Timestamp: Must(trust.DateTimeOf(o.Clock.Now())), VerifyKeyDER: Must(x509.MarshalPKIXPublicKey(&key.PublicKey)),
	})
}

// Bootstrapped makes an organisation with one admin.
func (s *Server) Bootstrapped() *Organization {
	s.t.Helper()
	o := s.Unborn()
	OK(s.t, o.Anonymous(o.BootstrapReq()))
	return o
}

// UserCreateReq is what the device enrols another with.
func (d *Device) UserCreateReq(other *Device, p trust.Profile) *cloud.UserCreateReq {
	at := d.Org.Clock.Tick()
	u, n := other.UserCertificate(d, p, at), other.DeviceCertificate(d, at)
	return &cloud.UserCreateReq{
		UserCertificate: d.Sign(u), DeviceCertificate: d.Sign(n), RedactedUserCertificate: d.Sign(u.Redacted()), RedactedDeviceCertificate: d.Sign(n.Redacted()),
	}
}

// Enrol makes a user with one device, enrolled by the first one.
func (o *Organization) Enrol(name string, p trust.Profile) *Device {
	o.t.Helper()
	d := o.NewDevice(name)
	OK(o.t, o.First.Do(o.First.UserCreateReq(d, p)))
	return d
}

// DeviceCreateReq is what the device adds another of its user with.
func (d *Device) DeviceCreateReq(other *Device) *cloud.DeviceCreateReq {
	c := other.DeviceCertificate(d, d.Org.Clock.Tick())
	return &cloud.DeviceCreateReq{DeviceCertificate: d.Sign(c), RedactedDeviceCertificate: d.Sign(c.Redacted())}
}

// AddDevice makes another device of the user.
func (d *Device) AddDevice() *Device {
	d.Org.t.Helper()
	other := d.Sibling()
	OK(d.Org.t, d.Do(d.DeviceCreateReq(other)))
	return other
}

// Revoke ends another user.
func (d *Device) Revoke(other *Device) {
	d.Org.t.Helper()
	c := &trust.RevokedUserCertificate{Author: d.ID, Timestamp: d.Org.Clock.Tick(), UserID: other.User}
	OK(d.Org.t, d.Do(&cloud.UserRevokeReq{RevokedUserCertificate: d.Sign(c)}))
}
