package pkcs11

import (
	"context"
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

	mu       sync.Mutex // guards the fields below
	reserved map[keyID]bool
	publics  map[keyID]*public
	always   map[keyID]bool // whether the key wants the PIN for each use
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
)

// Open loads the library in a helper, chooses the token and logs in. Each failure has its
// own message; no PIN is sent that the token refused before.
func Open(ctx context.Context, o Options) (*Provider, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	p := &Provider{
		info: Info(o.Name), o: o, link: newLink(o),
		reserved: map[keyID]bool{}, publics: map[keyID]*public{}, always: map[keyID]bool{},
	}
	for _, b := range o.KnownIDs {
		if id, err := parseKeyID(b); err == nil {
			p.reserved[id] = true
		}
	}
	if _, err := p.link.connect(ctx); err != nil {
		p.link.close()
		return nil, err
	}
	return p, nil
}

// Info returns the description of an instance of that name.
func Info(name string) providers.Info {
	return providers.Info{
		ID: wire.ProviderPKCS11, UUID: UUID, Name: name, Vendor: "OASIS Standard.", Minor: 1,
		Description: "PKCS #11 provider, interfacing with a PKCS #11 library.",
	}
}

// Info describes the instance.
func (p *Provider) Info() providers.Info { return p.info }

// Close ends the helper. Requests that run fail; later ones are StatusBadState.
func (p *Provider) Close() error {
	p.link.close()
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
	}
	return nil
}
