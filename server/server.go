package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/server/internal/api"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
	"github.com/seed-73b3884f/parsec-agent/server/internal/local"
	"github.com/seed-73b3884f/parsec-agent/server/internal/observe"
	"github.com/seed-73b3884f/parsec-agent/server/internal/pages"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/server/internal/texts"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Options are what a server is made of.
type Options struct {
	// Store is the address of the database: sqlite:PATH or postgresql://….
	Store string
	// Blocks is where blocks are, opened with what the store stands on, and closed with the server.
	Blocks func(ctx context.Context, pool *pgxpool.Pool) (blocks.Store, error)
	// MaxConnections bounds the connections to PostgreSQL, 0 for the default; MinConnections are kept.
	MaxConnections, MinConnections int
	// ExplicitMigrations refuses a database of an older version, instead of migrating it.
	ExplicitMigrations bool
	// Key is the server's key, of 32 bytes.
	Key *secrets.Box
	// AdministrationToken lets administrators in, nobody if it is nil.
	AdministrationToken *secrets.Token
	// Mail sends mails, nil where there is no way to.
	Mail rules.Mailer
	// Webhooks reach other servers, nil where none are reached.
	Webhooks rules.Webhooks
	// Observe is what sees requests.
	Observe observe.Observer
	// Address is the server's for links, nil for that under which it is asked.
	Address *trust.ServerAddress
	// Texts are for mails and pages, the built-in ones if nil.
	Texts *texts.Texts
	// Rules are what an administrator decides.
	Rules rules.Config
	// Limits are what requests are held to, none where they are zero.
	Limits guard.Limits
	// Trusted are the proxies whose word about clients is taken.
	Trusted guard.Trusted
	// Origins are those whose pages may ask, * for all.
	Origins []string
	// Certificate is for TLS, nil for none.
	Certificate *guard.Certificate
	// Clock is the time, time.Now if nil.
	Clock func() time.Time
	Log   *slog.Logger
}

// Server is an open server.
type Server struct {
	// Rules run commands, also those that come from no client.
	Rules  *rules.Service
	store  *store.Store
	blocks blocks.Store
	broker *events.Broker
	// collector removes what nothing refers to.
	collector *rules.Collector
	guard     *guard.Guard
	trusted   guard.Trusted
	cross     *guard.Cross
	tls       *guard.Certificate
	api       *api.API
	pages     *pages.Pages
	observe   observe.Observer
	// connections are those that are open.
	connections *guard.Open
	// commands is where commands find the server, nil where they have the database themselves.
	commands *local.Listener
}

// Open opens the stores and prepares everything to serve.
func Open(ctx context.Context, o Options) (*Server, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	shown, err := show(&o)
	if err != nil {
		return nil, err
	}
	devices := &api.Devices{}
	service := &rules.Service{Secrets: o.Key, Mail: o.Mail, Webhooks: o.Webhooks, Config: o.Rules, Log: o.Log}
	broker := events.NewBroker(devices.Forget, service.Remembered.Forget)
	s, err := store.Open(ctx, store.Options{
		URL: o.Store, MaxConnections: o.MaxConnections, MinConnections: o.MinConnections, AsIs: o.ExplicitMigrations, Deliver: broker.Deliver, Committed: broker.Committed, Decode: events.Decode, Log: o.Log,
	})
	if err != nil {
		return nil, err
	}
	devices.Store = s
	if err := Agree(ctx, s, o.Key); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	kept, err := o.Blocks(ctx, s.Pool())
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if o.Observe.Metrics != nil {
		kept = o.Observe.Metrics.Blocks(kept)
	}
	service.Store, service.Blocks = s, kept
	if s.Pool() == nil { // SQLite: no other process has the database
		if err := service.AbandonBlocks(ctx); err != nil {
			return nil, errors.Join(err, kept.Close(), s.Close())
		}
	}
	limits := guard.New(o.Limits, isStream, o.Log)
	opened := &Server{
		Rules: service, guard: limits, trusted: o.Trusted, tls: o.Certificate, store: s, blocks: kept, broker: broker,
		collector: &rules.Collector{Service: service, Clock: o.Clock},
		api:       &api.API{Rules: service, Devices: devices, Broker: broker, Clock: o.Clock, Log: o.Log, Address: o.Address, Token: o.AdministrationToken, Allow: limits.AllowOrganization},
		pages:     shown,
		cross:     guard.NewCross(o.Origins), observe: o.Observe, connections: guard.NewOpen(maxConnections, maxPerAddress),
	}
	if o.Observe.Metrics != nil {
		o.Observe.Metrics.Add(opened.writeMetrics)
	}
	opened.listenCommands(ctx, store.File(o.Store))
	return opened, nil
}

// show prepares what browsers see.
func show(o *Options) (*pages.Pages, error) {
	p := &pages.Pages{Texts: o.Texts, Server: api.ServerOf, Log: o.Log}
	if o.Address != nil {
		p.Server = func(*http.Request) (trust.ServerAddress, error) { return *o.Address, nil }
	}
	if p.Texts != nil {
		return p, nil
	}
	var err error
	p.Texts, err = texts.Load("")
	return p, err
}

// Agree makes a database that nothing used one of the key, and refuses one that was written with another: its secrets would not open.
func Agree(ctx context.Context, s *store.Store, key *secrets.Box) error {
	return s.Write(ctx, []store.Lock{store.Server()}, func(tx *store.Tx) error {
		same, err := tables.Agree(ctx, tx, store.KeyAgreement, key.Agreement())
		if err == nil && !same {
			return errors.New("the database was written with another server key: give the server the key file that belongs to it")
		}
		return err
	})
}

// Handler answers clients, and holds them to the limits.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", s.pages.Handler())
	commands := s.api.Handler()
	for _, below := range []string{"/anonymous/", "/anonymous_server", "/invited/", "/authenticated/", "/authenticated_account", "/administration/"} {
		mux.Handle(below, commands)
	}
	mux.HandleFunc("GET /health/live", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /health/ready", s.ready)
	return guard.Clients(s.trusted, s.observe.Handler(s.guard.Handler(s.cross.Handler(mux))))
}

// isStream reports whether a request asks for events, which last.
func isStream(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/authenticated/") && strings.HasSuffix(r.URL.Path, "/events")
}

// CreateOrganization adds an organisation that waits for its bootstrap with the token. It reports false if one with this name is in use.
func (s *Server) CreateOrganization(ctx context.Context, id trust.OrganizationID, token trust.AccessToken) (bool, error) {
	now, err := trust.DateTimeOf(s.api.Clock())
	if err != nil {
		return false, err
	}
	return s.Rules.CreateOrganization(ctx, id, &token, s.Rules.InitialSettings(now), now)
}

// Ready reports whether requests can be served.
func (s *Server) Ready(ctx context.Context) error { return s.store.Ping(ctx) }

// Hang ends all streams of events, which would never end by themselves.
func (s *Server) Hang() { s.broker.Stop() }

// Close ends everything. No request runs any more.
func (s *Server) Close() error {
	s.Hang()
	s.api.Streams.Close()
	if s.commands != nil {
		_ = s.commands.Close() // it was closed where it was served
	}
	return errors.Join(s.blocks.Close(), s.store.Close())
}
