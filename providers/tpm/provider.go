package tpm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

const (
	// UUID identifies the provider in the protocol and in key info managers.
	UUID = "1e4954a4-ff21-46d3-ab0c-661eeb667e1d"
	// DefaultName is the instance name when none is configured.
	DefaultName = "tpm-provider"
)

// Secret is an authorisation value that its owner shows for the time of a call.
type Secret interface {
	Use(f func([]byte) error) error
}

// Options configures a provider.
type Options struct {
	// Name is the instance name; empty means DefaultName.
	Name string
	// TCTI is the way to the TPM.
	TCTI TCTI
	// OwnerAuth and EndorsementAuth authorise the hierarchies; nil is the empty value. They
	// are asked for again when the TPM was reset, and must stay usable until Close.
	OwnerAuth, EndorsementAuth Secret
	// Root keeps the id of the root key.
	Root RootStore
	// Logger receives what nobody asked for; nil discards it.
	Logger *slog.Logger
}

// Provider is the TPM provider.
type Provider struct {
	info    providers.Info
	options Options
	log     *slog.Logger
	way     *way
	can     *capabilities // of the TPM as it was at the start; it does not change
	root    []byte        // the Name of the storage key
}

var (
	_ providers.Provider            = (*Provider)(nil)
	_ providers.Generator           = (*Provider)(nil)
	_ providers.Checker             = (*Provider)(nil)
	_ providers.Importer            = (*Provider)(nil)
	_ providers.Measurer            = (*Provider)(nil)
	_ providers.SelfContained       = (*Provider)(nil)
	_ providers.Destroyer           = (*Provider)(nil)
	_ providers.PublicExporter      = (*Provider)(nil)
	_ providers.HashSigner          = (*Provider)(nil)
	_ providers.HashVerifier        = (*Provider)(nil)
	_ providers.MessageSigner       = (*Provider)(nil)
	_ providers.MessageVerifier     = (*Provider)(nil)
	_ providers.AsymmetricEncrypter = (*Provider)(nil)
	_ providers.AsymmetricDecrypter = (*Provider)(nil)
	_ providers.MACComputer         = (*Provider)(nil)
	_ providers.MACVerifier         = (*Provider)(nil)
	_ providers.KeyAgreer           = (*Provider)(nil)
	_ providers.Randomizer          = (*Provider)(nil)
	_ providers.Advisor             = (*Provider)(nil)
	_ providers.Attester            = (*Provider)(nil)
	_ providers.Certifier           = (*Provider)(nil)
	_ providers.Examiner            = (*Provider)(nil)
)

// Open opens the way to the TPM, makes its storage key and compares it with the stored
// one. An error that is ErrAbsent says that there is no TPM.
func Open(ctx context.Context, o Options) (*Provider, error) {
	if o.Root == nil {
		return nil, errors.New("a TPM provider needs a place for the id of its root key")
	}
	if o.Name == "" {
		o.Name = DefaultName
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Provider{
		info: providers.Info{
			ID: wire.ProviderTPM, UUID: UUID, Name: o.Name, Vendor: "Trusted Computing Group (TCG)", Minor: 1,
			Description: "TPM provider, interfacing with a library implementing the TCG TSS 2.0 Enhanced System API specification.",
		},
		options: o, log: o.Logger, way: enter(o.TCTI),
	}
	if err := p.start(ctx); err != nil {
		p.way.leave()
		return nil, fmt.Errorf("cannot use the TPM at %s: %w", o.TCTI, err)
	}
	p.log.LogAttrs(ctx, slog.LevelInfo, "tpm_opened", slog.String("provider", o.Name), slog.String("tcti", o.TCTI.String()),
		slog.String("tpm", p.can.String()), slog.String("storage_key", fmt.Sprintf("%x", p.root)))
	return p, nil
}

// start opens the way anew, also when another provider has it open: that shows whether the
// settings of this one are right.
func (p *Provider) start(ctx context.Context) error {
	if err := p.way.take(ctx); err != nil {
		return err
	}
	defer p.way.give()
	p.way.drop()
	conn, err := p.connect(ctx)
	if err != nil {
		return err
	}
	p.way.conn, p.can, p.root = conn, conn.can, conn.primary.name
	return nil
}

// Info describes the provider with the original's constants.
func (p *Provider) Info() providers.Info { return p.info }

// Close flushes what is loaded and closes the way, if no other provider uses it.
func (p *Provider) Close() error {
	p.way.leave()
	return nil
}

// do calls f with the TPM, one caller at a time. When the way broke or the TPM was reset
// meanwhile, it is opened again, the storage key is checked again and f called once more:
// f changes nothing that outlives the connection. The caller stops waiting with its
// context.
func (p *Provider) do(ctx context.Context, f func(*call) error) error {
	if err := p.way.take(ctx); err != nil {
		return err
	}
	defer p.way.give()
	var err error
	for range 2 {
		if err = p.ready(ctx); err != nil {
			return p.unreachable(err)
		}
		if err = f(&call{p.way.conn, ctx}); !lost(err) {
			return err
		}
		p.log.LogAttrs(ctx, slog.LevelWarn, "tpm_lost", slog.String("provider", p.info.Name), slog.String("error", err.Error()))
		p.way.drop()
	}
	return p.unreachable(err)
}

// ready opens the way if it is not open with the right storage key.
func (p *Provider) ready(ctx context.Context) error {
	if c := p.way.conn; c != nil && bytes.Equal(c.primary.name, p.root) { //nolint:forbidigo // Names are public
		return nil
	}
	p.way.drop()
	conn, err := p.connect(ctx)
	if err == nil {
		p.way.conn = conn
	}
	return err
}

// lost reports whether an error means that the connection and what was loaded through it
// are gone.
func lost(err error) bool {
	if _, broken := errors.AsType[*brokenError](err); broken {
		return true
	}
	return refused(err, tpm2.TPMRCInitialize, tpm2.TPMRCHandle,
		tpm2.TPMRCReferenceH0, tpm2.TPMRCReferenceH1, tpm2.TPMRCReferenceH2, tpm2.TPMRCReferenceH3,
		tpm2.TPMRCReferenceS0, tpm2.TPMRCReferenceS1, tpm2.TPMRCReferenceS2)
}

// unreachable gives a way that does not open or broke a status.
func (p *Provider) unreachable(err error) error {
	if _, broken := errors.AsType[*brokenError](err); !broken && !errors.Is(err, ErrAbsent) {
		return err
	}
	return &wire.Error{
		Status: wire.StatusHardwareFailure, Reason: fmt.Sprintf("the TPM at %s: %v", p.options.TCTI, err), Err: err,
		Remedy: "see whether the TPM is there; the service needs no restart when it comes back",
	}
}

// useSecret calls f with the secret, or with nothing when there is none.
func useSecret(s Secret, f func([]byte) error) error {
	if s == nil {
		return f(nil)
	}
	return s.Use(f)
}
