package cloud

import "github.com/seed-73b3884f/parsec-agent/trust"

// InviteClaimerCancelGreetingAttemptReq is invite_claimer_cancel_greeting_attempt: claimer cancels an attempt, giving the reason.
//
//codec:cmd invite_claimer_cancel_greeting_attempt Invited
//codec:rep OK GreeterRevoked GreeterNotAllowed GreetingAttemptNotFound GreetingAttemptNotJoined GreetingAttemptAlreadyCancelled
type InviteClaimerCancelGreetingAttemptReq struct {
	GreetingAttempt trust.GreetingAttemptID        `mp:"greeting_attempt"`
	Reason          CancelledGreetingAttemptReason `mp:"reason"`
}

// InviteClaimerStartGreetingAttemptReq is invite_claimer_start_greeting_attempt: claimer picks a greeter and joins the active attempt with him, or
// cancels it and opens a new one if he had already joined.
//
//codec:cmd invite_claimer_start_greeting_attempt Invited
//codec:rep InviteClaimerStartGreetingAttemptOK GreeterNotFound GreeterRevoked GreeterNotAllowed
type InviteClaimerStartGreetingAttemptReq struct {
	Greeter trust.UserID `mp:"greeter"`
}

// InviteClaimerStartGreetingAttemptOK is ok of invite_claimer_start_greeting_attempt.
//
//codec:status ok
type InviteClaimerStartGreetingAttemptOK struct {
	GreetingAttempt trust.GreetingAttemptID `mp:"greeting_attempt"`
}

// InviteClaimerStepReq is invite_claimer_step: claimer deposits his data for one step and gets the greeter data of the same step when available.
//
//codec:cmd invite_claimer_step Invited
//codec:rep InviteClaimerStepOK NotReady GreeterRevoked GreeterNotAllowed GreetingAttemptNotFound GreetingAttemptNotJoined GreetingAttemptCancelled
//codec:rep StepTooAdvanced StepMismatch
type InviteClaimerStepReq struct {
	GreetingAttempt trust.GreetingAttemptID `mp:"greeting_attempt"`
	ClaimerStep     ClaimerStep             `mp:"claimer_step"`
}

// InviteClaimerStepOK is ok of invite_claimer_step.
//
//codec:status ok
type InviteClaimerStepOK struct {
	GreeterStep GreeterStep `mp:"greeter_step"`
}

// GreeterStep is one of the nine steps of a greeter.
//
//codec:union step
type GreeterStep interface{ isGreeterStep() }

// GreeterStep0WaitPeer is NUMBER_0_WAIT_PEER.
//
//codec:variant GreeterStep NUMBER_0_WAIT_PEER
type GreeterStep0WaitPeer struct {
	PublicKey trust.PublicKey `mp:"public_key"`
}

// GreeterStep1GetHashedNonce is NUMBER_1_GET_HASHED_NONCE.
//
//codec:variant GreeterStep NUMBER_1_GET_HASHED_NONCE
type GreeterStep1GetHashedNonce struct{}

// GreeterStep2SendNonce is NUMBER_2_SEND_NONCE.
//
//codec:variant GreeterStep NUMBER_2_SEND_NONCE
type GreeterStep2SendNonce struct {
	GreeterNonce []byte `mp:"greeter_nonce,max=maxBytes"`
}

// GreeterStep3GetNonce is NUMBER_3_GET_NONCE.
//
//codec:variant GreeterStep NUMBER_3_GET_NONCE
type GreeterStep3GetNonce struct{}

// GreeterStep4WaitPeerTrust is NUMBER_4_WAIT_PEER_TRUST.
//
//codec:variant GreeterStep NUMBER_4_WAIT_PEER_TRUST
type GreeterStep4WaitPeerTrust struct{}

// GreeterStep5SignifyTrust is 5.
//
//codec:variant GreeterStep 5
type GreeterStep5SignifyTrust struct{}

// GreeterStep6GetPayload is NUMBER_6_GET_PAYLOAD.
//
//codec:variant GreeterStep NUMBER_6_GET_PAYLOAD
type GreeterStep6GetPayload struct{}

// GreeterStep7SendPayload is NUMBER_7_SEND_PAYLOAD.
//
//codec:variant GreeterStep NUMBER_7_SEND_PAYLOAD
type GreeterStep7SendPayload struct {
	GreeterPayload []byte `mp:"greeter_payload,max=maxBytes"`
}

// GreeterStep8WaitPeerAcknowledgment is NUMBER_8_WAIT_PEER_ACKNOWLEDGMENT.
//
//codec:variant GreeterStep NUMBER_8_WAIT_PEER_ACKNOWLEDGMENT
type GreeterStep8WaitPeerAcknowledgment struct{}

// ClaimerStep is one of the nine steps of a claimer.
//
//codec:union step
type ClaimerStep interface{ isClaimerStep() }

// ClaimerStep0WaitPeer is NUMBER_0_WAIT_PEER.
//
//codec:variant ClaimerStep NUMBER_0_WAIT_PEER
type ClaimerStep0WaitPeer struct {
	PublicKey trust.PublicKey `mp:"public_key"`
}

// ClaimerStep1SendHashedNonce is NUMBER_1_SEND_HASHED_NONCE.
//
//codec:variant ClaimerStep NUMBER_1_SEND_HASHED_NONCE
type ClaimerStep1SendHashedNonce struct {
	HashedNonce trust.HashDigest `mp:"hashed_nonce"`
}

// ClaimerStep2GetNonce is NUMBER_2_GET_NONCE.
//
//codec:variant ClaimerStep NUMBER_2_GET_NONCE
type ClaimerStep2GetNonce struct{}

// ClaimerStep3SendNonce is NUMBER_3_SEND_NONCE.
//
//codec:variant ClaimerStep NUMBER_3_SEND_NONCE
type ClaimerStep3SendNonce struct {
	ClaimerNonce []byte `mp:"claimer_nonce,max=maxBytes"`
}

// ClaimerStep4SignifyTrust is NUMBER_4_SIGNIFY_TRUST.
//
//codec:variant ClaimerStep NUMBER_4_SIGNIFY_TRUST
type ClaimerStep4SignifyTrust struct{}

// ClaimerStep5WaitPeerTrust is NUMBER_5_WAIT_PEER_TRUST.
//
//codec:variant ClaimerStep NUMBER_5_WAIT_PEER_TRUST
type ClaimerStep5WaitPeerTrust struct{}

// ClaimerStep6SendPayload is NUMBER_6_SEND_PAYLOAD.
//
//codec:variant ClaimerStep NUMBER_6_SEND_PAYLOAD
type ClaimerStep6SendPayload struct {
	ClaimerPayload []byte `mp:"claimer_payload,max=maxBytes"`
}

// ClaimerStep7GetPayload is NUMBER_7_GET_PAYLOAD.
//
//codec:variant ClaimerStep NUMBER_7_GET_PAYLOAD
type ClaimerStep7GetPayload struct{}

// ClaimerStep8Acknowledge is NUMBER_8_ACKNOWLEDGE.
//
//codec:variant ClaimerStep NUMBER_8_ACKNOWLEDGE
type ClaimerStep8Acknowledge struct{}

// InviteGreeterCancelGreetingAttemptReq is invite_greeter_cancel_greeting_attempt: greeter cancels an attempt, giving the reason.
//
//codec:cmd invite_greeter_cancel_greeting_attempt Authenticated
//codec:rep OK InvitationCompleted InvitationCancelled AuthorNotAllowed GreetingAttemptNotFound GreetingAttemptNotJoined
//codec:rep GreetingAttemptAlreadyCancelled
type InviteGreeterCancelGreetingAttemptReq struct {
	GreetingAttempt trust.GreetingAttemptID        `mp:"greeting_attempt"`
	Reason          CancelledGreetingAttemptReason `mp:"reason"`
}

// InviteGreeterStartGreetingAttemptReq is invite_greeter_start_greeting_attempt: greeter joins the active attempt of his session on this invitation, or
// cancels it and opens a new one if he had already joined.
//
//codec:cmd invite_greeter_start_greeting_attempt Authenticated
//codec:rep InviteGreeterStartGreetingAttemptOK InvitationNotFound InvitationCompleted InvitationCancelled AuthorNotAllowed
type InviteGreeterStartGreetingAttemptReq struct {
	Token trust.AccessToken `mp:"token"`
}

// InviteGreeterStartGreetingAttemptOK is ok of invite_greeter_start_greeting_attempt.
//
//codec:status ok
type InviteGreeterStartGreetingAttemptOK struct {
	GreetingAttempt trust.GreetingAttemptID `mp:"greeting_attempt"`
}

// InviteGreeterStepReq is invite_greeter_step: greeter deposits his data for one step and gets the claimer data of the same step when available.
//
//codec:cmd invite_greeter_step Authenticated
//codec:rep InviteGreeterStepOK NotReady InvitationCompleted InvitationCancelled AuthorNotAllowed GreetingAttemptNotFound GreetingAttemptNotJoined
//codec:rep GreetingAttemptCancelled StepTooAdvanced StepMismatch
type InviteGreeterStepReq struct {
	GreetingAttempt trust.GreetingAttemptID `mp:"greeting_attempt"`
	GreeterStep     GreeterStep             `mp:"greeter_step"`
}

// InviteGreeterStepOK is ok of invite_greeter_step.
//
//codec:status ok
type InviteGreeterStepOK struct {
	ClaimerStep ClaimerStep `mp:"claimer_step"`
}

// CancelledGreetingAttemptReason says why an attempt ended.
//
//codec:enum MANUALLY_CANCELLED INVALID_NONCE_HASH INVALID_SAS_CODE UNDECIPHERABLE_PAYLOAD UNDESERIALIZABLE_PAYLOAD INCONSISTENT_PAYLOAD AUTOMATICALLY_CANCELLED
type CancelledGreetingAttemptReason string

// Values of CancelledGreetingAttemptReason.
const (
	CancelledManuallyCancelled       CancelledGreetingAttemptReason = "MANUALLY_CANCELLED"
	CancelledInvalidNonceHash        CancelledGreetingAttemptReason = "INVALID_NONCE_HASH"
	CancelledInvalidSasCode          CancelledGreetingAttemptReason = "INVALID_SAS_CODE"
	CancelledUndecipherablePayload   CancelledGreetingAttemptReason = "UNDECIPHERABLE_PAYLOAD"
	CancelledUndeserializablePayload CancelledGreetingAttemptReason = "UNDESERIALIZABLE_PAYLOAD"
	CancelledInconsistentPayload     CancelledGreetingAttemptReason = "INCONSISTENT_PAYLOAD"
	CancelledAutomaticallyCancelled  CancelledGreetingAttemptReason = "AUTOMATICALLY_CANCELLED"
)

// GreeterOrClaimer is a side of an attempt.
//
//codec:enum GREETER CLAIMER
type GreeterOrClaimer string

// Values of GreeterOrClaimer.
const (
	IsGreeter GreeterOrClaimer = "GREETER"
	IsClaimer GreeterOrClaimer = "CLAIMER"
)
