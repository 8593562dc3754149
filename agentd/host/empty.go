package host

import (
	"context"
	"fmt"
	"os"

	"github.com/seed-73b3884f/parsec-agent/agentd"
)

// checkEmpty is --check-empty, by which a package learns whether state may go with it. It
// succeeds only if it is sure: whatever cannot be read may hold keys.
func checkEmpty(ctx context.Context, o Options) error {
	if err := checkRoot(os.Getuid(), o.AllowRoot); err != nil {
		return err
	}
	layout, err := o.layout()
	if err != nil {
		return err
	}
	cfg, _, err := load(o.ConfigPath, layout)
	if err != nil {
		return err
	}
	defer cfg.WipeSecrets()
	n, err := agentd.CountKeys(ctx, cfg)
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%s: there are %d keys or names of keys", cfg, n)
	}
	return nil
}
