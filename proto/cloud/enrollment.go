package cloud

import "github.com/seed-73b3884f/parsec-agent/trust"

// AsyncEnrollmentCancelReq is async_enrollment_cancel: submitter withdraws its own pending request (knowing the ID is enough). Since API 5.4.
//
//codec:cmd async_enrollment_cancel Anonymous
//codec:rep OK EnrollmentNotFound EnrollmentNoLongerAvailable
type AsyncEnrollmentCancelReq struct {
	EnrollmentID trust.AsyncEnrollmentID `mp:"enrollment_id"`
}

// AsyncEnrollmentInfoReq is async_enrollment_info: lets the submitter poll the state of its request and fetch the signed acceptance. Since API 5.4.
//
//codec:cmd async_enrollment_info Anonymous
//codec:rep AsyncEnrollmentInfoSubmitted AsyncEnrollmentInfoRejected AsyncEnrollmentInfoCancelled AsyncEnrollmentInfoAccepted EnrollmentNotFound
type AsyncEnrollmentInfoReq struct {
	EnrollmentID trust.AsyncEnrollmentID `mp:"enrollment_id"`
}

// AsyncEnrollmentInfoSubmitted is ok of async_enrollment_info with enrollment_status SUBMITTED.
//
//codec:status ok
type AsyncEnrollmentInfoSubmitted struct {
	_           struct{}       `mp:"enrollment_status,const=SUBMITTED"`
	SubmittedOn trust.DateTime `mp:"submitted_on"`
}

// AsyncEnrollmentInfoRejected is ok of async_enrollment_info with enrollment_status REJECTED.
//
//codec:status ok
type AsyncEnrollmentInfoRejected struct {
	_           struct{}       `mp:"enrollment_status,const=REJECTED"`
	RejectedOn  trust.DateTime `mp:"rejected_on"`
	SubmittedOn trust.DateTime `mp:"submitted_on"`
}

// AsyncEnrollmentInfoCancelled is ok of async_enrollment_info with enrollment_status CANCELLED.
//
//codec:status ok
type AsyncEnrollmentInfoCancelled struct {
	_           struct{}       `mp:"enrollment_status,const=CANCELLED"`
	CancelledOn trust.DateTime `mp:"cancelled_on"`
	SubmittedOn trust.DateTime `mp:"submitted_on"`
}

// AsyncEnrollmentInfoAccepted is ok of async_enrollment_info with enrollment_status ACCEPTED.
//
//codec:status ok
type AsyncEnrollmentInfoAccepted struct {
	_ struct{} `mp:"enrollment_status,const=ACCEPTED"`
	// Verify the signature before decoding.
	AcceptPayload          []byte          `mp:"accept_payload,max=maxBytes"`
	AcceptPayloadSignature AcceptSignature `mp:"accept_payload_signature"`
	AcceptedOn             trust.DateTime  `mp:"accepted_on"`
	SubmittedOn            trust.DateTime  `mp:"submitted_on"`
}

// AcceptSignature says who accepted: by a certificate or by OpenBao.
//
//codec:union type
type AcceptSignature interface{ isAcceptSignature() }

// AcceptSignaturePKI is PKI.
//
//codec:variant AcceptSignature PKI
type AcceptSignaturePKI struct {
	AccepterDERX509Certificate      []byte                `mp:"accepter_der_x509_certificate,max=maxBytes"`
	Algorithm                       PKISignatureAlgorithm `mp:"algorithm"`
	IntermediateDERX509Certificates [][]byte              `mp:"intermediate_der_x509_certificates,max=maxChain,each=maxBytes"`
	Signature                       []byte                `mp:"signature,max=maxBytes"`
}

// AcceptSignatureOpenBao is OPEN_BAO.
//
//codec:variant AcceptSignature OPEN_BAO
type AcceptSignatureOpenBao struct {
	AccepterOpenBaoEntityID string `mp:"accepter_openbao_entity_id,max=maxText"`
	Signature               string `mp:"signature,max=maxText"`
}

// AsyncEnrollmentSubmitReq is async_enrollment_submit: files a join request signed by an external identity (X.509 PKI or OpenBao) for an administrator
// to accept later. Since API 5.4.
//
//codec:cmd async_enrollment_submit Anonymous
//codec:rep AsyncEnrollmentSubmitOK EmailAlreadySubmitted EmailAlreadyEnrolled IDAlreadyUsed InvalidSubmitPayload InvalidSubmitPayloadSignature
//codec:rep InvalidDERX509Certificate InvalidX509Trustchain
type AsyncEnrollmentSubmitReq struct {
	// Chosen by the submitter.
	EnrollmentID trust.AsyncEnrollmentID `mp:"enrollment_id"`
	// True cancels the pending request with the same e-mail.
	Force bool `mp:"force"`
	// Serialized submit document, opaque to the transport.
	SubmitPayload          []byte          `mp:"submit_payload,max=maxBytes"`
	SubmitPayloadSignature SubmitSignature `mp:"submit_payload_signature"`
}

// AsyncEnrollmentSubmitOK is ok of async_enrollment_submit.
//
//codec:status ok
type AsyncEnrollmentSubmitOK struct {
	SubmittedOn trust.DateTime `mp:"submitted_on"`
}

// SubmitSignature says who asks: by a certificate or by OpenBao.
//
//codec:union type
type SubmitSignature interface{ isSubmitSignature() }

// SubmitSignaturePKI is PKI.
//
//codec:variant SubmitSignature PKI
type SubmitSignaturePKI struct {
	Algorithm                       PKISignatureAlgorithm `mp:"algorithm"`
	IntermediateDERX509Certificates [][]byte              `mp:"intermediate_der_x509_certificates,max=maxChain,each=maxBytes"`
	Signature                       []byte                `mp:"signature,max=maxBytes"`
	SubmitterDERX509Certificate     []byte                `mp:"submitter_der_x509_certificate,max=maxBytes"`
}

// SubmitSignatureOpenBao is OPEN_BAO.
//
//codec:variant SubmitSignature OPEN_BAO
type SubmitSignatureOpenBao struct {
	Signature                string `mp:"signature,max=maxText"`
	SubmitterOpenBaoEntityID string `mp:"submitter_openbao_entity_id,max=maxText"`
}

// AsyncEnrollmentAcceptReq is async_enrollment_accept: administrator accepts a pending request: creates user and device and stores the signed
// acceptance. Since API 5.4.
//
//codec:cmd async_enrollment_accept Authenticated
//codec:rep AsyncEnrollmentAcceptOK AuthorNotAllowed InvalidCertificate InvalidAcceptPayload InvalidAcceptPayloadSignature
//codec:rep SubmitAndAcceptIdentitySystemsMismatch InvalidDERX509Certificate InvalidX509Trustchain EnrollmentNotFound EnrollmentNoLongerAvailable
//codec:rep ActiveUsersLimitReached UserAlreadyExists HumanHandleAlreadyTaken TimestampOutOfBallpark RequireGreaterTimestamp
type AsyncEnrollmentAcceptReq struct {
	EnrollmentID                       trust.AsyncEnrollmentID `mp:"enrollment_id"`
	SubmitterUserCertificate           []byte                  `mp:"submitter_user_certificate,max=maxBytes"`
	SubmitterDeviceCertificate         []byte                  `mp:"submitter_device_certificate,max=maxBytes"`
	SubmitterRedactedUserCertificate   []byte                  `mp:"submitter_redacted_user_certificate,max=maxBytes"`
	SubmitterRedactedDeviceCertificate []byte                  `mp:"submitter_redacted_device_certificate,max=maxBytes"`
	AcceptPayload                      []byte                  `mp:"accept_payload,max=maxBytes"`
	AcceptPayloadSignature             AcceptSignature         `mp:"accept_payload_signature"`
	// Absent or false: no mail.
	// Since API 5.5.
	SendEmail *bool `mp:"send_email,later"`
}

// AsyncEnrollmentAcceptOK is ok of async_enrollment_accept.
//
//codec:status ok
type AsyncEnrollmentAcceptOK struct {
	// Since API 5.5.
	EmailSent *EmailSentStatus `mp:"email_sent,later"`
}

// EmailSentStatus says what became of an e-mail.
//
//codec:enum SUCCESS SERVER_UNAVAILABLE RECIPIENT_REFUSED
type EmailSentStatus string

// Values of EmailSentStatus.
const (
	EmailSentSuccess           EmailSentStatus = "SUCCESS"
	EmailSentServerUnavailable EmailSentStatus = "SERVER_UNAVAILABLE"
	EmailSentRecipientRefused  EmailSentStatus = "RECIPIENT_REFUSED"
)

// AsyncEnrollmentListReq is async_enrollment_list: administrator lists requests in SUBMITTED state, oldest first. Since API 5.4.
//
//codec:cmd async_enrollment_list Authenticated
//codec:rep AsyncEnrollmentListOK AuthorNotAllowed
type AsyncEnrollmentListReq struct{}

// AsyncEnrollmentListOK is ok of async_enrollment_list.
//
//codec:status ok
type AsyncEnrollmentListOK struct {
	Enrollments []AsyncEnrollment `mp:"enrollments,max=maxList"`
}

// AsyncEnrollment is a request that waits.
//
//codec:map
type AsyncEnrollment struct {
	EnrollmentID           trust.AsyncEnrollmentID `mp:"enrollment_id"`
	SubmitPayload          []byte                  `mp:"submit_payload,max=maxBytes"`
	SubmitPayloadSignature SubmitSignature         `mp:"submit_payload_signature"`
	SubmittedOn            trust.DateTime          `mp:"submitted_on"`
}

// AsyncEnrollmentRejectReq is async_enrollment_reject: administrator rejects a pending request. Since API 5.4.
//
//codec:cmd async_enrollment_reject Authenticated
//codec:rep OK AuthorNotAllowed EnrollmentNotFound EnrollmentNoLongerAvailable
type AsyncEnrollmentRejectReq struct {
	EnrollmentID trust.AsyncEnrollmentID `mp:"enrollment_id"`
}

// PKISignatureAlgorithm is how certificates sign.
//
//codec:enum RSASSA-PSS-SHA256
type PKISignatureAlgorithm string

// Values of PKISignatureAlgorithm.
const (
	RSASSAPSSSHA256 PKISignatureAlgorithm = "RSASSA-PSS-SHA256"
)
