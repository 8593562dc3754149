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

// settleKeyStores sets where the keys of software providers lie, before anybody uses the
// configuration.
func settleKeyStores(ctx context.Context, log *slog.Logger, cfg *config.Config) {
	for _, p := range cfg.Providers {
		if p.Software == nil {
			continue
		}
		if dir := keyStore(cfg, p.Software); dir != p.Software.KeyStorePath {
			log.LogAttrs(ctx, slog.LevelInfo, "key_store_of_the_original", slog.String("provider", p.Name), slog.String("directory", dir))
			p.Software.KeyStorePath = dir
		}
	}
}

// keyStore returns the directory of a software provider's keys. The original knows no
// setting for it and keeps them in its working directory. Where the configuration does not
// set it either, keys that lie there are used in place, unless the default directory has
// some: the choice stays the same as long as there are keys. What cannot be looked into is
// for the provider to report.
func keyStore(cfg *config.Config, c *config.Software) string {
	if c.KeyStoreGiven || cfg.Layout.User || shared(cfg) {
		return c.KeyStorePath
	}
	if found, err := software.Look(c.KeyStorePath); err != nil || found.Keys > 0 || found.RootKey {
		return c.KeyStorePath
	}
	here, err := os.Getwd()
	if err != nil {
		return c.KeyStorePath
	}
	if found, err := software.Look(here); err != nil || found.Keys == 0 && !found.RootKey {
		return c.KeyStorePath
	}
	return here
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

// CountKeys returns how many names of keys and software keys a configuration holds. The
// agent must not run.
func CountKeys(ctx context.Context, cfg *config.Config) (n int, err error) {
	b := &builder{log: slog.New(slog.DiscardHandler), out: &backend{config: cfg}}
	defer func() { err = errors.Join(err, b.out.close()) }()
	settleKeyStores(ctx, b.log, cfg)
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
		found, err := software.Look(p.Software.KeyStorePath)
		if err != nil {
			return n, err
		}
		n += found.Keys
	}
	return n, nil
}
