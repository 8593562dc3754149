package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// check holds the tables against each other.
func (c *Config) check(r *reader) {
	c.checkAuthenticators(r)
	c.checkKeyStores(r)
	c.checkRootKeys(r)
}

// checkRootKeys finds the TPM of each root key that is to be sealed. Providers of one key
// directory have one root key, so they must agree where it is.
func (c *Config) checkRootKeys(r *reader) {
	var names []string
	for _, p := range c.Providers {
		if p.TPM != nil {
			names = append(names, p.Name)
		}
	}
	owner := map[string]Provider{}
	for i, p := range c.Providers {
		s := p.Software
		if s == nil {
			continue
		}
		at := fmt.Sprintf("provider[%d].", i+1)
		switch {
		case s.RootKey != RootKeyTPM:
		case s.RootKeyTPM != "" && !slices.Contains(names, s.RootKeyTPM):
			r.fail(at+"root_key_tpm", fmt.Sprintf("no [[provider]] of type Tpm is named %q", s.RootKeyTPM), "name one that is configured")
		case s.RootKeyTPM == "" && len(names) != 1:
			r.fail(at+"root_key_tpm", fmt.Sprintf("there are %d providers of type Tpm", len(names)), "set root_key_tpm to the name of one")
		case s.RootKeyTPM == "":
			s.RootKeyTPM = names[0]
		}
		other, shared := owner[s.KeyStorePath]
		if o := other.Software; shared && (o.RootKey != s.RootKey || o.RootKeyTPM != s.RootKeyTPM) {
			r.fail(at+"root_key", fmt.Sprintf("provider %q has the same key_store_path and another place for its root key", other.Name), "give both the same settings")
		}
		owner[s.KeyStorePath] = p
	}
}

func (c *Config) checkAuthenticators(r *reader) {
	all := c.Authenticators()
	for i, a := range all {
		for _, earlier := range all[:i] {
			if a.Type == earlier.Type && a.Type != 0 {
				r.fail(fmt.Sprintf("agent.authenticator[%d].auth_type", i), fmt.Sprintf("a second authenticator of type %s", a.Type), "add its admins to the first")
			}
		}
	}
	if len(all) == 1 {
		return
	}
	for _, m := range c.KeyManagers {
		if m.Type == ManagerOnDisk {
			r.fail("agent.authenticator[1]",
				fmt.Sprintf("several authenticators cannot be used with key manager %q: an OnDisk store does not record the authenticator, so applications of one name would share their keys", m.Name),
				"use a SQLite key manager")
		}
	}
}

// checkKeyStores sees to it that each key directory belongs to one key manager, for ids of
// keys are unique in a key manager only.
func (c *Config) checkKeyStores(r *reader) {
	owner := map[string]Provider{}
	for i, p := range c.Providers {
		if p.Software == nil || p.Software.KeyStorePath == "" {
			continue
		}
		dir := p.Software.KeyStorePath
		key := fmt.Sprintf("provider[%d].key_store_path", i+1)
		if other, taken := owner[dir]; taken && other.KeyManager != p.KeyManager {
			r.fail(key, fmt.Sprintf("%s holds the keys of provider %q, which has another key manager; their key ids would clash", dir, other.Name),
				"set key_store_path to a directory of its own")
		}
		owner[dir] = p
		for _, m := range c.KeyManagers {
			if m.Type == ManagerOnDisk && within(dir, m.Path) {
				r.fail(key, fmt.Sprintf("%s is inside the store of key manager %q, which would take it for an application", dir, m.Name),
					"set key_store_path to a directory beside it")
			}
		}
	}
}

// within reports whether path is dir or below it; both are clean.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
}

// holdsSecrets reports whether the file holds what only the agent may read.
func (c *Config) holdsSecrets() bool {
	for _, p := range c.Providers {
		if p.PKCS11 != nil && p.PKCS11.UserPIN != nil {
			return true
		}
		if p.TPM != nil && (!p.TPM.OwnerAuth.empty() || !p.TPM.EndorsementAuth.empty()) {
			return true
		}
	}
	return false
}

func (s *Secret) empty() bool { return s == nil || len(s.bytes) == 0 }

// WipeSecrets overwrites the secrets of the configuration, which is of no use afterwards.
func (c *Config) WipeSecrets() {
	for _, p := range c.Providers {
		if p.PKCS11 != nil {
			p.PKCS11.UserPIN.Wipe()
		}
		if p.TPM != nil {
			p.TPM.OwnerAuth.Wipe()
			p.TPM.EndorsementAuth.Wipe()
		}
	}
}

const (
	writableByOthers = 0o022
	readableByOthers = 0o004
)

// inspect warns about a file that others can change, or read although it holds secrets.
func inspect(path string, info fs.FileInfo, secrets bool) []Warning {
	if !info.Mode().IsRegular() {
		return nil
	}
	var all []Warning
	add := func(reason, remedy string) {
		all = append(all, Warning{File: path, Reason: reason, Remedy: remedy})
	}
	mode := info.Mode().Perm()
	if mode&writableByOthers != 0 {
		add(fmt.Sprintf("others than its owner can write to the file (mode %04o)", mode), fmt.Sprintf("run: chmod go-w %s", path))
	}
	if secrets && mode&readableByOthers != 0 {
		add(fmt.Sprintf("everybody can read the file (mode %04o), which holds a PIN or an authorisation", mode), fmt.Sprintf("run: chmod o-r %s", path))
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		add(fmt.Sprintf("the file belongs to uid %d, who can change how the agent works", st.Uid), fmt.Sprintf("run: chown root %s", path))
	}
	return all
}
