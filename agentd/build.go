package agentd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/agentd/authn"
	"github.com/seed-73b3884f/parsec-agent/agentd/authn/spiffe"
	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/ondisk"
	"github.com/seed-73b3884f/parsec-agent/kim/sqlite"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/software"
)

// builder makes a backend; what it has made is closed again when a later step fails.
type builder struct {
	log *slog.Logger
	out *backend
}

// factories open the kinds of provider that are part of this build.
var factories = map[wire.ProviderID]func(ctx context.Context, b *builder, inst *instance) (providers.Provider, error){
	wire.ProviderMbedCrypto: openSoftware,
	wire.ProviderPKCS11:     openPKCS11,
	wire.ProviderTPM:        openTPM,
}

// build opens everything that a configuration names.
func build(ctx context.Context, log *slog.Logger, cfg *config.Config) (*backend, error) {
	b := &builder{log: log, out: &backend{config: cfg}}
	b.out.refs.Store(1)
	if err := b.all(ctx); err != nil {
		return nil, errors.Join(err, b.out.close())
	}
	return b.out, nil
}

func (b *builder) all(ctx context.Context) error {
	settleKeyStores(ctx, b.log, b.out.config)
	if err := b.authenticators(ctx); err != nil {
		return fmt.Errorf("cannot make the authenticators: %w", err)
	}
	for _, m := range b.out.config.KeyManagers {
		if err := b.store(ctx, m); err != nil {
			return fmt.Errorf("cannot open key manager %q at %s: %w", m.Name, m.Path, err)
		}
	}
	for _, p := range byNeed(b.out.config.Providers) {
		if err := b.provider(ctx, p); err != nil {
			return fmt.Errorf("failed to create provider %q: %w", p.Name, err)
		}
	}
	b.out.arrange()
	if len(b.out.instances) == 0 {
		return errors.New("need one provider: every configured one was left out")
	}
	return nil
}

// authenticators makes the set that requests choose from.
func (b *builder) authenticators(ctx context.Context) error {
	cfg := b.out.config
	groups, warnings := authn.LookupGroups(cfg.Agent.AdminGroups)
	o := authn.Options{Groups: groups}
	for _, a := range cfg.Authenticators() {
		made, err := authenticator(ctx, a)
		if err != nil {
			return fmt.Errorf("authenticator %s: %w", a.Type, err)
		}
		o.Members = append(o.Members, authn.Member{Authenticator: made, Admins: a.Admins})
	}
	if cfg.Layout.User {
		uid := uint32(cfg.Layout.UID) //nolint:gosec // a uid of the kernel
		o.OwnUID = &uid
	}
	set, more, err := authn.NewSet(o)
	if err != nil {
		return err
	}
	if slices.Equal(cfg.Agent.AdminGroups, config.Default(cfg.Layout).Agent.AdminGroups) {
		warnings = nil // a machine without the default group is an ordinary one
	}
	for _, w := range append(warnings, more...) {
		b.log.LogAttrs(ctx, slog.LevelWarn, "authenticator_warning", slog.String("warning", w))
	}
	b.out.auth = set
	return nil
}

func authenticator(ctx context.Context, a config.Authenticator) (authn.Authenticator, error) {
	switch a.Type {
	case wire.AuthDirect:
		return authn.Direct{}, nil
	case wire.AuthUnixPeer:
		return authn.UnixPeer{}, nil
	case wire.AuthJWTSVID:
		return spiffe.New(ctx, spiffe.Options{Endpoint: a.WorkloadEndpoint})
	default:
		return nil, errors.New("authenticator not compiled")
	}
}

// store opens a key info manager.
func (b *builder) store(ctx context.Context, m config.KeyManager) error {
	var st kim.Store
	var err error
	if m.Type == config.ManagerOnDisk {
		st, err = ondisk.Open(ctx, m.Path, ondisk.Options{Auth: b.out.config.Authenticator.Type, Providers: b.kinds(m.Name)})
	} else {
		st, err = sqlite.Open(ctx, m.Path)
	}
	if err != nil {
		return err
	}
	b.out.stores = append(b.out.stores, namedStore{st, m.Name})
	return nil
}

// kinds returns, for a store that records kinds only, the instance that stands for each:
// the last configured, which requests by number reach.
func (b *builder) kinds(manager string) map[wire.ProviderID]kim.Provider {
	kinds := map[wire.ProviderID]kim.Provider{}
	for _, p := range b.out.config.Providers {
		if p.KeyManager == manager {
			kinds[p.Type] = ref(p)
		}
	}
	return kinds
}

func ref(p config.Provider) kim.Provider {
	return kim.Provider{ID: p.Type, UUID: kim.ProviderUUID(p.Type), Name: p.Name}
}

// provider opens a provider over the store that it names.
func (b *builder) provider(ctx context.Context, p config.Provider) error {
	open, ok := factories[p.Type]
	if !ok {
		return fmt.Errorf("provider not compiled: providers of kind %s are not part of this build", p.Type)
	}
	inst := &instance{ref: ref(p), manager: p.KeyManager, config: p, unlockers: b.unlockers(ctx, p)}
	for _, st := range b.out.stores {
		if st.name == p.KeyManager {
			inst.store = st.Store
		}
	}
	var err error
	if inst.provider, err = open(ctx, b, inst); err != nil {
		return b.leaveOut(ctx, p, err)
	}
	b.out.instances = append(b.out.instances, inst)
	return nil
}

// keyIDs returns the ids that a store maps to providers of the instance's kind: they
// share the numbers.
func (i *instance) keyIDs() []providers.KeyID {
	var ids []providers.KeyID
	for _, e := range i.store.All() {
		if e.Provider.UUID == i.ref.UUID {
			ids = append(ids, e.KeyID)
		}
	}
	return ids
}

// examined returns the ids that an examination of the instance's storage is about. The
// instances of the software provider may share a directory, where a key of the other one is
// no orphan; tokens have one instance each, where it is not missing.
func (i *instance) examined() []providers.KeyID {
	if i.ref.ID == wire.ProviderMbedCrypto {
		return i.keyIDs()
	}
	var ids []providers.KeyID
	for _, e := range i.store.All() {
		if e.Provider == i.ref {
			ids = append(ids, e.KeyID)
		}
	}
	return ids
}

func openSoftware(ctx context.Context, b *builder, inst *instance) (providers.Provider, error) {
	c := inst.config.Software
	o := software.Options{
		Name: inst.ref.Name, KeyStorePath: c.KeyStorePath, Storage: c.KeyStorage,
		KnownIDs: inst.keyIDs(), CacheKeys: c.CacheKeys, Logger: b.log,
	}
	b.rootKey(&o, c)
	return software.Open(ctx, o)
}

func openPKCS11(ctx context.Context, b *builder, inst *instance) (providers.Provider, error) {
	c := inst.config.PKCS11
	o := pkcs11.Options{
		Name: inst.ref.Name, Library: c.LibraryPath, Token: pkcs11.Selection{Serial: c.Serial, Slot: c.Slot},
		SoftwarePublicOperations: c.SoftwarePublicOperations, RefuseExport: !c.AllowExport,
		KnownIDs: inst.keyIDs(), StateDir: c.RecordPath, Prompt: c.UserPINPrompt, Lifetime: c.UserPINLifetime, Logger: b.log,
	}
	switch {
	case c.UserPIN != nil:
		o.PIN = c.UserPIN
	case c.UserPINFile != "":
		o.PIN = pkcs11.PINFile(c.UserPINFile)
	case c.UserPINCredential != "":
		o.PIN = pkcs11.PINCredential(c.UserPINCredential)
	}
	if c.TokenURI != "" {
		uri, err := pkcs11.ParseURI(c.TokenURI)
		if err != nil {
			return nil, err
		}
		o.Token.URI = uri
	}
	made, err := pkcs11.New(ctx, o)
	if err != nil {
		return nil, err
	}
	return b.admit(ctx, inst, made)
}
