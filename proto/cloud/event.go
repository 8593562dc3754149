package cloud

import "github.com/seed-73b3884f/parsec-agent/trust"

// EventsListenReq is events_listen: schema of the events pushed over the SSE route. Calling it by RPC answers `not_available`.
//
//codec:cmd events_listen Authenticated
//codec:rep EventPinged EventOrganizationConfig EventInvitation EventGreetingAttemptReady EventGreetingAttemptCancelled EventGreetingAttemptJoined
//codec:rep EventPKIEnrollment EventAsyncEnrollment EventCommonCertificate EventSequesterCertificate EventShamirRecoveryCertificate
//codec:rep EventRealmCertificate EventVlob NotAvailable
type EventsListenReq struct{}

// EventPinged is ok of events_listen with event PINGED.
//
//codec:status ok
type EventPinged struct {
	_    struct{} `mp:"event,const=PINGED"`
	Ping string   `mp:"ping,max=maxPing"`
}

// EventOrganizationConfig is ok of events_listen with event ORGANIZATION_CONFIG.
//
//codec:status ok
type EventOrganizationConfig struct {
	_                struct{} `mp:"event,const=ORGANIZATION_CONFIG"`
	ActiveUsersLimit *uint64  `mp:"active_users_limit,opt"`
	// Since API 5.5.
	RealmMinimumArchivingPeriodBeforeDeletion *int64  `mp:"realm_minimum_archiving_period_before_deletion,later"`
	SSEKeepaliveSeconds                       *uint64 `mp:"sse_keepalive_seconds,min=1,null"`
	UserProfileOutsiderAllowed                bool    `mp:"user_profile_outsider_allowed"`
}

// EventInvitation is ok of events_listen with event INVITATION.
//
//codec:status ok
type EventInvitation struct {
	_                struct{}          `mp:"event,const=INVITATION"`
	InvitationStatus InvitationStatus  `mp:"invitation_status"`
	Token            trust.AccessToken `mp:"token"`
}

// EventGreetingAttemptReady is ok of events_listen with event GREETING_ATTEMPT_READY.
//
//codec:status ok
type EventGreetingAttemptReady struct {
	_               struct{}                `mp:"event,const=GREETING_ATTEMPT_READY"`
	GreetingAttempt trust.GreetingAttemptID `mp:"greeting_attempt"`
	Token           trust.AccessToken       `mp:"token"`
}

// EventGreetingAttemptCancelled is ok of events_listen with event GREETING_ATTEMPT_CANCELLED.
//
//codec:status ok
type EventGreetingAttemptCancelled struct {
	_               struct{}                `mp:"event,const=GREETING_ATTEMPT_CANCELLED"`
	GreetingAttempt trust.GreetingAttemptID `mp:"greeting_attempt"`
	Token           trust.AccessToken       `mp:"token"`
}

// EventGreetingAttemptJoined is ok of events_listen with event GREETING_ATTEMPT_JOINED.
//
//codec:status ok
type EventGreetingAttemptJoined struct {
	_               struct{}                `mp:"event,const=GREETING_ATTEMPT_JOINED"`
	GreetingAttempt trust.GreetingAttemptID `mp:"greeting_attempt"`
	Token           trust.AccessToken       `mp:"token"`
}

// EventPKIEnrollment is ok of events_listen with event PKI_ENROLLMENT.
//
//codec:status ok
type EventPKIEnrollment struct {
	_ struct{} `mp:"event,const=PKI_ENROLLMENT"`
}

// EventAsyncEnrollment is ok of events_listen with event ASYNC_ENROLLMENT.
//
//codec:status ok
type EventAsyncEnrollment struct {
	_ struct{} `mp:"event,const=ASYNC_ENROLLMENT"`
}

// EventCommonCertificate is ok of events_listen with event COMMON_CERTIFICATE.
//
//codec:status ok
type EventCommonCertificate struct {
	_         struct{}       `mp:"event,const=COMMON_CERTIFICATE"`
	Timestamp trust.DateTime `mp:"timestamp"`
}

// EventSequesterCertificate is ok of events_listen with event SEQUESTER_CERTIFICATE.
//
//codec:status ok
type EventSequesterCertificate struct {
	_         struct{}       `mp:"event,const=SEQUESTER_CERTIFICATE"`
	Timestamp trust.DateTime `mp:"timestamp"`
}

// EventShamirRecoveryCertificate is ok of events_listen with event SHAMIR_RECOVERY_CERTIFICATE.
//
//codec:status ok
type EventShamirRecoveryCertificate struct {
	_         struct{}       `mp:"event,const=SHAMIR_RECOVERY_CERTIFICATE"`
	Timestamp trust.DateTime `mp:"timestamp"`
}

// EventRealmCertificate is ok of events_listen with event REALM_CERTIFICATE.
//
//codec:status ok
type EventRealmCertificate struct {
	_         struct{}       `mp:"event,const=REALM_CERTIFICATE"`
	RealmID   trust.RealmID  `mp:"realm_id"`
	Timestamp trust.DateTime `mp:"timestamp"`
}

// EventVlob is ok of events_listen with event VLOB.
//
//codec:status ok
type EventVlob struct {
	_                              struct{}       `mp:"event,const=VLOB"`
	Author                         trust.DeviceID `mp:"author"`
	Blob                           []byte         `mp:"blob,null,max=maxBytes"`
	LastCommonCertificateTimestamp trust.DateTime `mp:"last_common_certificate_timestamp"`
	LastRealmCertificateTimestamp  trust.DateTime `mp:"last_realm_certificate_timestamp"`
	RealmID                        trust.RealmID  `mp:"realm_id"`
	Timestamp                      trust.DateTime `mp:"timestamp"`
	Version                        uint32         `mp:"version"`
	VlobID                         trust.VlobID   `mp:"vlob_id"`
}
