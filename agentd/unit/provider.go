package unit

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
)

// provider opens the way to one provider's keys.
func provider(cfg *config.Config, p config.Provider, s System) []hole {
	name := fmt.Sprintf("provider %q", p.Name)
	switch {
	case p.Software != nil:
		return writable(cfg, name, p.Software.KeyStorePath)
	case p.TPM != nil:
		return tpm(name, p.TPM.TCTI, s)
	case p.PKCS11 != nil:
		return library(name, p.PKCS11.LibraryPath, s)
	default:
		return nil
	}
}

// tpm opens the way to a TPM. That of tabrmd is the system bus, a Unix socket.
func tpm(name string, t config.TCTI, s System) []hole {
	switch {
	case t.Kind == "device":
		return device(name, t.Path, s)
	case t.Path != "":
		return reachable(name, t.Path)
	case t.Host != "":
		return []hole{network(name, net.JoinHostPort(t.Host, strconv.Itoa(int(t.Port))))}
	default:
		return nil
	}
}

// tpmGroup owns the device files of TPMs on Debian.
const tpmGroup = "tss"

// device shows one device file in the private /dev of the unit.
func device(name, path string, s System) []hole {
	holes := named(name+": the TPM", path, "BindPaths=-"+path, "DeviceAllow="+path+" rw")
	return append(holes, group(name, tpmGroup, "tpm-udev", s)...)
}

// group gives the agent a further group.
func group(name, group, pkg string, s System) []hole {
	if s.HasGroup(group) {
		return []hole{{fmt.Sprintf("%s: its files belong to the group %s", name, group), []string{"SupplementaryGroups=" + group}}}
	}
	return []hole{{fmt.Sprintf("%s: there is no group %s; it comes with the package %s, and then needs a daemon-reload", name, group, pkg), nil}}
}

// library opens what the usual PKCS#11 libraries need. Those of smart cards talk to pcscd by
// a Unix socket; what others need is for a drop-in of the administrator.
func library(name, path string, s System) []hole {
	base := filepath.Base(path)
	switch {
	case strings.HasPrefix(base, "libsofthsm2"):
		return append(named(name+": the tokens of SoftHSM", softHSM, "ReadWritePaths=-"+softHSM), group(name, "softhsm", "softhsm2", s)...)
	case strings.HasPrefix(base, "libtpm2_pkcs11"):
		return append(named(name+": the tokens of the library", tpmTokens, "ReadWritePaths=-"+tpmTokens), device(name, "/dev/tpmrm0", s)...)
	default:
		return nil
	}
}

// Where the libraries of Debian keep their tokens.
const (
	softHSM   = "/var/lib/softhsm/tokens"
	tpmTokens = "/etc/tpm2_pkcs11" //nolint:gosec // a path
)
