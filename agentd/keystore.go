package agentd

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/providers/software"
)

// keyStore returns the directory of a software provider's keys. The original knows no
// setting for it and keeps them in its working directory. Where the configuration does not
// set it either, keys that lie there are used in place, unless the default directory has
// some: the choice stays the same as long as there are keys.
func keyStore(ctx context.Context, log *slog.Logger, cfg *config.Config, c *config.Software) (string, error) {
	if c.KeyStoreGiven || cfg.Layout.User || shared(cfg) {
		return c.KeyStorePath, nil
	}
	for _, dir := range []string{c.KeyStorePath, "."} {
		found, err := software.Look(dir)
		if dir == "." && errors.Is(err, fs.ErrPermission) {
			break // no place to keep keys in
		}
		if err != nil {
			return "", err
		}
		if found.Keys > 0 || found.RootKey {
			return settle(ctx, log, dir)
		}
	}
	return c.KeyStorePath, nil
}

// shared reports whether software keys of several key managers would meet in the working
// directory, where their ids clash.
func shared(cfg *config.Config) bool {
	first := ""
	for _, p := range cfg.Providers {
		if p.Software == nil || p.Software.KeyStoreGiven {
			continue
		}
		if first != "" && p.KeyManager != first {
			return true
		}
		first = p.KeyManager
	}
	return false
}

// settle makes a directory absolute and tells when it is the original's.
func settle(ctx context.Context, log *slog.Logger, dir string) (string, error) {
	if dir != "." {
		return dir, nil
	}
	dir, err := os.Getwd()
	if err == nil {
		log.LogAttrs(ctx, slog.LevelInfo, "key_store_of_the_original", slog.String("directory", dir))
	}
	return dir, err
}

// CountKeys returns how many names of keys and software keys a configuration holds. The
// agent must not run.
func CountKeys(ctx context.Context, cfg *config.Config) (n int, err error) {
	b := &builder{log: slog.New(slog.DiscardHandler), out: &backend{config: cfg}}
	defer func() { err = errors.Join(err, b.out.close()) }()
	for _, m := range cfg.KeyManagers {
		if _, err := os.Lstat(m.Path); errors.Is(err, fs.ErrNotExist) {
			continue // opening would make it
		}
		if err := b.store(ctx, m); err != nil {
			return n, err
		}
	}
	for _, st := range b.out.stores {
		n += len(st.All())
	}
	for _, p := range cfg.Providers {
		if p.Software == nil {
			continue
		}
		dir, err := keyStore(ctx, b.log, cfg, p.Software)
		if err != nil {
			return n, err
		}
		found, err := software.Look(dir)
		if err != nil {
			return n, err
		}
		n += found.Keys
	}
	return n, nil
}
