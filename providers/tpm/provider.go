package tpm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/internal/health"
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
	health  *health.Health
	known   atomic.Pointer[facts] // nil until the TPM was there

	stop    chan struct{} // closed by Close
	closing sync.Once
	tending sync.WaitGroup

	// Guarded by the turn of the way: no new try before rest has an end, for the storage key
	// that a TPM makes for each takes its time.
	refused error
	rest    time.Time
}

// facts are what does not change: of the TPM as it was when it was first reached, and the
// Name of the storage key.
type facts struct {
	can  *capabilities
	root []byte
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
	_ providers.Device              = (*Provider)(nil)
	_ providers.Adopter             = (*Provider)(nil)
)

// Open returns a provider that is connected.
func Open(ctx context.Context, o Options) (*Provider, error) {
	p, err := New(o)
	if err != nil {
		return nil, err
	}
	if err := p.Connect(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// New returns a provider that connects when it is first used, and by itself a moment later.
func New(o Options) (*Provider, error) {
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
		options: o, log: o.Logger, way: enter(o.TCTI), health: health.New(o.Name, o.Logger), stop: make(chan struct{}),
	}
	p.tending.Go(func() { p.health.Tend(p.stop, p.try) })
	return p, nil
}

// Connect opens the way to the TPM, makes its storage key and compares it with the stored
// one. It opens the way anew, also when another provider has it open: that shows whether the
// settings of this one are right. An error that is ErrAbsent says that there is no TPM.
func (p *Provider) Connect(ctx context.Context) error {
	if err := p.way.take(ctx); err != nil {
		return err
	}
	defer p.way.give()
	p.way.drop()
	return p.reach(ctx)
}

// try connects when nobody asks.
func (p *Provider) try() {
	_ = p.do(context.Background(), func(*call) error { return nil }) // ready reports
}

// State tells how the last try to reach the TPM ended.
func (p *Provider) State() providers.State { return p.health.State() }

// reach opens the way and reports what came of it. The caller has the turn.
func (p *Provider) reach(ctx context.Context) error {
	begun := time.Now()
	conn, err := p.connect(ctx)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx) // which says nothing of the TPM
	}
	if err != nil {
		err = p.unready(err)
		p.refused, p.rest = err, time.Now()
		if providers.ConditionOf(err) != providers.Absent {
			const share = 10 // of the time at most goes into tries
			p.rest = p.rest.Add(max(time.Second, share*time.Since(begun)))
		}
		p.health.Report(ctx, err)
		return err
	}
	p.way.conn = conn
	if p.known.Load() == nil {
		p.log.LogAttrs(ctx, slog.LevelInfo, "tpm_opened", slog.String("provider", p.options.Name), slog.String("tcti", p.options.TCTI.String()),
			slog.String("tpm", conn.can.String()), slog.String("storage_key", fmt.Sprintf("%x", conn.primary.name)))
		p.known.Store(&facts{conn.can, conn.primary.name})
	}
	p.health.Report(ctx, nil)
	return nil
}

// unready says what keeps the TPM from being used, and in which condition that is.
func (p *Provider) unready(err error) error {
	if _, broken := errors.AsType[*brokenError](err); broken || errors.Is(err, ErrAbsent) {
		return providers.Unready(providers.Absent, p.unreachable(err))
	}
	condition := providers.ConditionOf(err)
	e := &wire.Error{Status: wire.StatusOf(err), Reason: fmt.Sprintf("cannot use the TPM at %s: %v", p.options.TCTI, err), Err: err}
	if detail, ok := errors.AsType[*wire.Error](err); ok {
		e.Remedy = detail.Remedy
	}
	return providers.Unready(condition, e)
}

// Info describes the provider with the original's constants.
func (p *Provider) Info() providers.Info { return p.info }

// Close flushes what is loaded and closes the way, if no other provider uses it.
func (p *Provider) Close() error {
	p.closing.Do(func() {
		close(p.stop)
		p.tending.Wait()
		p.way.leave()
	})
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
			return err
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
	c, known := p.way.conn, p.known.Load()
	if c != nil && known != nil && bytes.Equal(c.primary.name, known.root) { //nolint:forbidigo // Names are public
		return nil
	}
	if time.Now().Before(p.rest) {
		return p.refused
	}
	p.way.drop()
	return p.reach(ctx)
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
		Status: wire.StatusHardwareFailure, Reason: fmt.Sprintf("cannot use the TPM at %s: %v", p.options.TCTI, err), Err: err,
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
