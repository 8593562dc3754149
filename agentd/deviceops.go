package agentd

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// The operations on devices. A device belongs to the uid that the kernel tells; the application identity counts only for
// keys of the caller's own.

// devices returns the store of the caller.
func (r *request) devices() *device.Store { return r.conn.service.devices.of(r.conn.peer.UID) }

// device finds the device that a text means.
func (r *request) device(text string) (device.Entry, error) {
	all, _, err := r.devices().List()
	if err != nil {
		return device.Entry{}, err
	}
	return device.Select(all, text)
}

// described is a device as it is now.
func (r *request) described(id trust.DeviceID) (*agentpb.Device, error) {
	e, err := r.device(id.String())
	if err != nil {
		return nil, err
	}
	return deviceMessage(&e), nil
}

func deviceMessage(e *device.Entry) *agentpb.Device {
	m := &agentpb.Device{
		DeviceId: e.ID.String(), Organization: e.Organization.String(), Server: e.Server.String(), UserId: e.User.String(),
		Email: e.Human.Email.String(), Name: e.Human.Label.String(), Label: e.Label.String(),
		CreatedUnixMs: e.Created.UnixMilli(), ProtectedUnixMs: e.Protected.UnixMilli(), State: string(e.State),
		Protection: protectionMessage(&e.Protection), InPlace: e.InPlace,
	}
	if e.Pending != nil {
		m.Pending = protectionMessage(e.Pending)
	}
	return m
}

func protectionMessage(l *device.Layers) *agentpb.DeviceProtection {
	return &agentpb.DeviceProtection{Kind: string(l.Kind), Code: l.Code, ProviderName: l.Provider}
}

func decodeListDevices(r *request) (action, error) {
	m := &agentpb.ListDevices{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(_ context.Context, r *request) ([]byte, error) {
		all, damaged, err := r.devices().List()
		if err != nil {
			return nil, err
		}
		result := &agentpb.ListDevicesResult{}
		if m.GetDevice() != "" {
			if all, err = device.Fitting(all, m.GetDevice()); err != nil {
				return nil, err
			}
			damaged = nil
		}
		for i := range all {
			result.Devices = append(result.Devices, deviceMessage(&all[i]))
		}
		for _, d := range damaged {
			result.Damaged = append(result.Damaged, &agentpb.ListDevicesResult_Damaged{File: text(d.Name), Reason: reasonOf(d.Err)})
		}
		return psa.Marshal(result)
	}, nil
}

// reasonOf is what a person may read of an error: what carries no reason for callers shows none.
func reasonOf(err error) string {
	if detail, ok := errors.AsType[*wire.Error](err); ok {
		return text(detail.Error())
	}
	return "it cannot be read"
}

func decodeUnlockDevice(r *request) (action, error) {
	m := &agentpb.UnlockDevice{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		defer clear(m.GetPassword())
		e, err := r.device(m.GetDevice())
		if err != nil {
			return nil, err
		}
		with := device.Secret{Password: m.GetPassword(), Code: m.GetCode()}
		u, already, err := r.devices().Unlock(withOwner(ctx, r.owner()), e.ID, with)
		if err != nil {
			return nil, err
		}
		r.person().signIn(u) //nolint:contextcheck // works and sessions outlive the request
		now, err := r.described(e.ID)
		if err != nil {
			return nil, err
		}
		return psa.Marshal(&agentpb.UnlockDeviceResult{Device: now, Already: already})
	}, nil
}

func decodeLockDevice(r *request) (action, error) {
	m := &agentpb.LockDevice{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	if m.GetAll() && m.GetDevice() != "" {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "all devices, or one")
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		defer r.person().signedOut(ctx)
		result := &agentpb.LockDeviceResult{}
		if m.GetAll() {
			result.Locked = uint32(r.devices().LockAll()) //nolint:gosec // few
			return psa.Marshal(result)
		}
		e, err := r.device(m.GetDevice())
		if err != nil {
			return nil, err
		}
		if r.devices().Lock(e.ID) {
			result.Locked = 1
		}
		return psa.Marshal(result)
	}, nil
}

// one refuses a message in which not exactly one of several acts is chosen.
func one(acts ...bool) error {
	n := 0
	for _, chosen := range acts {
		if chosen {
			n++
		}
	}
	if n != 1 {
		return wire.Errorf(wire.StatusInvalidArgument, "%d acts are chosen, one is to be", n)
	}
	return nil
}

func decodeProtectDevice(r *request) (action, error) {
	m := &agentpb.ProtectDevice{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	if err := one(m.GetChange(), m.GetConfirm(), m.GetRevert()); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		defer clear(m.GetPassword())
		e, err := r.device(m.GetDevice())
		if err != nil {
			return nil, err
		}
		switch {
		case m.GetChange():
			err = r.protectDevice(ctx, e.ID, m)
		case m.GetConfirm():
			err = r.devices().Confirm(withOwner(ctx, r.owner()), e.ID, device.Secret{Password: m.GetPassword(), Code: m.GetCode()})
		default:
			err = r.devices().Revert(ctx, e.ID)
		}
		if err != nil {
			return nil, err
		}
		now, err := r.described(e.ID)
		if err != nil {
			return nil, err
		}
		return psa.Marshal(&agentpb.ProtectDeviceResult{Device: now})
	}, nil
}

func (r *request) protectDevice(ctx context.Context, id trust.DeviceID, m *agentpb.ProtectDevice) (err error) {
	p := device.Protection{Password: m.GetPassword(), Provider: m.GetProviderName()}
	if key := m.GetCertificateKey(); key != "" {
		if p.Certificate, err = r.certificateOf(ctx, psa.KeyName(key)); err != nil {
			return err
		}
	}
	if m.GetCodeLayer() {
		u, err := r.devices().Get(id)
		if err != nil {
			return err
		}
		if p.Code, err = newCodeLayer(ctx, u); err != nil {
			return err
		}
		defer p.Code.Key.Wipe()
	}
	return r.devices().Protect(ctx, id, p)
}

func decodeImportDevice(r *request) (action, error) {
	m := &agentpb.ImportDevice{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	if err := one(m.GetOffer(), m.GetCommit(), m.GetCancel()); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		if m.GetOffer() {
			return r.offerDevice(ctx)
		}
		e, err := r.device(m.GetDevice())
		if err != nil {
			return nil, err
		}
		if m.GetCancel() {
			if err := r.devices().CancelImport(ctx, e.ID); err != nil {
				return nil, err
			}
			return psa.Marshal(&agentpb.ImportDeviceResult{})
		}
		if err := r.devices().CommitImport(ctx, e.ID); err != nil {
			return nil, err
		}
		now, err := r.described(e.ID)
		if err != nil {
			return nil, err
		}
		return psa.Marshal(&agentpb.ImportDeviceResult{Device: now})
	}, nil
}

// offerDevice stores what is in the file that came with the request.
func (r *request) offerDevice(ctx context.Context) ([]byte, error) {
	content, err := r.conn.passed.read()
	if err != nil {
		return nil, err
	}
	e, err := r.devices().Import(ctx, content)
	if err != nil {
		return nil, err
	}
	return psa.Marshal(&agentpb.ImportDeviceResult{Device: deviceMessage(&e)})
}

func decodeExportDevice(r *request) (action, error) {
	m := &agentpb.ExportDevice{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	if err := one(m.GetLeave(), m.GetUndo(), m.GetRecovery()); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		defer clear(m.GetPassword())
		e, err := r.device(m.GetDevice())
		if err != nil {
			return nil, err
		}
		result := &agentpb.ExportDeviceResult{}
		defer func() { clear(result.GetPassphrase()) }()
		switch {
		case m.GetLeave():
			result.Content, err = r.devices().Export(ctx, e.ID, m.GetPassword())
		case m.GetUndo():
			err = r.devices().UndoExport(ctx, e.ID)
		case m.GetOffline():
			result.Content, result.Passphrase, err = r.devices().Recovery(e.ID)
		default:
			result.Content, result.Passphrase, err = r.recoveryFile(ctx, e.ID.String())
		}
		if err != nil {
			return nil, err
		}
		if result.Device, err = r.described(e.ID); err != nil {
			return nil, err
		}
		return psa.Marshal(result)
	}, nil
}
