package agentd

import (
	"context"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/kim"
)

// devices are what is kept for each uid. They outlive the configurations, with what is unlocked.
type devices struct {
	service *Service
	budget  *device.Budget

	mu     sync.Mutex // guards the fields below
	people map[uint32]*person
	closed bool
}

// of returns the store of a uid: that of the kernel's, whatever the caller calls itself.
func (d *devices) of(uid uint32) *device.Store { return d.person(uid).store }

// person returns what is kept for a uid.
func (d *devices) person(uid uint32) *person {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p, ok := d.people[uid]; ok {
		return p
	}
	dir := filepath.Join(d.service.config.Load().Agent.Devices.Directory, strconv.FormatUint(uint64(uid), 10))
	p := newPerson(dir, d.open(uid, dir), d.service.log, d.service.options.Version)
	if d.closed {
		p.close()
	}
	d.people[uid] = p
	return p
}

// open makes the store of a uid.
func (d *devices) open(uid uint32, dir string) *device.Store {
	cfg := d.service.config.Load()
	o := device.Options{
		Dir: dir, Keys: deviceKeys{d.service}, KeyPrefix: "device/" + filepath.Base(dir),
		Certificates: certificates{d.service}, Server: oneTime{}, Budget: d.budget, Idle: cfg.Agent.Devices.IdleLimit, Logger: d.service.log,
	}
	if cfg.Layout.User && int(uid) == cfg.Layout.UID {
		o.Original = cfg.Agent.Devices.Original
	}
	return device.New(o)
}

// close ends all flows and wipes all that is unlocked, for good.
func (d *devices) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for _, p := range d.people {
		p.close()
	}
}

// ownerKey is under what a context has the owner of the caller's keys.
type ownerKey struct{}

// withOwner lets a device be opened by the keys of the caller.
func withOwner(ctx context.Context, o kim.Owner) context.Context {
	return context.WithValue(ctx, ownerKey{}, o)
}
