package api

import (
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// service is a sequester service, as it is shown.
type service struct {
	ID        trust.SequesterServiceID `json:"service_id"`
	Label     string                   `json:"service_label"`
	CreatedOn trust.DateTime           `json:"created_on"`
	RevokedOn *trust.DateTime          `json:"revoked_on"`
	Type      string                   `json:"type"`
	Webhook   *string                  `json:"webhook_url,omitempty"`
}

func (a *API) listServices(q *administered) (any, error) {
	id, err := q.organization()
	if err != nil {
		return nil, err
	}
	all, err := a.Rules.SequesterServices(q.Context(), id)
	list := []service{}
	for _, s := range all {
		kind := "storage"
		if s.WebhookURL != nil {
			kind = "webhook"
		}
		list = append(list, service{s.ID, s.Label, s.CreatedOn, s.RevokedOn, kind, s.WebhookURL})
	}
	return map[string]any{"services": list}, err
}

// maxWebhook bounds the address of a webhook.
const maxWebhook = 4096

// readConfig reads what a service does: the address of its webhook, nil for one that stores.
func (b *body) readConfig() *string {
	if !b.required("config") {
		return nil
	}
	inner := b.object("config")
	if inner == nil {
		return nil
	}
	defer func() { b.problems = append(b.problems, inner.problems...) }()
	if _, ok := inner.values["type"]; !ok {
		inner.wrong("union_tag_not_found", "Unable to extract tag using discriminator 'type'")
		return nil
	}
	switch kind := string(inner.values["type"]); kind {
	case `"storage"`:
		return nil
	case `"webhook"`:
	default:
		inner.wrong("union_tag_invalid", "Input tag found using 'type' does not match any of the expected tags: 'storage', 'webhook'")
		return nil
	}
	inner.place = append(inner.place, "webhook")
	if !inner.required("webhook_url") {
		return nil
	}
	address, ok := inner.text("webhook_url")
	if !ok {
		return nil
	}
	if len(address) > maxWebhook {
		inner.wrong("string_too_long", "The address is too long", "webhook_url")
	}
	return &address
}

func (a *API) createService(q *administered) (any, error) {
	b, err := readBody(q.Request)
	if err != nil {
		return nil, err
	}
	signed, webhook := b.bytes("service_certificate"), b.readConfig()
	if err := b.err(); err != nil {
		return nil, err
	}
	id, err := q.organization()
	if err != nil {
		return nil, err
	}
	return nothing{}, a.Rules.AddSequesterService(q.Context(), q.by, id, signed, webhook)
}

func (a *API) revokeService(q *administered) (any, error) {
	b, err := readBody(q.Request)
	if err != nil {
		return nil, err
	}
	signed := b.bytes("revoked_service_certificate")
	if err := b.err(); err != nil {
		return nil, err
	}
	id, err := q.organization()
	if err != nil {
		return nil, err
	}
	return nothing{}, a.Rules.RevokeSequesterService(q.Context(), q.by, id, signed)
}

func (a *API) configureService(q *administered) (any, error) {
	b, err := readBody(q.Request)
	if err != nil {
		return nil, err
	}
	serviceID, webhook := needed(b, "service_id", idOf[trust.SequesterServiceID]), b.readConfig()
	if err := b.err(); err != nil {
		return nil, err
	}
	id, err := q.organization()
	if err != nil {
		return nil, err
	}
	return nothing{}, a.Rules.ConfigureSequesterService(q.Context(), q.by, id, *serviceID, webhook)
}
