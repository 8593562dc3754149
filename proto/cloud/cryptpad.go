package cloud

import "github.com/seed-73b3884f/parsec-agent/trust"

// CryptPadRegisterSessionReq is cryptpad_register_session: registers (or returns the already registered) CryptPad session keys for a document of a
// realm. Since API 5.6.
//
//codec:cmd cryptpad_register_session Authenticated
//codec:rep CryptPadRegisterSessionOK CryptPadUnavailable RealmNotFound RealmDeleted AuthorNotAllowed BadKeyIndex TimestampOutOfBallpark
type CryptPadRegisterSessionReq struct {
	RealmID trust.RealmID `mp:"realm_id"`
	// Vlob ID, need not exist yet.
	DocumentID                trust.VlobID   `mp:"document_id"`
	KeyIndex                  uint64         `mp:"key_index"`
	Timestamp                 trust.DateTime `mp:"timestamp"`
	EncryptedCandidateViewKey []byte         `mp:"encrypted_candidate_view_key,max=maxBytes"`
	// Null iff caller is READER.
	EncryptedCandidateEditKey []byte `mp:"encrypted_candidate_edit_key,null,max=maxBytes"`
}

// CryptPadRegisterSessionOK is ok of cryptpad_register_session.
//
//codec:status ok
type CryptPadRegisterSessionOK struct {
	Author trust.DeviceID `mp:"author"`
	// Null for READERs.
	EncryptedEditKey                 []byte         `mp:"encrypted_edit_key,null,max=maxBytes"`
	EncryptedViewKey                 []byte         `mp:"encrypted_view_key,max=maxBytes"`
	KeyIndex                         uint64         `mp:"key_index"`
	NeededCommonCertificateTimestamp trust.DateTime `mp:"needed_common_certificate_timestamp"`
	NeededRealmCertificateTimestamp  trust.DateTime `mp:"needed_realm_certificate_timestamp"`
	Timestamp                        trust.DateTime `mp:"timestamp"`
}
