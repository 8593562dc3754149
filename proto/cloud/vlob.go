package cloud

import "github.com/seed-73b3884f/parsec-agent/trust"

// VlobCreateReq is vlob_create: stores version 1 of an encrypted manifest.
//
//codec:cmd vlob_create Authenticated
//codec:rep OK AuthorNotAllowed BadKeyIndex RealmNotFound RealmArchived RealmDeleted VlobAlreadyExists RejectedBySequesterService
//codec:rep SequesterServiceUnavailable TimestampOutOfBallpark RequireGreaterTimestamp
type VlobCreateReq struct {
	RealmID trust.RealmID `mp:"realm_id"`
	VlobID  trust.VlobID  `mp:"vlob_id"`
	// 0 only for a realm without key rotation (user realm).
	KeyIndex uint64 `mp:"key_index"`
	// In clear; must equal the one signed inside the blob.
	Timestamp trust.DateTime `mp:"timestamp"`
	Blob      []byte         `mp:"blob,max=maxBytes"`
}

// VlobPollChangesReq is vlob_poll_changes: lists (vlob, last version) changed in a realm since a checkpoint.
//
//codec:cmd vlob_poll_changes Authenticated
//codec:rep VlobPollChangesOK AuthorNotAllowed RealmNotFound RealmDeleted
type VlobPollChangesReq struct {
	RealmID trust.RealmID `mp:"realm_id"`
	// 0 = from the beginning.
	LastCheckpoint uint64 `mp:"last_checkpoint"`
}

// VlobPollChangesOK is ok of vlob_poll_changes.
//
//codec:status ok
type VlobPollChangesOK struct {
	Changes []VlobVersion `mp:"changes,max=maxList"`
	// Value to send next time.
	CurrentCheckpoint uint64 `mp:"current_checkpoint"`
}

// VlobVersion is a version of a vlob.
//
//codec:tuple
type VlobVersion struct {
	VlobID  trust.VlobID `mp:"vlob_id"`
	Version uint32       `mp:"version"`
}

// VlobReadBatchReq is vlob_read_batch: reads several vlobs at their latest version, or as they were at a time.
//
//codec:cmd vlob_read_batch Authenticated
//codec:rep VlobReadBatchOK RealmNotFound RealmDeleted AuthorNotAllowed TooManyElements
type VlobReadBatchReq struct {
	RealmID trust.RealmID  `mp:"realm_id"`
	Vlobs   []trust.VlobID `mp:"vlobs,max=maxList"`
	// Null = latest.
	At *trust.DateTime `mp:"at,null"`
}

// VlobReadBatchOK is ok of vlob_read_batch.
//
//codec:status ok
type VlobReadBatchOK struct {
	// Tuples: vlob ID, key index, author, version, creation time, blob; unknown IDs are silently skipped.
	Items                            []VlobItem     `mp:"items,max=maxList"`
	NeededCommonCertificateTimestamp trust.DateTime `mp:"needed_common_certificate_timestamp"`
	NeededRealmCertificateTimestamp  trust.DateTime `mp:"needed_realm_certificate_timestamp"`
}

// VlobItem is a version of a vlob with its content.
//
//codec:tuple
type VlobItem struct {
	VlobID    trust.VlobID   `mp:"vlob_id"`
	KeyIndex  uint64         `mp:"key_index"`
	Author    trust.DeviceID `mp:"author"`
	Version   uint32         `mp:"version"`
	CreatedOn trust.DateTime `mp:"created_on"`
	Blob      []byte         `mp:"blob,max=maxBytes"`
}

// VlobReadVersionsReq is vlob_read_versions: reads given versions of vlobs.
//
//codec:cmd vlob_read_versions Authenticated
//codec:rep VlobReadVersionsOK RealmNotFound RealmDeleted AuthorNotAllowed TooManyElements
type VlobReadVersionsReq struct {
	RealmID trust.RealmID `mp:"realm_id"`
	// Response tuples as in vlob_read_batch; unknown (ID, version) are silently skipped.
	Items []VlobVersion `mp:"items,max=maxList"`
}

// VlobReadVersionsOK is ok of vlob_read_versions.
//
//codec:status ok
type VlobReadVersionsOK struct {
	// Response tuples as in vlob_read_batch; unknown (ID, version) are silently skipped.
	Items                            []VlobItem     `mp:"items,max=maxList"`
	NeededCommonCertificateTimestamp trust.DateTime `mp:"needed_common_certificate_timestamp"`
	NeededRealmCertificateTimestamp  trust.DateTime `mp:"needed_realm_certificate_timestamp"`
}

// VlobUpdateReq is vlob_update: stores the next version of an encrypted manifest.
//
//codec:cmd vlob_update Authenticated
//codec:rep OK AuthorNotAllowed BadKeyIndex RealmNotFound RealmArchived RealmDeleted VlobNotFound BadVlobVersion RejectedBySequesterService
//codec:rep SequesterServiceUnavailable TimestampOutOfBallpark RequireGreaterTimestamp
type VlobUpdateReq struct {
	RealmID   trust.RealmID  `mp:"realm_id"`
	VlobID    trust.VlobID   `mp:"vlob_id"`
	KeyIndex  uint64         `mp:"key_index"`
	Timestamp trust.DateTime `mp:"timestamp"`
	// Previous version + 1.
	Version uint32 `mp:"version"`
	Blob    []byte `mp:"blob,max=maxBytes"`
}
