package client

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
)

// OfferDevice gives the agent a device file of the original client. The agent does not open the device until CommitDevice,
// and OfferDevice may be repeated until then.
func (c *Client) OfferDevice(ctx context.Context, content []byte) (Device, error) {
	f, err := memoryFile(content)
	if err != nil {
		return Device{}, fmt.Errorf("cannot pass the device file to the agent: %w", err)
	}
	defer f.Close()
	return c.importDevice(ctx, call{in: &agentpb.ImportDevice{Offer: true}, pass: f})
}

// CommitDevice makes an offered device one of the agent's. The caller says with it that no other program can use the device.
func (c *Client) CommitDevice(ctx context.Context, device string) (Device, error) {
	return c.importDevice(ctx, call{in: &agentpb.ImportDevice{Commit: true, Device: device}})
}

// WithdrawDevice removes an offered device again.
func (c *Client) WithdrawDevice(ctx context.Context, device string) error {
	_, err := c.importDevice(ctx, call{in: &agentpb.ImportDevice{Cancel: true, Device: device}})
	return err
}

func (c *Client) importDevice(ctx context.Context, q call) (Device, error) {
	var m agentpb.ImportDeviceResult
	q.op, q.once, q.needs = agent.OpImportDevice, true, needsDevices
	err := c.do(ctx, q, &m)
	return readDevice(m.GetDevice()), err
}

// memoryFile is a file in memory with that content, which nobody can change any more.
func memoryFile(content []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("device", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "device")
	_, err = f.Write(content)
	if err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// ExportDevice takes an unlocked device out of the agent's use and returns it as a file for the original client, under a
// password, which the caller wipes. It is never repeated; UndoExport takes the device back.
func (c *Client) ExportDevice(ctx context.Context, device string, password []byte) (Device, []byte, error) {
	m, err := c.exportDevice(ctx, &agentpb.ExportDevice{Device: device, Leave: true, Password: password})
	return readDevice(m.GetDevice()), m.GetContent(), err
}

// UndoExport takes an exported device back. The caller says with it that no program uses the exported file.
func (c *Client) UndoExport(ctx context.Context, device string) (Device, error) {
	m, err := c.exportDevice(ctx, &agentpb.ExportDevice{Device: device, Undo: true})
	return readDevice(m.GetDevice()), err
}

// Recovery is a file with which a new device can be enrolled where this one is lost.
type Recovery struct {
	File []byte
	// Passphrase opens it; the caller wipes it.
	Passphrase []byte
}

// DeviceRecovery returns a recovery file for the user of an unlocked device: of a device that is certified for the purpose, or offline of that device itself.
func (c *Client) DeviceRecovery(ctx context.Context, device string, offline bool) (Device, Recovery, error) {
	m, err := c.exportDevice(ctx, &agentpb.ExportDevice{Device: device, Recovery: true, Offline: offline})
	return readDevice(m.GetDevice()), Recovery{m.GetContent(), m.GetPassphrase()}, err
}

func (c *Client) exportDevice(ctx context.Context, in *agentpb.ExportDevice) (*agentpb.ExportDeviceResult, error) {
	m := &agentpb.ExportDeviceResult{}
	return m, c.do(ctx, call{op: agent.OpExportDevice, in: in, once: true, needs: needsDevices}, m)
}
