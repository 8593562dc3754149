package cloud

// SCWSServiceMutualChallengesReq is scws_service_mutual_challenges: server side of the mutual authentication between the web client and the Idopte
// smart-card web service: verifies its RSA answer and signs its challenge.
//
//codec:cmd scws_service_mutual_challenges AnonymousServer
//codec:rep SCWSServiceMutualChallengesOK NotAvailable UnknownSCWSServiceChallengeKeyID InvalidSCWSServiceChallengeSignature
//codec:rep InvalidWebApplicationChallengePayload
type SCWSServiceMutualChallengesReq struct {
	SCWSServiceChallengePayload    []byte `mp:"scws_service_challenge_payload,max=maxBytes"`
	SCWSServiceChallengeSignature  []byte `mp:"scws_service_challenge_signature,max=maxBytes"`
	SCWSServiceChallengeKeyID      uint64 `mp:"scws_service_challenge_key_id"`
	WebApplicationChallengePayload []byte `mp:"web_application_challenge_payload,max=maxBytes"`
}

// SCWSServiceMutualChallengesOK is ok of scws_service_mutual_challenges.
//
//codec:status ok
type SCWSServiceMutualChallengesOK struct {
	WebApplicationChallengeSignature []byte `mp:"web_application_challenge_signature,max=maxBytes"`
}

// ServerConfigReq is server_config: server-wide settings a client needs before having any organization: account mode, bootstrap mode, OpenBao, CryptPad,
// recommended key-file protections. Since API 5.3.
//
//codec:cmd server_config AnonymousServer
//codec:rep ServerConfigOK
type ServerConfigReq struct{}

// ServerConfigOK is ok of server_config.
//
//codec:status ok
type ServerConfigOK struct {
	Account AccountConfig `mp:"account"`
	// Strings such as PASSWORD, PASSWORD+TOTP, KEYRING, PKI, OPENBAO, ACCOUNT_VAULT (each optionally +TOTP); unknown values to be ignored; empty/absent = no advice.
	// Since API 5.5.
	AdvisoryDeviceFileProtection []string `mp:"advisory_device_file_protection,later,max=maxConfig,each=maxText"`
	// Since API 5.5.
	CryptPad              CryptPadConfig  `mp:"cryptpad,later"`
	OpenBao               OpenBaoConfig   `mp:"openbao"`
	OrganizationBootstrap BootstrapConfig `mp:"organization_bootstrap"`
}

// AccountConfig says whether a server has accounts.
//
//codec:enum DISABLED ENABLED_WITH_VAULT ENABLED_WITHOUT_VAULT
type AccountConfig string

// Values of AccountConfig.
const (
	AccountDisabled            AccountConfig = "DISABLED"
	AccountEnabledWithVault    AccountConfig = "ENABLED_WITH_VAULT"
	AccountEnabledWithoutVault AccountConfig = "ENABLED_WITHOUT_VAULT"
)

// BootstrapConfig says who may make an organisation.
//
//codec:enum WITH_BOOTSTRAP_TOKEN SPONTANEOUS
type BootstrapConfig string

// Values of BootstrapConfig.
const (
	BootstrapWithBootstrapToken BootstrapConfig = "WITH_BOOTSTRAP_TOKEN"
	BootstrapSpontaneous        BootstrapConfig = "SPONTANEOUS"
)

// OpenBaoConfig is what a server says about OpenBao.
//
//codec:union type
type OpenBaoConfig interface{ isOpenBaoConfig() }

// OpenBaoDisabled is DISABLED.
//
//codec:variant OpenBaoConfig DISABLED
type OpenBaoDisabled struct{}

// OpenBaoEnabled is ENABLED.
//
//codec:variant OpenBaoConfig ENABLED
type OpenBaoEnabled struct {
	Auths     []OpenBaoAuthConfig `mp:"auths,max=maxConfig"`
	Secret    OpenBaoSecretConfig `mp:"secret"`
	ServerURL string              `mp:"server_url,max=maxURL"`
	// Since API 5.4.
	TransitMountPath *string `mp:"transit_mount_path,later,max=maxText"`
}

// OpenBaoSecretConfig says how OpenBao keeps secrets.
//
//codec:union type
type OpenBaoSecretConfig interface{ isOpenBaoSecretConfig() }

// OpenBaoSecretKV2 is KV2.
//
//codec:variant OpenBaoSecretConfig KV2
type OpenBaoSecretKV2 struct {
	MountPath string `mp:"mount_path,max=maxText"`
}

// OpenBaoAuthConfig is a way to log in to OpenBao.
//
//codec:map
type OpenBaoAuthConfig struct {
	ID        string `mp:"id,max=maxText"`
	MountPath string `mp:"mount_path,max=maxText"`
}

// CryptPadConfig is what a server says about CryptPad.
//
//codec:union type
type CryptPadConfig interface{ isCryptPadConfig() }

// CryptPadDisabled is DISABLED.
//
//codec:variant CryptPadConfig DISABLED
type CryptPadDisabled struct{}

// CryptPadEnabled is ENABLED.
//
//codec:variant CryptPadConfig ENABLED
type CryptPadEnabled struct {
	ServerURL string `mp:"server_url,max=maxURL"`
}
