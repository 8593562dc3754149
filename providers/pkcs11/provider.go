package pkcs11

import (
	"context"
	"errors"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// Provider is the PKCS#11 provider.
type Provider struct {
	info providers.Info
	o    Options
	link *link

	closing sync.Once

	mu       sync.Mutex // guards the fields below
	reserved map[keyID]bool
	publics  map[string]*public // by key id
	always   map[string]bool    // by key id: whether the key wants the PIN for each use
}

var (
	_ providers.Provider            = (*Provider)(nil)
	_ providers.Generator           = (*Provider)(nil)
	_ providers.Checker             = (*Provider)(nil)
	_ providers.Importer            = (*Provider)(nil)
	_ providers.Destroyer           = (*Provider)(nil)
	_ providers.PublicExporter      = (*Provider)(nil)
	_ providers.HashSigner          = (*Provider)(nil)
	_ providers.HashVerifier        = (*Provider)(nil)
	_ providers.MessageSigner       = (*Provider)(nil)
	_ providers.MessageVerifier     = (*Provider)(nil)
	_ providers.AsymmetricEncrypter = (*Provider)(nil)
	_ providers.AsymmetricDecrypter = (*Provider)(nil)
	_ providers.AEADEncrypter       = (*Provider)(nil)
	_ providers.AEADDecrypter       = (*Provider)(nil)
	_ providers.CipherEncrypter     = (*Provider)(nil)
	_ providers.CipherDecrypter     = (*Provider)(nil)
	_ providers.KeyAgreer           = (*Provider)(nil)
	_ providers.Randomizer          = (*Provider)(nil)
	_ providers.Advisor             = (*Provider)(nil)
	_ providers.Examiner            = (*Provider)(nil)
	_ providers.Unlocker            = (*Provider)(nil)
	_ providers.Labeller            = (*Provider)(nil)
	_ providers.Adopter             = (*Provider)(nil)
	_ providers.CertificateReader   = (*Provider)(nil)
)

// Open returns a provider that is connected.
func Open(ctx context.Context, o Options) (*Provider, error) {
	p, err := New(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := p.Connect(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// New returns a provider that connects when it is first used, and by itself a moment later.
func New(ctx context.Context, o Options) (*Provider, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	l, err := enter(ctx, o)
	if err != nil {
		return nil, err
	}
	p := &Provider{info: Info(o.Name), o: o, link: l, reserved: map[keyID]bool{}, publics: map[string]*public{}, always: map[string]bool{}}
	for _, b := range o.KnownIDs {
		if id, err := parseKeyID(b); err == nil {
			p.reserved[id] = true
		}
	}
	return p, nil
}

// Connect loads the library in a helper, chooses the token and logs in. Each failure has its
// own message; no PIN is sent that the token refused before.
func (p *Provider) Connect(ctx context.Context) error {
	_, err := p.link.connect(ctx)
	return err
}

// State tells how the last try to reach the token ended, and what became of it since.
func (p *Provider) State() providers.State { return p.link.health.State() }

// Info returns the description of an instance of that name.
func Info(name string) providers.Info {
	return providers.Info{
		ID: wire.ProviderPKCS11, UUID: UUID, Name: name, Vendor: "OASIS Standard.", Minor: 1,
		Description: "PKCS #11 provider, interfacing with a PKCS #11 library.",
	}
}

// Info describes the instance.
func (p *Provider) Info() providers.Info { return p.info }

// Close ends the helper, if no other provider uses it. Requests that run fail; later ones
// are StatusBadState.
func (p *Provider) Close() error {
	p.closing.Do(p.link.leave)
	return nil
}

// Random fills b from the token's random generator, in pieces between which the caller can
// give up.
func (p *Provider) Random(ctx context.Context, b []byte) error {
	const piece = 16 << 10
	for len(b) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(len(b), piece)
		out, err := p.link.do(ctx, &frame.Request{Op: frame.OpRandom, Count: uint32(n)}, freely)
		if err != nil {
			return err
		}
		if len(out.Data) != n {
			return wire.Errorf(wire.StatusHardwareFailure, "the token gave %d random bytes instead of %d", len(out.Data), n)
		}
		copy(b, out.Data)
		clear(out.Data)
		b = b[n:]
	}
	return nil
}

// CheckNewKey refuses what the original refuses before it looks at the name.
func (p *Provider) CheckNewKey(attrs psa.Attributes, data []byte) error {
	generating := data == nil
	switch {
	case generating && attrs.Type.Public():
		return wire.Errorf(wire.StatusInvalidArgument, "a public key cannot be generated")
	case p.o.RefuseExport && attrs.Usage.Has(psa.UsageExport):
		return wire.Errorf(wire.StatusNotPermitted, "keys of this provider cannot have the usage flag export (allow_export = false)")
	case !generating && len(data) == 0:
		return wire.Errorf(wire.StatusInvalidArgument, "there is no key to import")
	}
	return nil
}
