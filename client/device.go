package client

import (
	"context"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
)

// needsDevices is what the operations on devices need the agent for.
const needsDevices = "devices of workspaces"

// Device describes a device of the caller's uid. All but ID is for people to read.
type Device struct {
	ID           string // 32 digits
	Organization string
	Server       string
	User         string // id
	Email, Name  string // of the person
	Label        string // of the device
	Created      time.Time
	Protected    time.Time // when its protection was last changed
	State        string    // "locked", "unlocked", "importing" or "exported"
	Protection   DeviceProtection
	Pending      *DeviceProtection // waits for its confirmation
	InPlace      bool              // in the original client's directory
}

// DeviceProtection says what opens a device.
type DeviceProtection struct {
	// Kind is "password", "certificate", "provider" or "password+provider"; others do not open here.
	Kind     string
	Code     bool   // a one-time code too
	Provider string // whose key takes part
}

// NeedsPassword reports whether a person has to type something.
func (p DeviceProtection) NeedsPassword() bool {
	return p.Kind == "password" || p.Kind == "password+provider" || p.Kind == "recovery"
}

// DamagedDevice is a device file that cannot be read.
type DamagedDevice struct{ File, Reason string }

func readDevice(m *agentpb.Device) Device {
	d := Device{
		ID: m.GetDeviceId(), Organization: m.GetOrganization(), Server: m.GetServer(), User: m.GetUserId(), Email: m.GetEmail(), Name: m.GetName(),
		Label: m.GetLabel(), Created: time.UnixMilli(m.GetCreatedUnixMs()), Protected: time.UnixMilli(m.GetProtectedUnixMs()), State: m.GetState(),
		Protection: readProtection(m.GetProtection()), InPlace: m.GetInPlace(),
	}
	if m.GetPending() != nil {
		p := readProtection(m.GetPending())
		d.Pending = &p
	}
	return d
}

func readProtection(m *agentpb.DeviceProtection) DeviceProtection {
	return DeviceProtection{Kind: m.GetKind(), Code: m.GetCode(), Provider: m.GetProviderName()}
}

// ListDevices lists the devices that a text fits, by id, organisation, label, both with a slash between, e-mail address,
// host of the server or the first digits of the id; without a text all of them, and the files that cannot be read.
func (c *Client) ListDevices(ctx context.Context, device string) ([]Device, []DamagedDevice, error) {
	var m agentpb.ListDevicesResult
	q := call{op: agent.OpListDevices, in: &agentpb.ListDevices{Device: device}, object: deviceObject(device), needs: needsDevices}
	if err := c.do(ctx, q, &m); err != nil {
		return nil, nil, err
	}
	devices, damaged := make([]Device, 0, len(m.GetDevices())), []DamagedDevice{}
	for _, d := range m.GetDevices() {
		devices = append(devices, readDevice(d))
	}
	for _, d := range m.GetDamaged() {
		damaged = append(damaged, DamagedDevice{d.GetFile(), d.GetReason()})
	}
	return devices, damaged, nil
}

func deviceObject(text string) string {
	if text == "" {
		return ""
	}
	return "device \"" + text + "\""
}

// DeviceSecret is what opens a device; the caller wipes the password.
type DeviceSecret struct {
	Password []byte
	Code     string // one-time code
}

// UnlockDevice opens a device, which the agent keeps until it is locked. already says that it was unlocked before, and the
// password not looked at. It is never repeated: wrong passwords count.
func (c *Client) UnlockDevice(ctx context.Context, device string, with DeviceSecret) (d Device, already bool, err error) {
	var m agentpb.UnlockDeviceResult
	in := &agentpb.UnlockDevice{Device: device, Password: with.Password, Code: with.Code}
	err = c.do(ctx, call{op: agent.OpUnlockDevice, in: in, once: true, needs: needsDevices}, &m)
	return readDevice(m.GetDevice()), m.GetAlready(), err
}

// LockDevice wipes a device from the agent's memory; it returns whether it was there.
func (c *Client) LockDevice(ctx context.Context, device string) (bool, error) {
	n, err := c.lockDevices(ctx, &agentpb.LockDevice{Device: device})
	return n > 0, err
}

// LockAllDevices wipes all devices of the caller's uid, and returns how many were unlocked.
func (c *Client) LockAllDevices(ctx context.Context) (int, error) {
	return c.lockDevices(ctx, &agentpb.LockDevice{All: true})
}

func (c *Client) lockDevices(ctx context.Context, in *agentpb.LockDevice) (int, error) {
	var m agentpb.LockDeviceResult
	err := c.do(ctx, call{op: agent.OpLockDevice, in: in, needs: needsDevices}, &m)
	return int(m.GetLocked()), err
}

// NewProtection is how a device is to be protected: by a password, a key of a provider, both, or a certificate beside a
// key of the caller.
type NewProtection struct {
	Password       []byte // the caller wipes it
	Provider       string
	CertificateKey string
	// Code has the device's server want a one-time code too.
	Code bool
}

// ProtectDevice seals an unlocked device under a new protection. The present one opens it as well until the new one did so
// once, in UnlockDevice or ConfirmProtection, or is reverted.
func (c *Client) ProtectDevice(ctx context.Context, device string, p NewProtection) (Device, error) {
	return c.protectDevice(ctx, &agentpb.ProtectDevice{
		Device: device, Change: true, Password: p.Password, ProviderName: p.Provider, CertificateKey: p.CertificateKey, CodeLayer: p.Code,
	})
}

// ConfirmProtection opens a device by its new protection, which ends the old one.
func (c *Client) ConfirmProtection(ctx context.Context, device string, with DeviceSecret) (Device, error) {
	return c.protectDevice(ctx, &agentpb.ProtectDevice{Device: device, Confirm: true, Password: with.Password, Code: with.Code})
}

// RevertProtection ends the new protection of a device; the old one stays.
func (c *Client) RevertProtection(ctx context.Context, device string) (Device, error) {
	return c.protectDevice(ctx, &agentpb.ProtectDevice{Device: device, Revert: true})
}

func (c *Client) protectDevice(ctx context.Context, in *agentpb.ProtectDevice) (Device, error) {
	var m agentpb.ProtectDeviceResult
	err := c.do(ctx, call{op: agent.OpProtectDevice, in: in, once: true, needs: needsDevices}, &m)
	return readDevice(m.GetDevice()), err
}
