package enrol

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// bootstrap makes an organisation out of its address (docs/spec/parsec-cloud-client.md 2.1).
type bootstrap struct {
	newcomer
	address   *trust.BootstrapAddress
	authority []byte // DER of the sequester authority's key, nil for none
	req       *cloud.OrganizationBootstrapReq
}

// Bootstrap returns the flow that makes an organisation, with the first user and device. authority is the public key of a sequester authority in PEM, empty
// for none: it is now or never.
func (d *Desk) Bootstrap(a *trust.BootstrapAddress, authority []byte) (Flow, error) {
	b := &bootstrap{newcomer: newcomer{Desk: d}, address: a}
	var err error
	if len(authority) > 0 {
		if b.authority, err = parseAuthority(authority); err != nil {
			return nil, err
		}
	}
	b.resume, err = d.journal.first(func(e *Entry) bool {
		return e.Work == WorkBootstrap && e.Server == a.Server && e.Organization == a.Organization
	})
	if err != nil && !errors.Is(err, ErrNoEntry) {
		return nil, err
	}
	return b, nil
}

func parseAuthority(text []byte) ([]byte, error) {
	block, rest := pem.Decode(text)
	invalid := func(err error) error {
		return &wire.Error{
			Status: wire.StatusInvalidArgument, Reason: "this is no public key of a sequester authority", Err: err,
			Remedy: "give an RSA key in PEM, as openssl rsa -pubout writes it",
		}
	}
	if block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
		return nil, invalid(errors.New("no single block PUBLIC KEY"))
	}
	if _, err := trust.ParseSequesterVerifyKey(block.Bytes); err != nil {
		return nil, invalid(err)
	}
	if _, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil {
		return nil, invalid(err)
	}
	return block.Bytes, nil
}

// Run makes the organisation, or goes on where it was interrupted.
func (b *bootstrap) Run(ctx context.Context, p Person) (Result, error) {
	b.p, b.ctx, b.clean = p, ctx, b.resume == nil
	defer b.close()
	if err := b.run(ctx); err != nil {
		return Result{}, b.leave(ctx, err)
	}
	b.tell(Notice{Event: EventDone})
	return b.result(), nil
}

func (b *bootstrap) run(ctx context.Context) (err error) {
	if b.resume != nil {
		err = b.again(ctx)
	}
	if known := b.address != nil; b.resume == nil && known || b.anew(err) && known {
		err = b.begin(ctx)
	}
	if b.entry.Stage == StageSaved && errors.Is(err, ErrLost) {
		return b.finish(ctx) // only the end was missing
	}
	if err != nil {
		return err
	}
	if b.client, err = b.o.Dial(b.entry.Server); err != nil {
		return err
	}
	if b.entry.Stage != StageSaved {
		if err := b.settle(ctx); err != nil {
			return err
		}
	}
	return b.finish(ctx)
}

func (b *bootstrap) begin(ctx context.Context) error {
	b.entry = Entry{Work: WorkBootstrap, Server: b.address.Server, Organization: b.address.Organization}
	d, err := describe(ctx, b.p, Correct{Side: SideClaimer, Details: Details{Human: &trust.HumanHandle{}}})
	if err != nil {
		return err
	}
	if b.secrets.Token, err = copyToken(b.address.Token); err != nil {
		return err
	}
	return b.newcomer.begin(ctx, *d.Human, d.Label)
}

// again goes on with what the journal has.
func (b *bootstrap) again(ctx context.Context) error {
	if err := b.reopen(ctx); err != nil || b.secrets.Request == nil {
		return err
	}
	req, err := b.sent()
	if err != nil || req.SequesterAuthorityCertificate == nil {
		return err
	}
	c, err := trust.VerifyCertificate(req.SequesterAuthorityCertificate, trust.Author{Key: req.RootVerifyKey})
	if err != nil {
		return err
	}
	if c, ok := c.(*trust.SequesterAuthorityCertificate); ok {
		b.authority = c.VerifyKeyDER
	}
	return nil
}

// sent is the request of the journal.
func (b *bootstrap) sent() (*cloud.OrganizationBootstrapReq, error) {
	decoded, err := cloud.DecodeRequest(cloud.Anonymous, b.secrets.Request)
	if err != nil {
		return nil, err
	}
	if req, ok := decoded.(*cloud.OrganizationBootstrapReq); ok {
		return req, nil
	}
	return nil, lost("the journal holds another request", nil)
}

// settle has the server accept the organisation, and saves the device.
func (b *bootstrap) settle(ctx context.Context) error {
	b.tell(Notice{Event: EventWorking})
	root, err := b.insist(ctx)
	if err != nil {
		return err
	}
	b.clean = false
	b.tell(Notice{Event: EventCertified})
	b.keys.RootVerifyKey, b.keys.InitialProfile = root, trust.Admin
	b.secrets.Roots = []trust.VerifyKey{root}
	return b.save(ctx, b.keys)
}

// insist sends the bootstrap until it is known what the server did with it. What it may have executed without our knowing, it is asked for first.
func (b *bootstrap) insist(ctx context.Context) (root trust.VerifyKey, err error) {
	var already error
	for n := 0; ; n++ {
		if !b.clean {
			if root, err = b.accepted(ctx); !errors.Is(err, errNotOurs) {
				return root, err
			}
			b.clean = true
		}
		if already != nil {
			return root, already
		}
		if err := b.sign(); err != nil {
			return root, err
		}
		b.clean = false
		rep, err := cloud.Do(ctx, b.client.Organization(b.entry.Organization), b.req)
		switch {
		case err == nil:
		case errors.Is(err, cloud.ErrOffline):
			b.tell(Notice{Event: EventOffline, Err: err})
			if err := wait(ctx, b.pace.offline, n); err != nil {
				return root, err
			}
			continue
		default:
			b.clean = refusedByHTTP(err)
			return root, err
		}
		switch rep := rep.(type) {
		case *cloud.OK:
			return b.req.RootVerifyKey, nil
		case *cloud.OrganizationAlreadyBootstrapped: // perhaps by us, when an answer was lost
			already = refused("somebody has bootstrapped the organisation already", "ask who runs the server for another address")
		default:
			b.clean = true
			return root, b.refusal(rep)
		}
	}
}

// refusedByHTTP reports whether an error says that the command was not executed.
func refusedByHTTP(err error) bool {
	e, ok := errors.AsType[*cloud.HTTPError](err)
	return ok && e.Status < 500
}

// refusal is what a status means.
func (*bootstrap) refusal(rep cloud.Reply) error {
	switch rep := rep.(type) {
	case *cloud.InvalidBootstrapToken:
		return refused("the address does not, or does not any more, allow to bootstrap the organisation", "ask who runs the server for another address")
	case *cloud.TimestampOutOfBallpark:
		return refused(fmt.Sprintf("the clocks differ too much: the server's is ahead by %v", rep.Offset()), "set the clock of this machine")
	default:
		return unexpected(rep)
	}
}

// sign makes the root key and has it sign, once. Certificates of a former one are too old, or were never sent.
func (b *bootstrap) sign() error {
	root := trust.GenerateSigningKey()
	defer root.Wipe()
	public, err := root.VerifyKey()
	if err != nil {
		return err
	}
	if len(b.secrets.Roots) >= maxRoots {
		return lost(fmt.Sprintf("the server was asked %d times, and nobody knows with what result", maxRoots), nil)
	}
	if b.req, err = b.request(root); err != nil {
		return err
	}
	if b.secrets.Request, err = cloud.EncodeRequest(b.req); err != nil {
		return err
	}
	b.secrets.Roots = append(b.secrets.Roots, public)
	return b.stage(StageAsked)
}

// request is the bootstrap, signed by the root key.
func (b *bootstrap) request(root trust.SigningKey) (*cloud.OrganizationBootstrapReq, error) {
	at, err := b.now()
	if err != nil {
		return nil, err
	}
	public, err := b.keys.PrivateKey.Public()
	if err != nil {
		return nil, err
	}
	verify, err := b.keys.SigningKey.VerifyKey()
	if err != nil {
		return nil, err
	}
	req := &cloud.OrganizationBootstrapReq{BootstrapToken: b.secrets.Token}
	if req.RootVerifyKey, err = root.VerifyKey(); err != nil {
		return nil, err
	}
	user := &trust.UserCertificate{Timestamp: at, UserID: b.keys.UserID, HumanHandle: &b.keys.HumanHandle, PublicKey: public, Profile: trust.Admin}
	device := &trust.DeviceCertificate{
		Purpose: trust.StandardDevice, Timestamp: at, UserID: b.keys.UserID, DeviceID: b.keys.DeviceID, DeviceLabel: &b.keys.DeviceLabel, VerifyKey: verify,
	}
	for into, c := range map[*[]byte]trust.Certificate{
		&req.UserCertificate: user, &req.RedactedUserCertificate: user.Redacted(), &req.DeviceCertificate: device, &req.RedactedDeviceCertificate: device.Redacted(),
	} {
		if *into, err = trust.SignCertificate(c, root); err != nil {
			return nil, err
		}
	}
	if b.authority != nil {
		req.SequesterAuthorityCertificate, err = trust.SignCertificate(&trust.SequesterAuthorityCertificate{Timestamp: at, VerifyKeyDER: b.authority}, root)
	}
	return req, err
}

// errNotOurs says that the server does not know our device.
var errNotOurs = errors.New("the organisation is not ours")

// accepted returns the root key with which the server took our first device in.
func (b *bootstrap) accepted(ctx context.Context) (root trust.VerifyKey, err error) {
	caller := b.client.Device(b.entry.Organization, b.keys.DeviceID, b.keys.SigningKey)
	var rep cloud.CertificateGetRep
	err = online(ctx, b.pace, b.tell, func(ctx context.Context) (err error) {
		rep, err = cloud.Do(ctx, caller, &cloud.CertificateGetReq{RealmAfter: map[trust.RealmID]trust.DateTime{}})
		return err
	})
	if errors.Is(err, cloud.ErrCredentials) || errors.Is(err, cloud.ErrOrganizationNotFound) {
		return root, errNotOurs
	}
	if err != nil {
		return root, err
	}
	ok, is := rep.(*cloud.CertificateGetOK)
	if !is {
		return root, meddling("certificates are refused with " + rep.Status())
	}
	batch := trust.Batch{Sequester: ok.SequesterCertificates, Common: ok.CommonCertificates, Realms: ok.RealmCertificates, Shamir: ok.ShamirRecoveryCertificates}
	for _, root := range b.secrets.Roots {
		store := trust.NewStore(root, b.keys.UserID, nil)
		if store.Add(batch) == nil && len(store.Users()) > 0 {
			return root, nil
		}
	}
	return root, meddling("it knows the device, and has no certificate of a root key that was made for it")
}
