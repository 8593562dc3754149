package command

import "github.com/spf13/pflag"

// runOptions are the options of run, as they were given.
type runOptions struct {
	host, dataDir, db, keyFile, token   string
	port, connections                   int
	spontaneous, outsiders, debug, dev  bool
	explicitMigrations                  bool
	limit                               string
	archivingPeriod                     int64
	tos                                 string
	keepAlive                           float64
	protections, blocks                 []string
	baoServer, baoSecret, baoTransit    string
	baoProConnect, baoHexagone, account string
	proxies, certFile, tlsKeyFile       string
	addressRate, organizationRate       string
	ciphers                             string
	logLevel, logFormat, logFile        string
	serverAddr, templates, language     string
	emailHost, emailUser, emailPassword string
	emailSender                         string
	emailPort, minConnections, attempts int
	emailUseSSL, emailUseTLS            bool
	retryPause                          float64
	origins                             []string
	bootstrapWebhook, metrics           string
	accessLog, skipMigrations           bool
	seed, rate                          string
}

// storage declares the options that say where a server has what it keeps, which other commands share.
func (o *runOptions) storage(f *pflag.FlagSet) {
	f.String("config", "", "a TOML `file` with options; by default config.toml in /etc/parsec-server, for root and the service; server.example.toml among the documents has them all")
	f.StringVar(&o.dataDir, "data-dir", "", "the `directory` with everything that has no place of its own")
	f.StringVar(&o.db, "db", "", "the database: sqlite:PATH, postgresql://…, or MOCKED for one that goes with the process")
	f.StringArrayVarP(&o.blocks, "blockstore", "b", nil, "where blocks are: directory:PATH, POSTGRESQL, s3:…, MOCKED, or several with RAID0:n:, RAID1:n:, RAID5:n: before them")
	f.IntVar(&o.connections, "db-max-connections", 7, "connections to PostgreSQL at most")
	f.StringVar(&o.keyFile, "key-file", "", "the `file` with the server's key, the same for all processes on one database")
	f.StringVarP(&o.logLevel, "log-level", "l", "INFO", "DEBUG, INFO, WARNING, ERROR or CRITICAL")
	f.StringVarP(&o.logFormat, "log-format", "f", "CONSOLE", "CONSOLE or JSON")
	f.StringVarP(&o.logFile, "log-file", "o", "-", "the `file` that the log is appended to, - for standard error")
}

// flags declares the options of run.
func (o *runOptions) flags(f *pflag.FlagSet) {
	o.storage(f)
	f.StringVarP(&o.host, "host", "H", "127.0.0.1", "the `address` to listen on")
	f.IntVarP(&o.port, "port", "P", 6777, "the port to listen on, 0 for any")
	f.IntVar(&o.minConnections, "db-min-connections", 1, "connections to PostgreSQL that are kept at least")
	f.IntVar(&o.attempts, "maximum-database-connection-attempts", 10, "how often PostgreSQL is tried to be reached at the start, 0 for once")
	f.Float64Var(&o.retryPause, "pause-before-retry-database-connection", 1, "`seconds` between these attempts")
	o.flag(f, &o.skipMigrations, "skip-database-migrations-check", "of no effect: the server brings its tables up to date itself")
	f.StringVar(&o.token, "administration-token", "", "the `token` of the administration API")
	o.flag(f, &o.spontaneous, "spontaneous-organization-bootstrap", "let anybody make an organisation")
	o.outsiders = true
	f.Var(truth{&o.outsiders}, "organization-initial-user-profile-outsider-allowed", "whether new organisations may have outsiders")
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
	o.flag(f, &o.accessLog, "access-log", "log every request, without what is secret in it")
	f.StringVar(&o.metrics, "metrics-address", "", "where Prometheus finds metrics: `unix:/PATH` with mode 0660, or tcp:IP:PORT, which nobody else should reach")
	f.StringVar(&o.serverAddr, "server-addr", "", "the `address` of the server for links: parsec3://HOST[:PORT], with ?no_ssl=true where it is reached without TLS")
	f.StringVar(&o.templates, "template-dir", "", "a `directory` with mails and pages in place of the built-in ones")
	f.StringVar(&o.language, "language", "en", "the `language` of mails: en or fr")
	f.StringVar(&o.emailHost, "email-host", "", "the `host` that takes mails on, MOCKED to write them to files; without it none are sent")
	f.IntVar(&o.emailPort, "email-port", 25, "its port")
	f.StringVar(&o.emailUser, "email-host-user", "", "the `user` to be for it")
	f.StringVar(&o.emailPassword, "email-host-password", "", "the `password` of that user: the environment or the file of --config hides it")
	o.flag(f, &o.emailUseSSL, "email-use-ssl", "speak TLS with it from the beginning, usually on port 465")
	o.flag(f, &o.emailUseTLS, "email-use-tls", "go over to TLS with STARTTLS, usually on port 587, and send nothing without")
	f.StringVar(&o.emailSender, "email-sender", "", "the `address` that mails are from")
	f.StringVar(&o.bootstrapWebhook, "organization-bootstrap-webhook", "", "a `URL` that is told of every organisation that was bootstrapped")
	f.StringVar(&o.ciphers, "ssl-ciphers", defaultCiphers, "the `suites` of TLS 1.2 as OpenSSL calls them, between commas; TLSv1 for the default ones")
	f.StringArrayVar(&o.origins, "cors-allow-origins", nil, "an `origin` whose pages may ask the server, * for all")
	f.StringVar(&o.seed, "fake-account-password-algorithm-seed", "", "of no effect: there are no accounts here")
	f.StringVar(&o.rate, rateName, "60 3", "of no effect: there are no accounts here")
	refusable(f)
	o.flag(f, &o.explicitMigrations, "explicit-migrations", "do not start on a database of an older version: parsec-server migrate is run before")
	o.flag(f, &o.debug, "debug", "answer ping")
	o.flag(f, &o.dev, "dev", "for trying out: debug, a database that goes with the process, token s3cr3t")
}
