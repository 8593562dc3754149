package backup

import "iter"

// nextBlock reads one block after the other, nil behind the last one, while another reader goes through the rows.
func (b *Backup) nextBlock() (next func() (*Block, error), stop func()) {
	var failed error
	pull, stop := iter.Pull(func(yield func(*Block) bool) {
		failed = b.eachBlock(func(block *Block) error {
			if !yield(block) {
				return errStopped
			}
			return nil
		})
	})
	return func() (*Block, error) {
		block, ok := pull()
		if !ok {
			return nil, failed
		}
		return block, nil
	}, stop
}

// errStopped ends a reading that nobody needs any more.
var errStopped = damaged("the reading was stopped")
