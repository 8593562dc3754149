package backup

import (
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// The tables that name blocks: one has the names of organisations, the other the blocks, under the numbers of these.
const (
	organizationTable = "organization"
	blockTable        = "block"
)

// wanted is a block that rows name.
type wanted struct {
	org  int64
	id   trust.BlockID
	size uint64
}

// namer finds in the rows of a table what blocks are named by.
type namer struct {
	table *Table
	at    map[string]int
}

func newNamer(t *Table) *namer {
	n := &namer{table: t, at: map[string]int{}}
	for _, c := range []string{"num", "id", "org", "size", "stored"} {
		n.at[c] = slices.Index(t.Columns, c)
	}
	return n
}

// column returns a value of a row, or the zero value and false.
func column[T any](n *namer, row Row, name string) (v T, ok bool) {
	if i := n.at[name]; i >= 0 {
		v, ok = row[i].(T)
	}
	return v, ok
}

// note keeps the name of an organisation, or calls f for a block whose content is stored.
func (n *namer) note(row Row, orgs map[int64]trust.OrganizationID, f func(wanted) error) error {
	switch n.table.Name {
	case organizationTable:
		num, one := column[int64](n, row, "num")
		name, two := column[string](n, row, "id")
		id, err := trust.NewOrganizationID(name)
		if !one || !two || err != nil {
			return damaged("an organisation has no name")
		}
		orgs[num] = id
	case blockTable:
		org, one := column[int64](n, row, "org")
		id, two := column[[]byte](n, row, "id")
		size, three := column[int64](n, row, "size")
		stored, four := column[int64](n, row, "stored")
		if !one || !two || !three || !four || len(id) != len(trust.BlockID{}) || size < 0 {
			return damaged("a block has no name")
		}
		if stored == 1 {
			return f(wanted{org, trust.BlockID(id), uint64(size)})
		}
	}
	return nil
}
