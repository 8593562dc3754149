package api

import (
	"context"
	"crypto/sha256"
	"sync"
	"sync/atomic"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// maxDevices bounds what is remembered; it begins anew when it is full.
const maxDevices = 50_000

// known is a device that exists, and what was true of it.
type known struct {
	org    int64
	user   trust.UserID
	key    trust.VerifyKey
	status cloud.HTTPStatus
	tos    bool
	// verified is the digest of the last authorisation that was: clients use one for a second, and a signature costs more to verify than all
	// else that most requests do.
	verified atomic.Pointer[[sha256.Size]byte]
}

// verify checks the signature of an authorisation, whose header is given too.
func (k *known) verify(token cloud.DeviceToken, header string) error {
	digest := sha256.Sum256([]byte(header))
	if last := k.verified.Load(); last != nil && *last == digest {
		return nil
	}
	if err := token.Verify(k.key); err != nil {
		return err
	}
	k.verified.Store(&digest)
	return nil
}

type deviceName struct {
	organization trust.OrganizationID
	device       trust.DeviceID
}

// Devices remembers the devices that are let in, and organisations, so that most requests are let in without asking the store. Commands check again; and
// as who is refused is not remembered, what another process allows holds at once.
// It may be used concurrently.
type Devices struct {
	Store *store.Store

	mu    sync.Mutex // guards the fields below
	known map[deviceName]*known
	// organizations are those that exist and were bootstrapped.
	organizations map[trust.OrganizationID]int64
	// changes counts what was forgotten: what was read before is not remembered after.
	changes uint64
}

// Forget is an events.Watcher.
func (d *Devices) Forget(org int64, user *trust.UserID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changes++
	for name, k := range d.known {
		if org == 0 || k.org == org && (user == nil || k.user == *user) {
			delete(d.known, name)
		}
	}
	for id, num := range d.organizations {
		if org == 0 || num == org && user == nil {
			delete(d.organizations, id)
		}
	}
}

// organization returns the number of an organisation, 0 if it is not known, and what keepOrganization wants.
func (d *Devices) organization(id trust.OrganizationID) (num int64, changes uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.organizations[id], d.changes
}

// keepOrganization remembers an organisation for anonymous commands, unless something was forgotten since.
func (d *Devices) keepOrganization(id trust.OrganizationID, num int64, changes uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.organizations == nil || len(d.organizations) >= maxDevices {
		d.organizations = map[trust.OrganizationID]int64{}
	}
	if d.changes == changes {
		d.organizations[id] = num
	}
}

// get returns a device, or the status with which it is refused (1.4, checks 1 to 3).
func (d *Devices) get(ctx context.Context, name deviceName) (*known, error) {
	d.mu.Lock()
	k, changes := d.known[name], d.changes
	d.mu.Unlock()
	if k != nil {
		return k, nil
	}
	k, err := d.load(ctx, name)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil || len(d.known) >= maxDevices {
		d.known = map[deviceName]*known{}
	}
	if d.changes == changes && k.status == cloud.StatusOK && !k.tos {
		d.known[name] = k
	}
	return k, nil
}

func (d *Devices) load(ctx context.Context, name deviceName) (k *known, err error) {
	err = d.Store.Read(ctx, func(tx *store.Tx) error {
		o, err := tables.FindOrganization(ctx, tx, name.organization)
		switch {
		case err != nil:
			return err
		case o == nil:
			return &cloud.HTTPError{Status: cloud.StatusOrganizationNotFound}
		case o.Expired:
			return &cloud.HTTPError{Status: cloud.StatusOrganizationExpired}
		}
		a, err := tables.FindAuthor(ctx, tx, o.Num, name.device)
		switch {
		case err != nil:
			return err
		case a == nil:
			return &cloud.HTTPError{Status: cloud.StatusBadAuthorization}
		}
		k = &known{org: o.Num, user: a.User, key: a.Key, status: rules.Admit(a), tos: a.MustAcceptTOS()}
		return nil
	})
	return k, err
}

// authenticate goes through the checks of 1.4.
func (a *API) authenticate(ctx context.Context, c *rules.Call, h *cloud.Handshake, header string, accepted bool) error {
	c.Device = h.Device.Device()
	k, err := a.Devices.get(ctx, deviceName{h.Organization, c.Device})
	if err != nil {
		return err
	}
	switch {
	case k.status != cloud.StatusOK:
		return &cloud.HTTPError{Status: k.status}
	case accepted && k.tos:
		return &cloud.HTTPError{Status: cloud.StatusMustAcceptTOS}
	case k.verify(h.Device, header) != nil:
		return &cloud.HTTPError{Status: cloud.StatusBadAuthorization}
	case !cloud.InWindow(c.Now.Time(), h.Device.Time()):
		return &cloud.HTTPError{Status: cloud.StatusTokenExpired}
	}
	c.Org, c.User, c.Key = k.org, k.user, k.key
	return nil
}
