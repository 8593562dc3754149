// Package clean removes blocks that nothing refers to any more: those of realms that were
// purged, and those whose creation got no further than the block store.
//
// The order makes it safe beside clients that create blocks, and beside other cleaners. Ids
// are first condemned in the metadata store: only those that have no row can be, and from
// then on nobody can make a row for them. Only condemned blocks are removed, and only
// what was removed is released. What a cleaner leaves condemned, for it died or the store
// failed, a later one takes up when no request of the first can be under way any more.
package clean
