package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// generateService signs the certificate of a new service, where the authority's key is: no server is asked.
func (p *Program) generateService() *cobra.Command {
	var label, service, authority string
	cmd := &cobra.Command{
		Use:   "generate-certificate [OUTPUT]",
		Short: "Sign the certificate of a new sequester service",
		Long: `Signs a certificate with which the key of a service becomes one of an organisation's sequester. It needs the private key of the
sequester authority, and no server. OUTPUT is a file, or a directory for one with a name of its own; by default the current one.`,
		Example: "  parsec-server sequester generate-certificate --service-label Backup --service-public-key backup.pub --authority-private-key authority.key",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if label == "" || service == "" || authority == "" {
				return usagef("--service-label, --service-public-key and --authority-private-key are needed")
			}
			der, err := readService(service)
			if err != nil {
				return err
			}
			at, err := now()
			if err != nil {
				return err
			}
			c := &trust.SequesterServiceCertificate{Timestamp: at, ServiceID: trust.NewSequesterServiceID(), ServiceLabel: label, EncryptionKeyDER: der}
			return p.certified(c, c.ServiceID, at, authority, serviceBlock, "sequester_service_certificate-", args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&label, "service-label", "", "the `name` of the service")
	f.StringVar(&service, "service-public-key", "", "a `file` with the public key of the service, in PEM")
	f.StringVar(&authority, "authority-private-key", "", "a `file` with the private key of the sequester authority, in PEM")
	return cmd
}

// generateRevocation signs the end of a service.
func (p *Program) generateRevocation() *cobra.Command {
	var id, authority string
	cmd := &cobra.Command{
		Use:     "generate-revocation-certificate [OUTPUT]",
		Short:   "Sign a certificate that ends a sequester service",
		Long:    `Signs a certificate that ends a service. It needs the private key of the sequester authority, and no server.`,
		Example: "  parsec-server sequester generate-revocation-certificate --service-id 0123456789abcdef0123456789abcdef --authority-private-key authority.key",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			service := trust.SequesterServiceID{}
			if err := service.UnmarshalText([]byte(id)); err != nil || authority == "" {
				return usagef("--service-id with the id of a service, and --authority-private-key are needed")
			}
			at, err := now()
			if err != nil {
				return err
			}
			c := &trust.SequesterRevokedServiceCertificate{Timestamp: at, ServiceID: service}
			return p.certified(c, service, at, authority, revocationBlock, "sequester_service_revocation_certificate-", args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&id, "service-id", "", "the `id` of the service")
	f.StringVar(&authority, "authority-private-key", "", "a `file` with the private key of the sequester authority, in PEM")
	return cmd
}

// certified signs, writes and says so.
func (p *Program) certified(
	c trust.ServiceCertificate, id trust.SequesterServiceID, at trust.DateTime, authority, kind, name string, args []string,
) error {
	key, err := readAuthority(authority)
	if err != nil {
		return err
	}
	output := ""
	if len(args) > 0 {
		output = args[0]
	}
	path, err := certify(c, key, kind, name+id.String()+"-"+at.String(), output)
	if err == nil {
		_, err = fmt.Fprintf(p.Out, "The certificate of service %s is in %s.\n", id, path)
	}
	return err
}
