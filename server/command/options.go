package command

import "github.com/spf13/pflag"

// runOptions are the options of run, as they were given.
type runOptions struct {
	host, dataDir, db, keyFile, token   string
	port, connections                   int
	spontaneous, outsiders, debug, dev  bool
	limit                               string
	archivingPeriod                     int64
	tos                                 string
	keepAlive                           float64
	protections, blocks                 []string
	baoServer, baoSecret, baoTransit    string
	baoProConnect, baoHexagone, account string
	proxies, certFile, tlsKeyFile       string
	addressRate, organizationRate       string
	logLevel, logFormat                 string
}

// flags declares the options of run.
func (o *runOptions) flags(f *pflag.FlagSet) {
	f.String("config", "", "a TOML `file` with options; by default config.toml in /etc/parsec-server, for root and the service")
	f.StringVar(&o.host, "host", "127.0.0.1", "the `address` to listen on")
	f.IntVar(&o.port, "port", 6777, "the port to listen on, 0 for any")
	f.StringVar(&o.dataDir, "data-dir", "", "the `directory` with everything that has no place of its own")
	f.StringVar(&o.db, "db", "", "the database: sqlite:PATH, postgresql://…, or MOCKED for one that goes with the process")
	f.StringArrayVarP(&o.blocks, "blockstore", "b", nil, "where blocks are: directory:PATH, POSTGRESQL, s3:…, MOCKED, or several with RAID0:n:, RAID1:n:, RAID5:n: before them")
	f.IntVar(&o.connections, "db-max-connections", 7, "connections to PostgreSQL at most")
	f.StringVar(&o.keyFile, "key-file", "", "the `file` with the server's key, the same for all processes on one database")
	f.StringVar(&o.token, "administration-token", "", "the `token` of the administration API")
	f.BoolVar(&o.spontaneous, "spontaneous-organization-bootstrap", false, "let anybody make an organisation")
	f.BoolVar(&o.outsiders, "organization-initial-user-profile-outsider-allowed", true, "whether new organisations may have outsiders")
	f.StringVar(&o.limit, "organization-initial-active-users-limit", "", "how many users new organisations may have")
	f.Int64Var(&o.archivingPeriod, "organization-initial-realm-deletion-min-archiving-period", 2592000, "`seconds` that a workspace is kept before it is deleted")
	f.StringVar(&o.tos, "organization-initial-tos", "", "terms of service of new organisations: `locale:url,…`")
	f.Float64Var(&o.keepAlive, "sse-keepalive", 30, "`seconds` of silence after which a stream of events says that it lives, 0 for never")
	f.StringArrayVar(&o.protections, "advisory-device-file-protection", nil, "a `protection` of devices to recommend")
	f.StringVar(&o.account, "account-config", "DISABLED", "DISABLED: there are no accounts here")
	f.StringVar(&o.baoServer, "openbao-server-url", "", "the `URL` of an OpenBao server to announce")
	f.StringVar(&o.baoSecret, "openbao-secret-mount-path", "secret", "where that server keeps secrets")
	f.StringVar(&o.baoTransit, "openbao-transit-mount-path", "transit", "where that server signs")
	f.StringVar(&o.baoProConnect, "openbao-auth-pro-connect", "", "the mount `path` of ProConnect there")
	f.StringVar(&o.baoHexagone, "openbao-auth-hexagone", "", "the mount `path` of Hexagone there")
	f.StringVar(&o.proxies, "proxy-trusted-addresses", "localhost", "the `addresses` of proxies whose X-Forwarded headers are believed: addresses, networks, localhost or *, between commas")
	f.StringVar(&o.certFile, "ssl-certfile", "", "a `file` with a certificate chain, for TLS without a proxy; a new one is taken up while the server runs")
	f.StringVar(&o.tlsKeyFile, "ssl-keyfile", "", "the `file` with its key")
	f.StringVar(&o.addressRate, "rate-limit-address", "2000:500", "the `rate` of requests of one address: so many at once, and then so many a second; 0 for no limit")
	f.StringVar(&o.organizationRate, "rate-limit-organization", "5000:2000", "the `rate` of authenticated requests of one organisation, in the same way")
	f.StringVar(&o.logLevel, "log-level", "INFO", "DEBUG, INFO, WARNING or ERROR")
	f.StringVar(&o.logFormat, "log-format", "CONSOLE", "CONSOLE or JSON")
	f.BoolVar(&o.debug, "debug", false, "answer ping")
	f.BoolVar(&o.dev, "dev", false, "for trying out: debug, a database that goes with the process, token s3cr3t")
}
