package option

import (
	"errors"
	"fmt"
)

// Check reports a configuration that cannot be, however it was made.
func (c Config) Check() error {
	least := map[Mode]int{Single: 1, RAID0: 1, RAID1: 1, RAID5: 3}[c.Mode]
	switch {
	case c.Mode == Single && len(c.Members) != 1:
		return errors.New("block store: one store, or a set of them")
	case len(c.Members) < least:
		return fmt.Errorf("block store: %s needs at least %d nodes, not %d", c.Mode, least, len(c.Members))
	case c.PartialCreate && c.Mode != RAID1 && c.Mode != RAID5:
		return fmt.Errorf("block store: %s cannot create partially", c.Mode)
	}
	seen := map[string]int{}
	for i, m := range c.Members {
		if c.Mode != Single && m.Kind == Mocked {
			return where(c.Mode, i, errors.New("MOCKED cannot be part of a set"))
		}
		if first, twice := seen[m.place()]; twice {
			return where(c.Mode, i, fmt.Errorf("it is the same store as node %d: %s", first, m.place()))
		}
		seen[m.place()] = i
	}
	return nil
}
