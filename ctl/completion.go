package ctl

import (
	"github.com/spf13/cobra"
)

func (p *Program) completion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print a script that completes commands in a shell",
		Long: `Print a script that completes commands, options and the names of keys in a shell.

  bash: parsecctl completion bash > /etc/bash_completion.d/parsecctl
  zsh:  parsecctl completion zsh > "${fpath[1]}/_parsecctl"
  fish: parsecctl completion fish > ~/.config/fish/completions/parsecctl.fish`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch root := cmd.Root(); args[0] {
			case "bash":
				return root.GenBashCompletionV2(p.Out, true)
			case "zsh":
				return root.GenZshCompletion(p.Out)
			default:
				return root.GenFishCompletion(p.Out, true)
			}
		},
	}
}
