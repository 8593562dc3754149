package devicetest

import (
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// PasswordFile returns the file of the original's form that holds a device under a password, which costs next to nothing.
func PasswordFile(t testing.TB, d *trust.LocalDevice, password string) []byte {
	t.Helper()
	now, err := trust.DateTimeOf(time.Now())
	must(t, err)
	f := &trust.PasswordFile{
		DeviceFileHeader: trust.DeviceFileHeader{
			CreatedOn: now, ProtectedOn: now, Server: d.Server, OrganizationID: d.OrganizationID, UserID: d.UserID,
			DeviceID: d.DeviceID, HumanHandle: d.HumanHandle, DeviceLabel: d.DeviceLabel,
		},
		Algorithm: trust.NewPasswordAlgorithm(),
	}
	f.Algorithm.MemoryKiB, f.Algorithm.Iterations = 64, 1
	key, err := f.Algorithm.SecretKey([]byte(password))
	must(t, err)
	defer key.Wipe()
	f.Ciphertext, err = d.Seal(key, nil)
	must(t, err)
	content, err := trust.DumpDeviceFile(f)
	must(t, err)
	return content
}
