package rules

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// purposeBootstrap is what tokens of a bootstrap are digested for.
const purposeBootstrap = "bootstrap token"

// TokenDigest returns what stands for a bootstrap token in the store, nil for none.
func (s *Service) TokenDigest(token *trust.AccessToken) ([]byte, error) {
	if token == nil {
		return nil, nil
	}
	return s.digest(purposeBootstrap, *token)
}

// digest returns what a token is looked up by.
func (s *Service) digest(purpose string, token trust.AccessToken) ([]byte, error) {
	b, err := token.Export()
	if err != nil {
		return nil, err
	}
	defer clear(b)
	return s.Secrets.Digest(purpose, b), nil
}

// CreateOrganization adds an organisation that waits for its bootstrap with the token, or without one. One that waits already gets the new
// token and settings; it reports false when there is one that does not wait any more, or one is being erased.
func (s *Service) CreateOrganization(ctx context.Context, id trust.OrganizationID, token *trust.AccessToken, settings tables.Settings, now trust.DateTime) (bool, error) {
	digest, err := s.TokenDigest(token)
	if err != nil {
		return false, err
	}
	err = s.Store.Write(ctx, []store.Lock{store.Server()}, func(tx *store.Tx) error {
		return s.createOrganization(ctx, tx, id, digest, settings, now)
	})
	if _, refused := errors.AsType[*RefusedError](err); refused {
		return false, nil
	}
	return err == nil, err
}

// Locate returns the organisation that an anonymous command is about. Where anybody may bootstrap one, naming it makes it. It is nil
// if there is none.
func (s *Service) Locate(ctx context.Context, id trust.OrganizationID, create bool, now trust.DateTime) (o *tables.Organization, err error) {
	find := func(tx *store.Tx) error {
		o, err = tables.FindOrganization(ctx, tx, id)
		return err
	}
	if err := s.Store.Read(ctx, find); err != nil || o != nil || !create || !s.Config.Spontaneous() {
		return o, err
	}
	if _, err := s.CreateOrganization(ctx, id, nil, s.InitialSettings(now), now); err != nil {
		return nil, err
	}
	return o, s.Store.Read(ctx, find)
}

// InitialSettings are those of an organisation for which nobody says otherwise.
func (s *Service) InitialSettings(now trust.DateTime) tables.Settings {
	settings := s.Config.Initial
	if settings.TOS != nil {
		settings.TOS = &tables.TOS{UpdatedOn: now, URLs: settings.TOS.URLs}
	}
	return settings
}

// organizationInfo is 3.14.
func (s *Service) organizationInfo(ctx context.Context, c *Call, _ *cloud.OrganizationInfoReq) (cloud.OrganizationInfoRep, error) {
	return read(ctx, s, c, func(tx *store.Tx, _ *tables.Author) (cloud.OrganizationInfoRep, error) {
		vlobs, blocks, err := tables.Usage(ctx, tx, c.Org)
		return &cloud.OrganizationInfoOK{TotalMetadataBytes: vlobs, TotalBlockBytes: blocks}, err
	})
}

// serverConfig tells what clients need before they have an organisation.
func (s *Service) serverConfig(context.Context, *Call, *cloud.ServerConfigReq) (cloud.ServerConfigRep, error) {
	return &s.Config.Server, nil
}
