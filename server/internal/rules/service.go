package rules

import (
	"context"
	"log/slog"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Config is what an administrator decides for the whole server.
type Config struct {
	// Server is the answer to server_config.
	Server cloud.ServerConfigOK
	// Initial are the settings of organisations that somebody bootstraps without being asked to.
	Initial tables.Settings
	// KeepAlive is the silence after which a stream of events says that it lives, 0 for never.
	KeepAlive time.Duration
	// Debug has ping answered.
	Debug bool
}

// Spontaneous reports whether anybody may make an organisation.
func (c *Config) Spontaneous() bool {
	return c.Server.OrganizationBootstrap == cloud.BootstrapSpontaneous
}

// Service runs commands. It may be used concurrently.
type Service struct {
	Store   *store.Store
	Blocks  blocks.Store
	Secrets *secrets.Box
	// Mail sends mails, nil where there is no way to.
	Mail Mailer
	// Webhooks reach other servers, nil where none are reached.
	Webhooks Webhooks
	Config   Config
	Log      *slog.Logger
	// Remembered are certificates that were asked for.
	Remembered Remembered
}

// Call is what is known of a request besides the command.
type Call struct {
	// Organization and Org are name and number, of no organisation for commands about the server.
	Organization trust.OrganizationID
	Org          int64
	// Device, User and Key are the author's, where there is one.
	Device trust.DeviceID
	User   trust.UserID
	Key    trust.VerifyKey
	// Token is the invitation's, and Invitation its number, of those who were invited.
	Token      trust.AccessToken
	Invitation int64
	// Client is the version of the API that the client states.
	Client cloud.Version
	// Now is the time of the request.
	Now trust.DateTime
	// Sends says that who calls asks Sent what parts of the reply are, and calls Close.
	Sends bool

	// body is memory of a large request, content that of a block to send.
	body, content *[]byte
	// sent is the block for which blank stands.
	sent blocks.Content
}

// afterAuthor are statements behind that of author.
func (c *Call) afterAuthor(all []store.Statement) []store.Statement {
	return append([]store.Statement{tables.AuthorStatement(c.Org, c.Device)}, all...)
}

// author returns who calls, with all that may have changed since the request was let in.
func (c *Call) author(ctx context.Context, tx *store.Tx) (*tables.Author, error) {
	a, err := tables.FindAuthor(ctx, tx, c.Org, c.Device)
	if err != nil {
		return nil, err
	}
	if status := Admit(a); status != cloud.StatusOK {
		return nil, &cloud.HTTPError{Status: status}
	}
	return a, nil
}

// Admit says whether a device may ask for anything, in the order of 1.4. Terms of service are another question.
func Admit(a *tables.Author) cloud.HTTPStatus {
	switch {
	case a == nil:
		return cloud.StatusBadAuthorization
	case a.Expired:
		return cloud.StatusOrganizationExpired
	case a.RevokedOn != nil:
		return cloud.StatusUserRevoked
	case a.Frozen:
		return cloud.StatusUserFrozen
	}
	return cloud.StatusOK
}

// read runs f on one state of the store, with the author as of then. Where it is known what f reads, that is all that it reads, in that order.
func read[R any](ctx context.Context, s *Service, c *Call, f func(*store.Tx, *tables.Author) (R, error), all ...store.Statement) (rep R, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		if len(all) > 0 {
			tx.ForeseeAll(c.afterAuthor(all)...)
		}
		a, err := c.author(ctx, tx)
		if err != nil {
			return err
		}
		rep, err = f(tx, a)
		return err
	})
	return rep, err
}

// write runs f with locks, with the author as of then. What f reads first may be foreseen.
func write[R any](ctx context.Context, s *Service, c *Call, locks []store.Lock, f func(*store.Tx, *tables.Author) (R, error), foreseen ...store.Statement) (rep R, err error) {
	return writeWith(ctx, s.Store.Write, c, locks, f, foreseen)
}

// note is write for what is of no use once the machine has failed under the request.
func note[R any](ctx context.Context, s *Service, c *Call, locks []store.Lock, f func(*store.Tx, *tables.Author) (R, error), foreseen ...store.Statement) (rep R, err error) {
	return writeWith(ctx, s.Store.Note, c, locks, f, foreseen)
}

// writer is Write of a store, or Note.
type writer func(ctx context.Context, locks []store.Lock, f func(*store.Tx) error) error

func writeWith[R any](
	ctx context.Context, w writer, c *Call, locks []store.Lock, f func(*store.Tx, *tables.Author) (R, error), foreseen []store.Statement,
) (rep R, err error) {
	err = w(ctx, locks, func(tx *store.Tx) error {
		tx.Foresee(c.afterAuthor(foreseen)...)
		a, err := c.author(ctx, tx)
		if err != nil {
			return err
		}
		rep, err = f(tx, a)
		return err
	})
	return rep, err
}

// admin reports whether a profile may administer the organisation.
func admin(p trust.Profile) bool { return p == trust.Admin }

// owner reports whether a profile may own realms.
func owner(p trust.Profile) bool { return p.CanHave(trust.Owner) }

// refuse answers a request that is refused for what it says. Whether the caller may ask such a thing at all is tested before that.
func refuse[R any](ctx context.Context, s *Service, c *Call, may func(trust.Profile) bool, verdict, notAllowed R) (R, error) {
	return read(ctx, s, c, func(_ *store.Tx, a *tables.Author) (R, error) {
		if !may(a.Profile) {
			return notAllowed, nil
		}
		return verdict, nil
	})
}
