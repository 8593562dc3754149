package command

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func (p *Program) orgCreate() *cobra.Command {
	w, s := &where{}, &settingOptions{}
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make an organisation, and print the link for its first user",
		Long: `Makes an organisation that waits for its first user, and prints the link with which that user makes it theirs. The link
works once, and is a secret. One that waits already gets another link, and its settings anew.

Links have the address of --server-addr, else the one on which the server listens.`,
		Example: `  parsec-server org create Acme
  parsec-server org create Acme --users 50 --outsiders no --server-addr parsec3://parsec.example.com`,
		Args: words("NAME"),
	}
	s.flags(cmd.Flags())
	return p.administers(cmd, w, func(ctx context.Context, args []string) error {
		body, err := s.body(cmd.Flags())
		if err != nil {
			return err
		}
		return p.createOrganization(ctx, w, args[0], body)
	}, "server-addr")
}

// created is what somebody needs who makes an organisation theirs.
type created struct {
	ID     string `json:"organization_id"`
	Native string `json:"bootstrap_url"`
	Web    string `json:"bootstrap_url_as_http_redirection"`
}

func (p *Program) createOrganization(ctx context.Context, w *where, name string, body map[string]any) error {
	id, err := trust.NewOrganizationID(name)
	if err != nil {
		return usagef("%q is no name of an organisation: %w", name, err)
	}
	at, err := w.links()
	if err != nil {
		return err
	}
	body["organization_id"] = name
	answer, err := asking[struct{ Token []byte }](ctx, p, w, http.MethodPost, "/organizations", body)
	if err != nil {
		return err
	}
	defer clear(answer.Token)
	token, err := trust.NewAccessToken(answer.Token)
	if err != nil {
		return err
	}
	address := &trust.BootstrapAddress{Token: &token}
	address.Server, address.Organization = at, id
	c := created{ID: name}
	if c.Native, err = address.URL(); err != nil {
		return err
	}
	if c.Web, err = cloud.Redirection(c.Native); err != nil {
		return err
	}
	return p.emit(c, func(out io.Writer) {
		say(out, "The organisation %s waits for its first user, who opens one of these links:", name)
		say(out, "  %s", c.Native)
		say(out, "  %s", c.Web)
	})
}

// links is the address that links of the server have.
func (w *where) links() (trust.ServerAddress, error) {
	listening := &net.TCPAddr{IP: net.ParseIP(w.host), Port: w.port}
	at, err := w.address(listening)
	if err != nil {
		return trust.ServerAddress{}, err
	}
	if listening.IP == nil && w.serverAddr == "" { // a name
		return trust.ParseServerAddress("parsec3://" + net.JoinHostPort(w.host, strconv.Itoa(w.port)) + w.plain())
	}
	if at == nil {
		return trust.ServerAddress{}, usagef("the server listens at %s: say with --server-addr how others call it", w.host)
	}
	return *at, nil
}

// plain is what says in an address that there is no TLS.
func (w *where) plain() string {
	if w.certFile == "" {
		return "?no_ssl=true"
	}
	return ""
}
