package cloud

import "github.com/seed-73b3884f/parsec-agent/trust"

// BlockCreateReq is block_create: stores one encrypted block (file data) in the object storage and records its metadata.
//
//codec:cmd block_create Authenticated
//codec:rep OK RealmNotFound RealmArchived RealmDeleted BlockAlreadyExists AuthorNotAllowed BadKeyIndex StoreUnavailable
type BlockCreateReq struct {
	BlockID  trust.BlockID `mp:"block_id"`
	RealmID  trust.RealmID `mp:"realm_id"`
	KeyIndex uint64        `mp:"key_index"`
	Block    []byte        `mp:"block,max=maxBytes"`
}

// BlockReadReq is block_read: reads one encrypted block.
//
//codec:cmd block_read Authenticated
//codec:rep BlockReadOK RealmNotFound RealmDeleted BlockNotFound AuthorNotAllowed StoreUnavailable
type BlockReadReq struct {
	BlockID trust.BlockID `mp:"block_id"`
	RealmID trust.RealmID `mp:"realm_id"`
}

// BlockReadOK is ok of block_read.
//
//codec:status ok
type BlockReadOK struct {
	Block    []byte `mp:"block,max=maxBytes"`
	KeyIndex uint64 `mp:"key_index"`
	// Client must hold realm certificates up to here before validating.
	NeededRealmCertificateTimestamp trust.DateTime `mp:"needed_realm_certificate_timestamp"`
}
