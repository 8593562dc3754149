package blocks

import (
	"bytes"
	"context"
	"iter"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// All lists the blocks of an organisation, page by page. An error is the last that it yields.
func All(ctx context.Context, s Store, org trust.OrganizationID) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var after *trust.BlockID
		for {
			page, err := s.List(ctx, org, after, MaxPage)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if len(page) < MaxPage {
				return
			}
			after = &page[len(page)-1].ID
		}
	}
}

// Sort orders entries as List returns them.
func Sort(entries []Entry) {
	slices.SortFunc(entries, func(a, b Entry) int { return bytes.Compare(a.ID[:], b.ID[:]) })
}

// Past reports whether an id comes after the one that a page begins behind.
func Past(id trust.BlockID, after *trust.BlockID) bool {
	return after == nil || bytes.Compare(id[:], after[:]) > 0
}
