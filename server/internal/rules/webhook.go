package rules

import (
	"context"
	"errors"
	"net/url"
	"strconv"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Bootstrapped is what is told of an organisation that was bootstrapped.
type Bootstrapped struct {
	Organization trust.OrganizationID `json:"organization_id"`
	Device       trust.DeviceID       `json:"device_id"`
	DeviceLabel  string               `json:"device_label"`
	Email        string               `json:"human_email"`
	Label        string               `json:"human_label"`
}

// Question is what a sequester service is asked, by a webhook.
type Question struct {
	Service      trust.SequesterServiceID
	Organization trust.OrganizationID
	// Parameters stand in the query, Body is the body.
	Parameters url.Values
	Body       []byte
}

// Verdict is what a sequester service said.
type Verdict struct {
	// Rejected says that it refused, Reason why if it said so.
	Rejected bool
	Reason   *string
	// Unavailable says that it could not be asked.
	Unavailable bool
}

// Webhooks reach other servers. They are called outside of transactions.
type Webhooks interface {
	// Bootstrapped is told, and nobody waits for it.
	Bootstrapped(b Bootstrapped)
	// Ask waits for what a service says, no longer than the context allows.
	Ask(ctx context.Context, address string, q Question) Verdict
}

// consent is what sequester services said about one request. A transaction cannot wait for them: it is given up before it writes anything, they are
// asked, and it runs again.
type consent struct {
	given   map[trust.SequesterServiceID]string // the address that was asked
	missing []tables.Service
}

// errConsent gives a transaction up.
var errConsent = errors.New("sequester services are to be asked first")

// need is the last check of a transaction before it writes.
func (o *consent) need(ctx context.Context, tx *store.Tx, c *Call, a *tables.Author) error {
	if !a.Sequestered {
		return nil
	}
	services, err := tables.Services(ctx, tx, c.Org)
	if err != nil {
		return err
	}
	o.missing = nil
	for _, service := range services {
		if service.RevokedOn == nil && service.WebhookURL != nil && o.given[service.ID] != *service.WebhookURL {
			o.missing = append(o.missing, service)
		}
	}
	if len(o.missing) > 0 {
		return errConsent
	}
	return nil
}

// consentRounds is how often services may change while others are asked.
const consentRounds = 4

// sequesterRep is a refusal of a sequester service.
type sequesterRep interface {
	cloud.VlobCreateRep
	cloud.VlobUpdateRep
	cloud.RealmRotateKeyRep
}

// withConsent runs a request, and asks services if it needs their consent.
func withConsent[R cloud.Reply](
	ctx context.Context, s *Service, refuse func(sequesterRep) R, ask func(trust.SequesterServiceID) Question, try func(*consent) (R, error),
) (none R, _ error) {
	o := &consent{given: map[trust.SequesterServiceID]string{}}
	for range consentRounds {
		rep, err := try(o)
		if !errors.Is(err, errConsent) {
			return rep, err
		}
		for _, service := range o.missing {
			if refusal := s.ask(ctx, service, ask(service.ID)); refusal != nil {
				return refuse(refusal), nil
			}
			o.given[service.ID] = *service.WebhookURL
		}
	}
	return none, store.ErrUnavailable
}

// ask asks one service. It is nil when the service agrees.
func (s *Service) ask(ctx context.Context, service tables.Service, q Question) sequesterRep {
	if s.Webhooks == nil {
		return &cloud.SequesterServiceUnavailable{ServiceID: service.ID}
	}
	switch v := s.Webhooks.Ask(ctx, *service.WebhookURL, q); {
	case v.Rejected:
		return &cloud.RejectedBySequesterService{ServiceID: service.ID, Reason: v.Reason}
	case v.Unavailable:
		return &cloud.SequesterServiceUnavailable{ServiceID: service.ID}
	}
	return nil
}

// question begins what a service is asked.
func (c *Call) question(kind string, service trust.SequesterServiceID, realm trust.RealmID, index uint64, at trust.DateTime) Question {
	return Question{
		Service: service, Organization: c.Organization,
		Parameters: url.Values{
			"type": {kind}, "service_id": {service.String()}, "organization_id": {c.Organization.String()}, "author": {c.Device.String()},
			"realm_id": {realm.String()}, "key_index": {strconv.FormatUint(index, 10)}, "timestamp": {at.String()},
		},
	}
}

// aboutVlob asks whether a version may be stored.
func (c *Call) aboutVlob(realm trust.RealmID, v tables.Vlob) func(trust.SequesterServiceID) Question {
	return func(service trust.SequesterServiceID) Question {
		q := c.question("vlob_create_or_update", service, realm, v.KeyIndex, v.CreatedOn)
		q.Parameters.Set("vlob_id", v.ID.String())
		q.Parameters.Set("version", strconv.FormatUint(uint64(v.Version), 10))
		q.Body = v.Data
		return q
	}
}
