package tpm

import (
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
	can     *capabilities // of the TPM as it was at the start; it does not change

	// turn holds one token: who takes it has the TPM and the field below.
	turn chan struct{}
	conn *conn // nil when the way is not open
}

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
		options: o, log: o.Logger, turn: make(chan struct{}, 1),
	}
	var err error
	if p.conn, err = p.connect(ctx); err != nil {
		return nil, fmt.Errorf("cannot use the TPM at %s: %w", o.TCTI, err)
	}
	p.can = p.conn.can
	p.log.LogAttrs(ctx, slog.LevelInfo, "tpm_opened", slog.String("provider", o.Name), slog.String("tcti", o.TCTI.String()),
		slog.String("tpm", p.can.String()), slog.String("storage_key", fmt.Sprintf("%x", p.conn.primary.name)))
	return p, nil
}

// Info describes the provider with the original's constants.
func (p *Provider) Info() providers.Info { return p.info }

// Close flushes what is loaded and closes the way.
func (p *Provider) Close() error {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	p.drop(context.Background())
	return nil
}

// drop closes the connection; the next use opens another.
func (p *Provider) drop(ctx context.Context) {
	if p.conn != nil {
		(&call{p.conn, context.WithoutCancel(ctx)}).close()
		p.conn = nil
	}
}

// do calls f with the TPM, one caller at a time. When the way broke or the TPM was reset
// meanwhile, it is opened again, the storage key is checked again and f called once more:
// f changes nothing that outlives the connection. The caller stops waiting with its
// context.
func (p *Provider) do(ctx context.Context, f func(*call) error) error {
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-p.turn }()
	var err error
	for range 2 {
		if p.conn == nil {
			if p.conn, err = p.connect(ctx); err != nil {
				return p.unreachable(err)
			}
		}
		if err = f(&call{p.conn, ctx}); !lost(err) {
			return err
		}
		p.log.LogAttrs(ctx, slog.LevelWarn, "tpm_lost", slog.String("provider", p.info.Name), slog.String("error", err.Error()))
		p.drop(ctx)
	}
	return p.unreachable(err)
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
