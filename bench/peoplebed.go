package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// peoplePassword protects all devices that are measured.
const peoplePassword = "correct horse battery staple"

// peopleBed is where people lie: one server of ours, and a directory for each of them.
type peopleBed struct {
	*serverBed
	server *serverSubject
	budget *device.Budget
}

// makePeopleBed starts our server, whose data are on the disk.
func makePeopleBed(ctx context.Context) (b *peopleBed, err error) {
	dir, err := os.MkdirTemp("/tmp", "pbp-") // short enough for a socket
	if err != nil {
		return nil, err
	}
	b = &peopleBed{serverBed: &serverBed{dir: dir}, budget: device.NewBudget()}
	if b.self, err = os.Executable(); err != nil {
		return b, err
	}
	if err = b.buildServer(ctx); err == nil {
		b.server, err = b.start(ctx, oursSQLite)
	}
	return b, err
}

// unborn is the address of an organisation that nobody has made.
func (b *peopleBed) unborn() string {
	return fmt.Sprintf("parsec3://%s/Org%s?no_ssl=true&a=bootstrap_organization&p=wA", b.server.address, rand.Text())
}

// address is that of the server.
func (b *peopleBed) address() (trust.ServerAddress, error) {
	return trust.ParseServerURL("http://" + b.server.address)
}

// someone is a person with devices, in a directory of their own.
type someone struct {
	bed     *peopleBed
	dir     string
	devices *device.Store
	desk    *enrol.Desk
	pins    *session.Pins
	session *session.Session
}

func (b *peopleBed) newSomeone() (p *someone, err error) {
	dir, err := os.MkdirTemp(b.dir, "person-")
	if err != nil {
		return nil, err
	}
	return b.someoneIn(dir)
}

// someoneIn is who has a directory.
func (b *peopleBed) someoneIn(dir string) (p *someone, err error) {
	p = &someone{bed: b, dir: dir}
	p.devices = device.New(device.Options{Dir: p.dir, Budget: b.budget, Logger: quiet()})
	p.desk = enrol.NewDesk(enrol.Options{
		Journal: enrol.NewJournal(filepath.Join(p.dir, "enrolments")), Devices: p.devices, Logger: quiet(),
		Dial: func(s trust.ServerAddress) (*cloud.Client, error) {
			return cloud.NewClient(cloud.Options{Server: s, Proxy: noProxy})
		},
	})
	p.pins, err = session.OpenPins(filepath.Join(p.dir, "pins"))
	return p, err
}

// open unlocks a device.
func (p *someone) open(ctx context.Context, id trust.DeviceID) (*device.Unlocked, error) {
	u, _, err := p.devices.Unlock(ctx, id, device.Secret{Password: []byte(peoplePassword)})
	return u, err
}

// start opens the session of a device, which has not connected yet.
func (p *someone) start(ctx context.Context, u *device.Unlocked) error {
	root := trust.VerifyKey{}
	err := u.Use(func(d *trust.LocalDevice) error {
		root = d.RootVerifyKey
		return nil
	})
	if err != nil {
		return err
	}
	p.session, err = session.Open(ctx, session.Options{Device: u, Dir: session.Dir(p.dir, root, u.ID()), Pins: p.pins, Logger: quiet(), Proxy: noProxy})
	return err
}

// unlock unlocks a device and opens its session.
func (p *someone) unlock(ctx context.Context, id trust.DeviceID) error {
	u, err := p.open(ctx, id)
	if err != nil {
		return err
	}
	return p.start(ctx, u)
}

// lock ends the session and locks all devices.
func (p *someone) lock() (err error) {
	if p.session != nil {
		err = p.session.Close()
	}
	p.session = nil
	p.devices.LockAll()
	return err
}

func (p *someone) close() error {
	err := errors.Join(p.lock(), p.pins.Close())
	p.devices.Close()
	return err
}
