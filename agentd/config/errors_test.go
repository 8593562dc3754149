package config

import (
	"strings"
	"testing"
)

// whole is the smallest file, as lines that cases replace or extend.
const whole = `[core_settings]

[listener]
listener_type = "DomainSocket"
timeout = 200

[authenticator]
auth_type = "UnixPeerCredentials"

[[key_manager]]
name = "kim"
manager_type = "SQLite"

[[provider]]
provider_type = "MbedCrypto"
key_info_manager = "kim"
`

// edit returns the smallest file with old replaced by text.
func edit(old, text string) string { return strings.Replace(whole, old, text, 1) }

// with returns the smallest file with a line added to the table of that header.
func with(header, line string) string { return edit(header+"\n", header+"\n"+line+"\n") }

func parse(t *testing.T, src string) (*Config, []Warning, error) {
	t.Helper()
	return Parse("c.toml", []byte(src), SystemLayout())
}

func TestErrors(t *testing.T) {
	t.Parallel()
	pkcs11 := "\n[[provider]]\nprovider_type = \"Pkcs11\"\nkey_info_manager = \"kim\"\nlibrary_path = \"/lib/p11.so\"\n"
	tpm := "\n[[provider]]\nprovider_type = \"Tpm\"\nkey_info_manager = \"kim\"\ntcti = \"device\"\nowner_hierarchy_auth = \"\"\n"
	for _, c := range []struct{ name, src, want string }{
		{"syntax", edit("timeout = 200", "timeout = = 200"), `c.toml:5: listener.timeout: expected value but found '=' instead`},
		{"duplicate key", edit("timeout = 200", "timeout = 200\ntimeout = 300"), `c.toml:6: listener.timeout: Key 'listener.timeout' has already been defined.`},
		{"syntax of a table", edit("[listener]", "[listener"), `c.toml:3: expected '.' or ']' to end table name, but got '\n' instead`},
		{"syntax at the end", whole + "x = \"", `c.toml:17: provider.x: unexpected EOF; expected '"'`},
		{
			"syntax beside a secret", whole + pkcs11 + "user_pin = hunter2\n",
			`c.toml:22: provider.user_pin: not valid TOML (not quoted here, for the line may hold a secret)`,
		},
		{"no core", edit("[core_settings]\n", ""), `c.toml: core_settings: missing field "core_settings"; add the table [core_settings]`},
		{
			"no listener", edit("[listener]\nlistener_type = \"DomainSocket\"\ntimeout = 200\n", ""),
			`c.toml: listener: missing field "listener"; add the table [listener]`,
		},
		{
			"no authenticator", edit("[authenticator]\nauth_type = \"UnixPeerCredentials\"\n", ""),
			`c.toml: authenticator: missing field "authenticator"; add the table [authenticator]`,
		},
		{"core is no table", edit("[core_settings]", "core_settings = 1"), `c.toml:1: core_settings: expected a table, found an integer`},
		{"core is an array", edit("[core_settings]", "[[core_settings]]"), `c.toml:1: core_settings: expected a table, found an array; write [core_settings], not [[core_settings]]`},
		{"provider is a table", edit("[[provider]]", "[provider]"), "c.toml:14: provider: expected an array of tables, found a table; write [[provider]], not [provider]"},

		{"threads 0", with("[core_settings]", "thread_pool_size = 0"), `c.toml:2: core_settings.thread_pool_size: a pool of 0 threads serves nobody; leave the key out for one thread for each CPU`},
		{"threads negative", with("[core_settings]", "thread_pool_size = -1"), `c.toml:2: core_settings.thread_pool_size: -1 is negative`},
		{"sleep", with("[core_settings]", "idle_listener_sleep_duration = 1.5"), `c.toml:2: core_settings.idle_listener_sleep_duration: expected an integer, found a float`},
		{"level", with("[core_settings]", `log_level = "inof"`), `c.toml:2: core_settings.log_level: "inof" is not one of off, error, warn, info, debug, trace; did you mean "info"?`},
		{"level type", with("[core_settings]", `log_level = 3`), `c.toml:2: core_settings.log_level: expected a string, found an integer`},
		{"timestamp", with("[core_settings]", `log_timestamp = "true"`), `c.toml:2: core_settings.log_timestamp: expected a boolean, found a string`},
		{"details", with("[core_settings]", `log_error_details = 1`), `c.toml:2: core_settings.log_error_details: expected a boolean, found an integer`},
		{"body limit", with("[core_settings]", `body_len_limit = -5`), `c.toml:2: core_settings.body_len_limit: -5 is negative`},
		{"buffer limit", with("[core_settings]", `buffer_size_limit = []`), `c.toml:2: core_settings.buffer_size_limit: expected an integer, found an array`},
		{"root", with("[core_settings]", `allow_root = {}`), `c.toml:2: core_settings.allow_root: expected a boolean, found a table`},
		{"deprecated", with("[core_settings]", `allow_deprecated = 1979-05-27`), `c.toml:2: core_settings.allow_deprecated: expected a boolean, found a date or time`},

		{"listener type missing", edit("listener_type = \"DomainSocket\"\n", ""), `c.toml:3: listener.listener_type: missing field "listener_type"`},
		{"listener type", edit(`"DomainSocket"`, `"Domain"`), `c.toml:4: listener.listener_type: "Domain" is not one of DomainSocket`},
		{"listener type empty", edit(`"DomainSocket"`, `""`), `c.toml:4: listener.listener_type: "" is not one of DomainSocket`},
		{"timeout missing", edit("timeout = 200\n", ""), `c.toml:3: listener.timeout: missing field "timeout"`},
		{"timeout negative", edit("timeout = 200", "timeout = -1"), `c.toml:5: listener.timeout: -1 is negative`},
		{"timeout type", edit("timeout = 200", `timeout = "200"`), `c.toml:5: listener.timeout: expected an integer, found a string`},
		{"socket path empty", with("[listener]", `socket_path = ""`), `c.toml:4: listener.socket_path: the path is empty`},
		{"socket path NUL", with("[listener]", `socket_path = "/a\u0000b"`), `c.toml:4: listener.socket_path: the path holds a NUL character`},
		{
			"socket path long", with("[listener]", `socket_path = "/`+strings.Repeat("a", 107)+`"`),
			`c.toml:4: listener.socket_path: 108 bytes are too long for the path of a socket, which takes 107`,
		},

		{"auth type missing", edit("auth_type = \"UnixPeerCredentials\"\n", ""), `c.toml:7: authenticator.auth_type: missing field "auth_type"`},
		{
			"auth type", edit(`"UnixPeerCredentials"`, `"UnixPeerCredential"`),
			`c.toml:8: authenticator.auth_type: "UnixPeerCredential" is not one of Direct, UnixPeerCredentials, JwtSvid; did you mean "UnixPeerCredentials"?`,
		},
		{
			"admins as strings", with("[authenticator]", `admins = ["0"]`),
			`c.toml:8: authenticator.admins: expected an array of tables, found a string in it; write admins = [ { name = "1000" } ]`,
		},
		{"admin without name", with("[authenticator]", "admins = [\n{ name = \"0\" },\n{ },\n]"), `c.toml:10: authenticator.admins[2].name: missing field "name"`},
		{"admin name", with("[authenticator]", `admins = [{ name = 0 }]`), `c.toml:8: authenticator.admins[1].name: expected a string, found an integer`},
		{"endpoint missing", edit("UnixPeerCredentials", "JwtSvid"), `c.toml:7: authenticator.workload_endpoint: missing field "workload_endpoint"`},
		{
			"endpoint", edit(`"UnixPeerCredentials"`, "\"JwtSvid\"\nworkload_endpoint = \"/run/agent.sock\""),
			`c.toml:9: authenticator.workload_endpoint: "/run/agent.sock" is no address of a Workload API; write unix:///PATH or tcp://IP:PORT`,
		},

		{"manager name", edit("name = \"kim\"\n", ""), "c.toml:10: key_manager[1].name: missing field \"name\"\n" +
			`c.toml:15: provider[1].key_info_manager: key info manager builder not found: no [[key_manager]] is named "kim"`},
		{"manager type missing", edit("manager_type = \"SQLite\"\n", ""), `c.toml:10: key_manager[1].manager_type: missing field "manager_type"`},
		{"manager type", edit(`"SQLite"`, `"sqlite"`), `c.toml:12: key_manager[1].manager_type: "sqlite" is not one of SQLite, OnDisk; did you mean "SQLite"?`},
		{"database path", edit(`"SQLite"`, "\"SQLite\"\nsqlite_db_path = 1"), `c.toml:13: key_manager[1].sqlite_db_path: expected a string, found an integer`},
		{"store path", edit(`"SQLite"`, "\"OnDisk\"\nstore_path = \"\""), `c.toml:13: key_manager[1].store_path: the path is empty`},
		{
			"one store twice", whole + "[[key_manager]]\nname = \"b\"\nmanager_type = \"SQLite\"\n",
			`c.toml:17: key_manager[2]: /var/lib/parsec/kim-mappings/sqlite/sqlite-key-info-manager.sqlite3 is the store of key manager "kim" already; ` +
				`two managers on one store lose keys; name one key manager in both providers`,
		},

		{"no provider", whole[:strings.Index(whole, "[[provider]]")], `c.toml: provider: need one provider; add a table [[provider]]`},
		{"empty providers", "provider = []\n" + whole[:strings.Index(whole, "[[provider]]")], `c.toml:1: provider: need one provider; add a table [[provider]]`},
		{"provider type missing", edit("provider_type = \"MbedCrypto\"\n", ""), `c.toml:14: provider[1].provider_type: missing field "provider_type"`},
		{
			"provider type", edit(`"MbedCrypto"`, `"Mbed"`),
			`c.toml:15: provider[1].provider_type: "Mbed" is not one of MbedCrypto, Pkcs11, Tpm, CryptoAuthLib, TrustedService`,
		},
		{"not compiled", edit(`"MbedCrypto"`, `"CryptoAuthLib"`), `c.toml:15: provider[1].provider_type: provider not compiled: this agent does not support CryptoAuthLib; remove the provider`},
		{"not compiled either", edit(`"MbedCrypto"`, `"TrustedService"`), `c.toml:15: provider[1].provider_type: provider not compiled: this agent does not support TrustedService; remove the provider`},
		{"provider name", edit(`"MbedCrypto"`, "\"MbedCrypto\"\nname = 1"), `c.toml:16: provider[1].name: expected a string, found an integer`},
		{"manager missing", edit("key_info_manager = \"kim\"\n", ""), `c.toml:14: provider[1].key_info_manager: missing field "key_info_manager"`},
		{
			"manager unknown", edit(`key_info_manager = "kim"`, `key_info_manager = "kin"`),
			`c.toml:16: provider[1].key_info_manager: key info manager builder not found: no [[key_manager]] is named "kin"; did you mean "kim"?`,
		},
		{
			"names twice", whole + "\n[[provider]]\nprovider_type = \"MbedCrypto\"\nkey_info_manager = \"kim\"\n",
			`c.toml:18: provider[2].name: duplicate provider names found: "mbed-crypto-provider"; give each provider a name of its own`,
		},
		{
			"names twice over types", whole + pkcs11 + "name = \"mbed-crypto-provider\"\n",
			`c.toml:22: provider[2].name: duplicate provider names found: "mbed-crypto-provider"; give each provider a name of its own`,
		},
		{"key storage", whole + `key_storage = "plain"`, `c.toml:17: provider[1].key_storage: "plain" is not one of encrypted, compatible`},
		{"root key", whole + `root_key = "disk"`, `c.toml:17: provider[1].root_key: "disk" is not one of auto, file, credential, tpm`},
		{"root key without TPM", whole + `root_key = "tpm"`, `c.toml:14: provider[1].root_key_tpm: there are 0 providers of type Tpm; set root_key_tpm to the name of one`},
		{"root key in another TPM", whole + "root_key = \"tpm\"\nroot_key_tpm = \"x\"", `c.toml:18: provider[1].root_key_tpm: no [[provider]] of type Tpm is named "x"; name one that is configured`},
		{"root key in a file of a TPM", whole + `root_key_tpm = "x"`, `c.toml:14: provider[1].root_key: root_key_tpm and root_key_pcrs are for root_key = "tpm"`},
		{"PCR", whole + "root_key = \"tpm\"\nroot_key_pcrs = [7, 24]\n" + tpm, `c.toml:18: provider[1].root_key_pcrs: expected numbers of PCR, 0 to 23, each once`},
		{"PCR type", whole + "root_key = \"tpm\"\nroot_key_pcrs = 7\n" + tpm, `c.toml:18: provider[1].root_key_pcrs: expected an array of integers, found an integer`},
		{"credential", whole + `root_key_credential = "../x"`, `c.toml:17: provider[1].root_key_credential: "../x" is not the name of a credential`},
		{"cache", whole + `cache_keys = 2000000`, `c.toml:17: provider[1].cache_keys: 2000000 is more than 1048576`},
		{
			"one key directory for two managers",
			whole + "[[key_manager]]\nname = \"b\"\nmanager_type = \"SQLite\"\nsqlite_db_path = \"/var/lib/parsec/kim-mappings/sqlite/b\"\n" +
				"[[provider]]\nname = \"b\"\nprovider_type = \"MbedCrypto\"\nkey_info_manager = \"b\"\n",
			`c.toml:21: provider[2].key_store_path: /var/lib/parsec/kim-mappings/sqlite holds the keys of provider "mbed-crypto-provider", which has another key manager; ` +
				`their key ids would clash; set key_store_path to a directory of its own`,
		},
		{
			"key directory in a store", edit("SQLite", "OnDisk") + `key_store_path = "/var/lib/parsec/mappings/keys"`,
			`c.toml:17: provider[1].key_store_path: /var/lib/parsec/mappings/keys is inside the store of key manager "kim", which would take it for an application; ` +
				`set key_store_path to a directory beside it`,
		},
		{"library missing", whole + strings.Replace(pkcs11, "library_path = \"/lib/p11.so\"\n", "", 1), `c.toml:18: provider[2].library_path: missing field "library_path"`},
		{"library empty", whole + strings.Replace(pkcs11, "/lib/p11.so", "", 1), `c.toml:21: provider[2].library_path: the path is empty`},
		{"slot", whole + pkcs11 + "slot_number = -1", `c.toml:22: provider[2].slot_number: -1 is negative`},
		{"serial", whole + pkcs11 + "serial_number = 1", `c.toml:22: provider[2].serial_number: expected a string, found an integer`},
		{"PIN type", whole + pkcs11 + "user_pin = 1234", `c.toml:22: provider[2].user_pin: expected a string, found an integer`},
		{"PIN hex", whole + pkcs11 + `user_pin = "hex:1234x"`, `c.toml:22: provider[2].user_pin: what follows hex: is not an even number of hexadecimal digits`},
		{"two PINs", whole + pkcs11 + "user_pin = \"1\"\nuser_pin_prompt = true", `c.toml:22: provider[2].user_pin: the PIN comes from one of user_pin, user_pin_file, user_pin_credential and user_pin_prompt`},
		{"PIN prompt", whole + pkcs11 + "user_pin_prompt = 1", `c.toml:22: provider[2].user_pin_prompt: expected a boolean, found an integer`},
		{"PIN lifetime", whole + pkcs11 + "user_pin_prompt = true\nuser_pin_lifetime = -1", `c.toml:23: provider[2].user_pin_lifetime: -1 is negative`},
		{"unlock users", whole + pkcs11 + "unlock_users = [\"1000\"]", `c.toml:22: provider[2].unlock_users: it is about the PIN that a person gives: set user_pin_prompt = true`},
		{"unlock groups", whole + pkcs11 + "user_pin_prompt = true\nunlock_groups = [\"a:b\"]", `c.toml:23: provider[2].unlock_groups: "a:b" is not the name of a group`},
		{"required", whole + pkcs11 + "required = \"yes\"", `c.toml:22: provider[2].required: expected a boolean, found a string`},
		{"PIN in a URI", whole + pkcs11 + `token_uri = "pkcs11:token=x?pin-value=hunter2"`, `c.toml:22: provider[2].token_uri: a PKCS#11 URI of a token must not carry a PIN (pin-value): set user_pin_file, user_pin_credential or user_pin_prompt`},
		{"PIN source in a URI", whole + pkcs11 + `token_uri = "pkcs11:token=x?pin-source=file:/pin"`, `c.toml:22: provider[2].token_uri: a PKCS#11 URI of a token must not carry a PIN (pin-source): set user_pin_file, user_pin_credential or user_pin_prompt`},
		{"software public", whole + pkcs11 + "software_public_operations = 0", `c.toml:22: provider[2].software_public_operations: expected a boolean, found an integer`},
		{"allow export", whole + pkcs11 + "allow_export = 0", `c.toml:22: provider[2].allow_export: expected a boolean, found an integer`},
		{"tcti missing", whole + strings.Replace(tpm, "tcti = \"device\"\n", "", 1), `c.toml:18: provider[2].tcti: missing field "tcti"`},
		{"tcti", whole + strings.Replace(tpm, `"device"`, `"socket"`, 1), `c.toml:21: provider[2].tcti: "socket" is no way to a TPM: expected "device", "swtpm", "mssim" or "tabrmd"`},
		{
			"devices in place", whole + "[agent.devices]\noriginal_directory = \"/home/a/.config/parsec3/libparsec\"\n",
			`c.toml:18: agent.devices.original_directory: only a person's own agent can use devices in place; leave it out, and take them over with parsecctl device import`,
		},
		{"tcti relative", whole + strings.Replace(tpm, `"device"`, `"device:tpm"`, 1), `c.toml:21: provider[2].tcti: "device:tpm" is no way to a TPM: the device is not an absolute path`},
		{"tcti option", whole + strings.Replace(tpm, `"device"`, `"swtpm:path=x"`, 1), `c.toml:21: provider[2].tcti: "swtpm:path=x" is no way to a TPM: the socket "x" is not an absolute path`},
		{"tcti socket", whole + strings.Replace(tpm, `"device"`, `"swtpm:path=/x,port=1"`, 1), `c.toml:21: provider[2].tcti: "swtpm:path=/x,port=1" is no way to a TPM: a Unix socket has no host and no port`},
		{"tcti of mssim", whole + strings.Replace(tpm, `"device"`, `"mssim:path=/x"`, 1), `c.toml:21: provider[2].tcti: "mssim:path=/x" is no way to a TPM: "path=/x" is not an option of "mssim"`},
		{"tcti port", whole + strings.Replace(tpm, `"device"`, `"swtpm:port=0"`, 1), `c.toml:21: provider[2].tcti: "swtpm:port=0" is no way to a TPM: "0" is not a port from 1 to 65535`},
		{"tcti bus", whole + strings.Replace(tpm, `"device"`, `"tabrmd:bus_type=x"`, 1), `c.toml:21: provider[2].tcti: "tabrmd:bus_type=x" is no way to a TPM: "x" is neither session nor system`},
		{"tcti empty", whole + strings.Replace(tpm, `"device"`, `"device:"`, 1), `c.toml:21: provider[2].tcti: "device:" is no way to a TPM: nothing follows "device:"`},
		{"owner auth missing", whole + strings.Replace(tpm, "owner_hierarchy_auth = \"\"\n", "", 1), `c.toml:18: provider[2].owner_hierarchy_auth: missing field "owner_hierarchy_auth"`},
		{"owner auth", whole + strings.Replace(tpm, `owner_hierarchy_auth = ""`, `owner_hierarchy_auth = "hex:0"`, 1), `c.toml:22: provider[2].owner_hierarchy_auth: what follows hex: is not an even number of hexadecimal digits`},
		{"endorsement auth", whole + tpm + "endorsement_hierarchy_auth = true", `c.toml:23: provider[2].endorsement_hierarchy_auth: expected a string, found a boolean`},
		{"skip", whole + tpm + "skip_if_no_tpm = 1", `c.toml:23: provider[2].skip_if_no_tpm: expected a boolean, found an integer`},

		{"agent", "agent = 1\n" + whole, `c.toml:1: agent: expected a table, found an integer`},
		{"groups", whole + "[agent]\nadmin_groups = \"g\"", `c.toml:18: agent.admin_groups: expected an array of strings, found a string`},
		{"group", whole + "[agent]\nadmin_groups = [1]", `c.toml:18: agent.admin_groups: expected an array of strings, found an integer in it`},
		{"group name", whole + "[agent]\nadmin_groups = [\"\"]", `c.toml:18: agent.admin_groups: "" is not the name of a group`},
		{"audit", whole + "[agent]\naudit = \"audit.log\"", `c.toml:18: agent.audit: "audit.log" is neither "log" nor "off" nor an absolute path`},
		{"metrics", whole + "[agent]\nmetrics = \":9123\"", `c.toml:18: agent.metrics: ":9123" is no address for metrics; write unix:/PATH, tcp:IP:PORT or an empty string`},
		{"metrics host", whole + "[agent]\nmetrics = \"tcp:host:9123\"", `c.toml:18: agent.metrics: "tcp:host:9123" is no address for metrics; write unix:/PATH, tcp:IP:PORT or an empty string`},
		{"format", whole + "[agent]\nlog_format = \"xml\"", `c.toml:18: agent.log_format: "xml" is not one of auto, journal, text, json`},
		{"backup", whole + "[agent]\nallow_backup = 1", `c.toml:18: agent.allow_backup: expected a boolean, found an integer`},
		{"limit", whole + "[agent.limits]\nconnections_per_uid = 0", `c.toml:18: agent.limits.connections_per_uid: 0 is less than 1`},
		{"limit of all", whole + "[agent.limits]\nconnections = -1", `c.toml:18: agent.limits.connections: -1 is negative`},
		{"requests", whole + "[agent.limits]\nrequests_per_uid = 1048577", `c.toml:18: agent.limits.requests_per_uid: 1048577 is more than 1048576`},
		{
			"memory", whole + "[agent.limits]\nmemory_per_uid = 1000",
			`c.toml:18: agent.limits.memory_per_uid: 1000 bytes do not hold one request of core_settings.body_len_limit and its authentication; give at least 1114111`,
		},
		{"idle", whole + "[agent.limits]\nidle_timeout = 0", `c.toml:18: agent.limits.idle_timeout: 0 is less than 1`},
		{
			"authenticator twice", whole + "[[agent.authenticator]]\nauth_type = \"UnixPeerCredentials\"",
			`c.toml:18: agent.authenticator[1].auth_type: a second authenticator of type UnixPeerCredentials; add its admins to the first`,
		},
		{
			"authenticators and OnDisk", edit("SQLite", "OnDisk") + "[[agent.authenticator]]\nauth_type = \"Direct\"",
			`c.toml:17: agent.authenticator[1]: several authenticators cannot be used with key manager "kim": an OnDisk store does not record the authenticator, ` +
				`so applications of one name would share their keys; use a SQLite key manager`,
		},
		{
			"all at once", edit("timeout = 200", "timeout = -1") + "cache_keys = -1\n",
			"c.toml:5: listener.timeout: -1 is negative\nc.toml:17: provider[1].cache_keys: -1 is negative",
		},
		{"depth", whole + "x = " + strings.Repeat("[", 40), "c.toml: values are nested too deep, or keys too long"},
		{"many providers", whole + strings.Repeat("[[provider]]\n", 80_000), "c.toml:14: provider: 80001 tables are more than 1024"},
		{"dots", strings.Repeat("a.", maxFile/2-10) + "a=1", "c.toml: values are nested too deep, or keys too long"},
		{"long table", "[" + strings.Repeat("a", maxFile/2) + "]\n" + strings.Repeat("a=1\n", maxFile/10), "c.toml: values are nested too deep, or keys too long"},
		{"size", strings.Repeat("#", maxFile+1), "c.toml: larger than 1048576 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg, _, err := parse(t, c.src)
			if err == nil {
				t.Fatalf("accepted: %+v", cfg)
			}
			if got := err.Error(); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			if cfg != nil {
				t.Error("a configuration came with the error")
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, src, want string }{
		{"none", whole, ""},
		{"unknown table", whole + "[listen]\n", `c.toml:17: listen: unknown key, ignored; did you mean "listener"?`},
		{"unknown array", whole + "[[providers]]\n", `c.toml:17: providers: unknown key, ignored; did you mean "provider"?`},
		{"unknown key", with("[core_settings]", "log_lvel = \"info\""), `c.toml:2: core_settings.log_lvel: unknown key, ignored; did you mean "log_level"?`},
		{"elsewhere", with("[core_settings]", "admin_groups = []"), `c.toml:2: core_settings.admin_groups: unknown key, ignored; it belongs to [agent]`},
		{"nowhere", with("[core_settings]", "colour = 1"), `c.toml:2: core_settings.colour: unknown key, ignored`},
		{"at top", "timeout = 1\n" + whole, `c.toml:1: timeout: unknown key, ignored; it belongs to [listener]`},
		{"timeout 0", edit("timeout = 200", "timeout = 0"), `c.toml:5: listener.timeout: a time limit of 0 would drop every connection; 200 is used`},
		{"Direct", edit("UnixPeerCredentials", "Direct"), `c.toml:8: authenticator.auth_type: Direct believes whatever name a caller gives itself; use it for tests only`},
		{"endpoint", with("[authenticator]", `workload_endpoint = "x"`), `c.toml:8: authenticator.workload_endpoint: has a meaning for auth_type "JwtSvid" only, ignored`},
		{"admin name", with("[authenticator]", `admins = [{ name = "alice" }]`), `c.toml:8: authenticator.admins[1].name: "alice" is no decimal uid and never matches; write the uid, or use agent.admin_groups`},
		{"admin zeros", with("[authenticator]", `admins = [{ name = "007" }]`), `c.toml:8: authenticator.admins[1].name: "007" is no decimal uid and never matches; write the uid, or use agent.admin_groups`},
		{
			"manager twice", whole + "[[key_manager]]\nname = \"kim\"\nmanager_type = \"OnDisk\"\n",
			`c.toml:18: key_manager[2].name: another key manager is named "kim"; the last one is used`,
		},
		{"store path of SQLite", edit(`"SQLite"`, "\"SQLite\"\nstore_path = \"/x\""), `c.toml:13: key_manager[1].store_path: has a meaning for manager_type "OnDisk" only, ignored`},
		{"key of another type", whole + "library_path = \"/x\"", `c.toml:17: provider[1].library_path: unknown key, ignored`},
		{
			"key of another type in use", whole + "library_path = \"/x\"\n[[provider]]\nprovider_type = \"Pkcs11\"\nlibrary_path = \"/x\"\nkey_info_manager = \"kim\"",
			`c.toml:17: provider[1].library_path: unknown key, ignored; it belongs to another type of provider`,
		},
		{"public metrics", whole + "[agent]\nmetrics = \"tcp:0.0.0.0:9123\"", `c.toml:18: agent.metrics: other machines can read the metrics, which name operations and their numbers; use a loopback address or a Unix socket`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, warnings, err := parse(t, c.src)
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, w := range warnings {
				lines = append(lines, w.String())
			}
			if got := strings.Join(lines, "\n"); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}
