package config

import (
	"path/filepath"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func (a *Authenticator) addAdmin(name string) {
	if !slices.Contains(a.Admins, name) {
		a.Admins = append(a.Admins, name)
	}
}

// keyStorePath is where software keys lie by default. On-disk managers read every
// directory below theirs as an application, so the keys lie beside it.
func (m KeyManager) keyStorePath() string {
	if m.Type == ManagerOnDisk {
		return filepath.Clean(m.Path) + "-keys"
	}
	return filepath.Dir(m.Path)
}

// defaultProviderName returns the original's name of a provider without one.
func defaultProviderName(id wire.ProviderID) string {
	switch id {
	case wire.ProviderMbedCrypto:
		return "mbed-crypto-provider"
	case wire.ProviderPKCS11:
		return "pkcs11-provider"
	case wire.ProviderTPM:
		return "tpm-provider"
	default:
		return ""
	}
}
