package command

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/server/internal/webhook"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// sequester are the commands about services of an organisation's sequester.
func (p *Program) sequester() *cobra.Command {
	return group("sequester", "Administer the sequester services of an organisation",
		p.generateService(), p.generateRevocation(), p.serviceList(), p.serviceCreate(), p.serviceRevoke(), p.serviceConfigure())
}

// service is one, as the administration API shows it.
type service struct {
	ID        string  `json:"service_id"`
	Label     string  `json:"service_label"`
	CreatedOn string  `json:"created_on"`
	RevokedOn *string `json:"revoked_on"`
	Type      string  `json:"type"`
	Webhook   string  `json:"webhook_url,omitempty"`
}

// services are those of an organisation.
type services struct {
	All []service `json:"services"`
}

func (p *Program) serviceList() *cobra.Command {
	w := &where{}
	cmd := &cobra.Command{
		Use:     "list ORGANISATION",
		Short:   "List sequester services, revoked ones too",
		Example: "  parsec-server sequester list Acme",
		Args:    words("ORGANISATION"),
	}
	return p.administers(cmd, w, func(ctx context.Context, args []string) error {
		found, err := asking[services](ctx, p, w, http.MethodGet, inOrganization(args[0], "sequester", "services"), nil)
		if err != nil {
			return err
		}
		return p.emit(found, func(out io.Writer) {
			t := newTable(out, "ID", "NAME", "CREATED", "REVOKED", "TYPE", "WEBHOOK")
			for _, s := range found.All {
				revoked := "-"
				if s.RevokedOn != nil {
					revoked = *s.RevokedOn
				}
				t.row(s.ID, s.Label, s.CreatedOn, revoked, s.Type, s.Webhook)
			}
			t.flush()
		})
	})
}

// kind is what a service does, as the administration API takes it.
func kind(address string) (map[string]string, error) {
	if address == "" {
		return map[string]string{"type": "storage"}, nil
	}
	if err := webhook.Check(address); err != nil {
		return nil, usagef("--webhook-url: %w", err)
	}
	return map[string]string{"type": "webhook", "webhook_url": address}, nil
}

// certificateOf reads a file that generate wrote.
func certificateOf(path, kind, option string) (string, error) {
	if path == "" {
		return "", usagef("--%s is needed", option)
	}
	block, err := readBlock(path, kind)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(block.Bytes), nil
}

func (p *Program) serviceCreate() *cobra.Command {
	w := &where{}
	var file, address string
	cmd := &cobra.Command{
		Use:   "create ORGANISATION",
		Short: "Make a service of a certificate",
		Long: `Makes a service of the certificate that generate-certificate wrote: from then on every new key of the organisation is made known to
it. With --webhook-url it is asked before anything is stored; without, it only keeps copies of keys.`,
		Example: "  parsec-server sequester create Acme --service-certificate service.pem",
		Args:    words("ORGANISATION"),
	}
	cmd.Flags().StringVar(&file, "service-certificate", "", "the `file` with the certificate")
	cmd.Flags().StringVar(&address, "webhook-url", "", "the `URL` to ask before anything is stored")
	return p.administers(cmd, w, func(ctx context.Context, args []string) error {
		certificate, err := certificateOf(file, serviceBlock, "service-certificate")
		if err != nil {
			return err
		}
		config, err := kind(address)
		if err != nil {
			return err
		}
		body := map[string]any{"service_certificate": certificate, "config": config}
		return p.done(ctx, w, http.MethodPost, inOrganization(args[0], "sequester", "services"), body, "The service was created.")
	})
}

func (p *Program) serviceRevoke() *cobra.Command {
	w := &where{}
	var file string
	cmd := &cobra.Command{
		Use:     "revoke ORGANISATION",
		Short:   "End a service by a certificate",
		Long:    `Ends a service by the certificate that generate-revocation-certificate wrote. Keys that it has stay known to it; new ones are not made known.`,
		Example: "  parsec-server sequester revoke Acme --service-revocation-certificate end.pem",
		Args:    words("ORGANISATION"),
	}
	cmd.Flags().StringVar(&file, "service-revocation-certificate", "", "the `file` with the certificate")
	return p.administers(cmd, w, func(ctx context.Context, args []string) error {
		certificate, err := certificateOf(file, revocationBlock, "service-revocation-certificate")
		if err != nil {
			return err
		}
		body := map[string]any{"revoked_service_certificate": certificate}
		return p.done(ctx, w, http.MethodPost, inOrganization(args[0], "sequester", "services", "revoke"), body, "The service was revoked.")
	})
}

func (p *Program) serviceConfigure() *cobra.Command {
	w := &where{}
	var address string
	cmd := &cobra.Command{
		Use:     "configure ORGANISATION SERVICE",
		Short:   "Give a service a webhook, or none",
		Long:    `Has a service asked at --webhook-url before anything is stored, or not any more where that is not given.`,
		Example: "  parsec-server sequester configure Acme 0123456789abcdef0123456789abcdef --webhook-url https://sequester.example.com/",
		Args:    words("ORGANISATION", "SERVICE"),
	}
	cmd.Flags().StringVar(&address, "webhook-url", "", "the `URL` to ask before anything is stored")
	return p.administers(cmd, w, func(ctx context.Context, args []string) error {
		id := trust.SequesterServiceID{}
		if err := id.UnmarshalText([]byte(args[1])); err != nil {
			return usagef("%q is no id of a service", args[1])
		}
		config, err := kind(address)
		if err != nil {
			return err
		}
		body := map[string]any{"service_id": id.String(), "config": config}
		return p.done(ctx, w, http.MethodPut, inOrganization(args[0], "sequester", "services", "config"), body, "The service was configured.")
	})
}

// done asks for something that has no result.
func (p *Program) done(ctx context.Context, w *where, method, path string, body any, text string) error {
	none, err := asking[struct{}](ctx, p, w, method, path, body)
	if err != nil {
		return err
	}
	return p.emit(none, func(out io.Writer) { say(out, "%s", text) })
}
