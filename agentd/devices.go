package agentd

import (
	"context"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/kim"
)

// devices are the stores of devices, one for each uid. They outlive the configurations, with what is unlocked.
type devices struct {
	service *Service
	budget  *device.Budget

	mu     sync.Mutex // guards the fields below
	stores map[uint32]*device.Store
	closed bool
}

// of returns the store of a uid: that of the kernel's, whatever the caller calls itself.
func (d *devices) of(uid uint32) *device.Store {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s, ok := d.stores[uid]; ok {
		return s
	}
	cfg := d.service.config.Load()
	name := strconv.FormatUint(uint64(uid), 10)
	o := device.Options{
		Dir: filepath.Join(cfg.Agent.Devices.Directory, name), Keys: deviceKeys{d.service}, KeyPrefix: "device/" + name,
		Certificates: certificates{d.service}, Server: oneTime{}, Budget: d.budget, Idle: cfg.Agent.Devices.IdleLimit, Logger: d.service.log,
	}
	if cfg.Layout.User && int(uid) == cfg.Layout.UID {
		o.Original = cfg.Agent.Devices.Original
	}
	s := device.New(o)
	if d.closed {
		s.Close()
	}
	d.stores[uid] = s
	return s
}

// close wipes all that is unlocked, for good.
func (d *devices) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for _, s := range d.stores {
		s.Close()
	}
}

// ownerKey is under what a context has the owner of the caller's keys.
type ownerKey struct{}

// withOwner lets a device be opened by the keys of the caller.
func withOwner(ctx context.Context, o kim.Owner) context.Context {
	return context.WithValue(ctx, ownerKey{}, o)
}
