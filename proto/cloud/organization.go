package cloud

import "github.com/seed-73b3884f/parsec-agent/trust"

// OrganizationBootstrapReq is organization_bootstrap: turns an empty organization into a usable one: stores the root verify key, the first user (ADMIN)
// with its first device, and optionally the sequester authority.
//
//codec:cmd organization_bootstrap Anonymous
//codec:rep OK InvalidCertificate OrganizationAlreadyBootstrapped InvalidBootstrapToken TimestampOutOfBallpark
type OrganizationBootstrapReq struct {
	// Null only for a spontaneous bootstrap.
	BootstrapToken    *trust.AccessToken `mp:"bootstrap_token,null"`
	RootVerifyKey     trust.VerifyKey    `mp:"root_verify_key"`
	UserCertificate   []byte             `mp:"user_certificate,max=maxBytes"`
	DeviceCertificate []byte             `mp:"device_certificate,max=maxBytes"`
	// Same certificate without the human handle.
	RedactedUserCertificate []byte `mp:"redacted_user_certificate,max=maxBytes"`
	// Same certificate without the device label.
	RedactedDeviceCertificate []byte `mp:"redacted_device_certificate,max=maxBytes"`
	// Null = organization never sequestered.
	SequesterAuthorityCertificate []byte `mp:"sequester_authority_certificate,null,max=maxBytes"`
}

// OrganizationInfoReq is organization_info: storage used by the organization.
//
//codec:cmd organization_info Authenticated
//codec:rep OrganizationInfoOK
type OrganizationInfoReq struct{}

// OrganizationInfoOK is ok of organization_info.
//
//codec:status ok
type OrganizationInfoOK struct {
	TotalBlockBytes    uint64 `mp:"total_block_bytes"`
	TotalMetadataBytes uint64 `mp:"total_metadata_bytes"`
}
