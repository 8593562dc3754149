// Package blocks is the contract of the stores that keep the content of files: encrypted
// blocks, named by organisation and block id, written once. What they write is in
// docs/formats/blockstore.md.
//
// A store promises that what Create acknowledged is durable, is never replaced, and is what
// Read returns until Delete. It does not know who may read what, nor whether anything still
// wants a block: rows of the metadata store say so. Names cannot be hostile, for
// trust.BlockID is 16 bytes and trust.OrganizationID has neither separators nor dots.
//
// Stores may be used concurrently, also by several processes. Every wait ends with the
// context, or with limits of the store's own.
package blocks
