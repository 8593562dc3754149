package ctl

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"
)

func (p *Program) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
			}{p.Version, runtime.Version()}
			return p.emit(v, func(w io.Writer) { fmt.Fprintf(w, "parsecctl %s\n", v.Version) })
		},
	}
}
