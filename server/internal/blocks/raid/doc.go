// Package raid makes one block store of several, as the original does: striped (RAID0),
// mirrored (RAID1), striped with parity (RAID5). Its nodes hold what the original's nodes
// would hold; docs/formats/blockstore.md has the chunks of RAID5.
//
// RAID1 and RAID5 read while a node fails, and do not write then, unless partial creation
// is allowed. A node that fails is logged once, and once again when it works.
//
// With partial creation two who create one id with different contents may both be
// acknowledged, if different nodes fail for them. The server rules that out, for it
// reserves an id before it stores the block.
package raid
