package cloud

import "github.com/seed-73b3884f/parsec-agent/trust"

// TOTPFetchOpaqueKeyReq is totp_fetch_opaque_key: releases a server-held key in exchange for a valid TOTP code; used to add a second factor to a local
// key file. Since API 5.4.
//
//codec:cmd totp_fetch_opaque_key Anonymous
//codec:rep TOTPFetchOpaqueKeyOK InvalidOneTimePassword Throttled
type TOTPFetchOpaqueKeyReq struct {
	UserID          trust.UserID          `mp:"user_id"`
	OpaqueKeyID     trust.TOTPOpaqueKeyID `mp:"opaque_key_id"`
	OneTimePassword string                `mp:"one_time_password,max=maxCode"`
}

// TOTPFetchOpaqueKeyOK is ok of totp_fetch_opaque_key.
//
//codec:status ok
type TOTPFetchOpaqueKeyOK struct {
	OpaqueKey trust.SecretKey `mp:"opaque_key"`
}

// AnonymousTOTPSetupConfirmReq is totp_setup_confirm: confirms TOTP enrolment with the reset token handed over by an administrator; sets the set-up as
// completed and burns the token. Since API 5.4.
//
//codec:cmd totp_setup_confirm Anonymous
//codec:rep OK InvalidOneTimePassword BadToken
type AnonymousTOTPSetupConfirmReq struct {
	UserID          trust.UserID      `mp:"user_id"`
	Token           trust.AccessToken `mp:"token"`
	OneTimePassword string            `mp:"one_time_password,max=maxCode"`
}

// AnonymousTOTPSetupGetSecretReq is totp_setup_get_secret: gets (creating it if needed) the 20-byte TOTP secret with the reset token handed over by an
// administrator. Since API 5.4.
//
//codec:cmd totp_setup_get_secret Anonymous
//codec:rep AnonymousTOTPSetupGetSecretOK BadToken
type AnonymousTOTPSetupGetSecretReq struct {
	UserID trust.UserID      `mp:"user_id"`
	Token  trust.AccessToken `mp:"token"`
}

// AnonymousTOTPSetupGetSecretOK is ok of totp_setup_get_secret.
//
//codec:status ok
type AnonymousTOTPSetupGetSecretOK struct {
	TOTPSecret trust.TOTPSecret `mp:"totp_secret"`
}

// TOTPCreateOpaqueKeyReq is totp_create_opaque_key: server generates and stores a random 32-byte key, returned with its ID; later released through
// `totp_fetch_opaque_key`. Since API 5.4.
//
//codec:cmd totp_create_opaque_key Authenticated
//codec:rep TOTPCreateOpaqueKeyOK
type TOTPCreateOpaqueKeyReq struct{}

// TOTPCreateOpaqueKeyOK is ok of totp_create_opaque_key.
//
//codec:status ok
type TOTPCreateOpaqueKeyOK struct {
	OpaqueKey   trust.SecretKey       `mp:"opaque_key"`
	OpaqueKeyID trust.TOTPOpaqueKeyID `mp:"opaque_key_id"`
}

// TOTPSetupConfirmReq is totp_setup_confirm: confirms first-time TOTP enrolment with a valid code. Since API 5.4.
//
//codec:cmd totp_setup_confirm Authenticated
//codec:rep OK InvalidOneTimePassword AlreadySetup
type TOTPSetupConfirmReq struct {
	OneTimePassword string `mp:"one_time_password,max=maxCode"`
}

// TOTPSetupGetSecretReq is totp_setup_get_secret: first-time TOTP enrolment of the calling user: gets (creating if needed) the 20-byte secret. Since API
// 5.4.
//
//codec:cmd totp_setup_get_secret Authenticated
//codec:rep TOTPSetupGetSecretOK AlreadySetup
type TOTPSetupGetSecretReq struct{}

// TOTPSetupGetSecretOK is ok of totp_setup_get_secret.
//
//codec:status ok
type TOTPSetupGetSecretOK struct {
	TOTPSecret trust.TOTPSecret `mp:"totp_secret"`
}
