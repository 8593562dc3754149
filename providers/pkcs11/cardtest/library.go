package cardtest

import (
	"path/filepath"
	"runtime"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

// libraries is where Debian puts libraries for this processor.
func libraries() string {
	triplet := map[string]string{
		"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu", "arm": "arm-linux-gnueabihf",
		"386": "i386-linux-gnu", "riscv64": "riscv64-linux-gnu",
	}[runtime.GOARCH]
	return filepath.Join("/usr/lib", triplet)
}

// OpenSC returns the path of OpenSC's PKCS#11 library.
func OpenSC(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(libraries(), "opensc-pkcs11.so")
	tokentest.Need(tb, "opensc-pkcs11", path)
	return path
}

// YKCS11 returns the path of Yubico's PKCS#11 library. It looks for readers whose name
// begins with YubiKeyReader.
func YKCS11(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(libraries(), "libykcs11.so.2")
	tokentest.Need(tb, "ykcs11", path)
	return path
}

// The names of readers.
const (
	AnyReader     = "Virtual PCD"
	YubiKeyReader = "Yubico YubiKey CCID"
)
