package ctl

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
)

func (p *Program) keyList() *cobra.Command {
	var all, unnamed bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List your keys",
		Long: `List your keys. With --unnamed, list what lies on tokens and in TPMs without a name here
(administrators): key adopt gives it one.`,
		Args: cobra.NoArgs,
		RunE: p.service(func(ctx context.Context, c *client.Client, _ []string) error {
			if unnamed && all {
				return usagef("--all and --unnamed exclude each other")
			}
			if unnamed {
				return p.listUnnamed(ctx, c)
			}
			var keys []client.KeyInfo
			var err error
			if all {
				keys, err = c.ListKeysDetailed(ctx, true)
			} else {
				keys, err = c.Keys(ctx)
			}
			if err != nil {
				return err
			}
			if p.global.provider != "" {
				id, err := c.Provider(ctx)
				if err != nil {
					return err
				}
				keys = slices.DeleteFunc(keys, func(k client.KeyInfo) bool {
					return k.Provider != id || k.Instance != "" && c.Instance() != "" && k.Instance != c.Instance()
				})
			}
			return p.printKeys(keys, all)
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "the keys of every owner (administrators)")
	cmd.Flags().BoolVar(&unnamed, "unnamed", false, "keys and certificates of other programs in the devices (administrators)")
	return cmd
}

func (p *Program) printKeys(keys []client.KeyInfo, owners bool) error {
	slices.SortFunc(keys, func(a, b client.KeyInfo) int {
		return cmp.Or(cmp.Compare(a.Application, b.Application), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Provider, b.Provider))
	})
	views := []keyView{}
	for _, k := range keys {
		views = append(views, viewKey(k))
	}
	return p.emit(map[string]any{"keys": views}, func(w io.Writer) {
		if len(keys) == 0 {
			p.say("no keys")
			return
		}
		header := []string{"NAME", "TYPE", "ALGORITHM", "USE", "PROVIDER", "STORAGE"}
		if owners {
			header = append(header, "OWNER")
		}
		t := newTable(w, header...)
		for i, v := range views {
			row := []string{quoteName(v.Name), v.Type, v.Algorithm, usageText(keys[i].Attributes.Usage), v.Provider.label(), v.place()}
			if owners {
				row = append(row, keys[i].Application)
			}
			t.row(row...)
		}
		t.flush()
	})
}

// quoteName quotes a key name where it would be misread in a table.
func quoteName(name string) string {
	if quoted := strconv.Quote(name); name == "" || quoted != `"`+name+`"` || slices.Contains([]rune(name), ' ') {
		return quoted
	}
	return name
}
