package agentd

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/device/devicetest"
	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func (r *running) client() *client.Client {
	r.t.Helper()
	c, err := client.Dial(r.t.Context(), client.Options{Endpoint: r.socket})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return c
}

// imported gives a new device to the agent.
func (r *running) imported(t *testing.T, c *client.Client, organization string) *trust.LocalDevice {
	t.Helper()
	d := devicetest.New(t, organization, "laptop")
	if _, err := c.OfferDevice(t.Context(), devicetest.PasswordFile(t, d, "theirs")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CommitDevice(t.Context(), d.DeviceID.String()); err != nil {
		t.Fatal(err)
	}
	return d
}

func secret(p string) client.DeviceSecret { return client.DeviceSecret{Password: []byte(p)} }

// TestDeviceLife takes a device through all operations, with a real software TPM.
func TestDeviceLife(t *testing.T) {
	v := tpmtest.Start(t)
	r := start(t, func(c *config.Config) {
		c.Providers = append(c.Providers, config.Provider{
			Type: wire.ProviderTPM, Name: "tpm", KeyManager: c.KeyManagers[0].Name,
			TPM: &config.TPM{TCTI: config.TCTI{Kind: "swtpm", Path: v.TCTI().Path}},
		})
	})
	c := r.client()
	d := r.imported(t, c, "Acme")
	ctx := t.Context()
	if _, _, err := c.UnlockDevice(ctx, "acme", secret("x")); wire.StatusOf(err) != wire.StatusNotPermitted {
		t.Errorf("a wrong password: %v", err)
	}
	got, already, err := c.UnlockDevice(ctx, "acme", secret("theirs"))
	if err != nil || already || got.State != "unlocked" || got.ID != d.DeviceID.String() || got.Label != "laptop" {
		t.Fatalf("%+v, %v, %v", got, already, err)
	}
	if _, err := c.ProtectDevice(ctx, "", client.NewProtection{Provider: "mbed-crypto-provider"}); wire.StatusOf(err) != wire.StatusNotSupported {
		t.Errorf("protected by a file: %v", err)
	}
	got, err = c.ProtectDevice(ctx, "", client.NewProtection{Provider: "tpm"})
	if err != nil || got.Pending == nil || *got.Pending != (client.DeviceProtection{Kind: "provider", Provider: "tpm"}) {
		t.Fatalf("%+v, %v", got, err)
	}
	if findings, err := c.Doctor(ctx); err != nil || !slices.ContainsFunc(findings, func(f client.Finding) bool {
		return f.Area == "devices" && f.Object == `device "Acme/laptop"` && f.Severity == client.SeverityNote
	}) {
		t.Errorf("the doctor finds %+v, %v", findings, err)
	}
	if got, err = c.RevertProtection(ctx, ""); err != nil || got.Pending != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err = c.ProtectDevice(ctx, "", client.NewProtection{Password: []byte("mine"), Provider: "tpm"}); err != nil {
		t.Fatal(err)
	}
	if got, err = c.ConfirmProtection(ctx, "", secret("mine")); err != nil || got.Pending != nil || got.Protection.Kind != "password+provider" {
		t.Fatalf("%+v, %v", got, err)
	}
	r.ownKeys(t, 1)
	if locked, err := c.LockDevice(ctx, ""); err != nil || !locked {
		t.Error(locked, err)
	}
	if _, _, err := c.UnlockDevice(ctx, "", secret("mine")); err != nil {
		t.Fatal(err)
	}
	_, recovery, err := c.DeviceRecovery(ctx, "", true)
	if err != nil || len(recovery.Passphrase) != 64 {
		t.Fatalf("%q, %v", recovery.Passphrase, err)
	}
	_, content, err := c.ExportDevice(ctx, "", []byte("theirs"))
	if err != nil || len(content) == 0 || content[0]&0xf0 != 0x80 { // a map of MessagePack
		t.Fatalf("%x, %v", content, err)
	}
	if _, _, err := c.UnlockDevice(ctx, "", secret("mine")); wire.StatusOf(err) != wire.StatusBadState {
		t.Errorf("an exported device: %v", err)
	}
	if got, err = c.UndoExport(ctx, ""); err != nil || got.State != "locked" {
		t.Fatalf("%+v, %v", got, err)
	}
	if n, err := c.LockAllDevices(ctx); err != nil || n != 0 {
		t.Error(n, err)
	}
}

// ownKeys checks how many keys the service has for devices, that the owner of the device has none of them, and that the
// caller's lists do not show them.
func (r *running) ownKeys(t *testing.T, want int) {
	t.Helper()
	b := r.service.acquire()
	defer b.drop(t.Context(), r.service.log)
	own := 0
	for _, e := range b.stores[0].All() {
		if e.Owner == kim.Internal() && bytes.HasPrefix([]byte(e.Name), []byte("device/")) {
			own++
		}
	}
	if own != want {
		t.Errorf("the service has %d keys of devices, want %d", own, want)
	}
	keys, err := r.client().ListKeysDetailed(t.Context(), true)
	if err != nil || len(keys) != 0 {
		t.Errorf("callers see %d keys of devices, %v", len(keys), err)
	}
}

// TestDevicesOfAnother has two uids with a device each: neither finds that of the other, whatever it asks for.
func TestDevicesOfAnother(t *testing.T) {
	r := start(t, nil)
	c := r.client()
	mine := r.imported(t, c, "Mine")
	theirs := devicetest.New(t, "Theirs", "laptop")
	other := uint32(os.Getuid()) + 1
	if _, err := r.service.devices.of(other).Import(t.Context(), devicetest.PasswordFile(t, theirs, "theirs")); err != nil {
		t.Fatal(err)
	}
	if err := r.service.devices.of(other).CommitImport(t.Context(), theirs.DeviceID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.service.devices.of(other).Unlock(t.Context(), theirs.DeviceID, device.Secret{Password: []byte("theirs")}); err != nil {
		t.Fatal(err)
	}
	all, _, err := c.ListDevices(t.Context(), "")
	if err != nil || len(all) != 1 || all[0].ID != mine.DeviceID.String() {
		t.Errorf("%+v, %v", all, err)
	}
	id := theirs.DeviceID.String()
	_, _, unlock := c.UnlockDevice(t.Context(), id, secret("theirs"))
	_, lock := c.LockDevice(t.Context(), id)
	_, protect := c.ProtectDevice(t.Context(), id, client.NewProtection{Password: []byte("x")})
	_, _, export := c.ExportDevice(t.Context(), id, []byte("x"))
	_, commit := c.CommitDevice(t.Context(), id)
	for i, err := range []error{unlock, lock, protect, export, commit} {
		if wire.StatusOf(err) != wire.StatusDoesNotExist {
			t.Errorf("%d: %v", i, err)
		}
	}
	if _, err := r.service.devices.of(other).Get(theirs.DeviceID); err != nil {
		t.Error("the other's device was locked:", err)
	}
	if n, err := c.LockAllDevices(t.Context()); err != nil || n != 0 {
		t.Errorf("locked %d, %v", n, err)
	}
	for _, name := range []string{strconv.Itoa(os.Getuid()), strconv.FormatUint(uint64(other), 10)} {
		if _, err := os.Stat(filepath.Join(r.config.Agent.Devices.Directory, name, "devices")); err != nil {
			t.Error(err)
		}
	}
}

// TestPassed sends what is no sealed memory file, too many descriptors, and descriptors with requests that take none: each
// is refused or ignored, and none stays open.
func TestPassed(t *testing.T) {
	r := start(t, nil)
	offer := func(fds ...int) (wire.Status, string) {
		t.Helper()
		body, err := psa.Marshal(&agentpb.ImportDevice{Offer: true})
		if err != nil {
			t.Fatal(err)
		}
		return r.pass(t, agent.OpImportDevice, body, fds)
	}
	memory := func(seals int, content string) int {
		t.Helper()
		fd, err := unix.MemfdCreate("x", unix.MFD_ALLOW_SEALING|unix.MFD_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(fd) })
		if _, err := unix.Write(fd, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
			t.Fatal(err)
		}
		return fd
	}
	pipe := make([]int, 2)
	if err := unix.Pipe2(pipe, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	plain, err := os.Open("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	good := memory(sealed, string(devicetest.PasswordFile(t, devicetest.New(t, "Acme", "x"), "p")))
	table := map[string]struct {
		fds  []int
		want wire.Status
	}{
		"nothing":       {nil, wire.StatusInvalidArgument},
		"a pipe":        {[]int{pipe[0]}, wire.StatusInvalidArgument},
		"a plain file":  {[]int{int(plain.Fd())}, wire.StatusInvalidArgument},
		"not sealed":    {[]int{memory(0, "x")}, wire.StatusInvalidArgument},
		"half sealed":   {[]int{memory(unix.F_SEAL_WRITE|unix.F_SEAL_GROW, "x")}, wire.StatusInvalidArgument},
		"too large":     {[]int{memory(sealed, string(make([]byte, maxPassedFile+1)))}, wire.StatusInvalidArgument},
		"no device":     {[]int{memory(sealed, "x")}, wire.StatusDataCorrupt},
		"empty":         {[]int{memory(sealed, "")}, wire.StatusDataCorrupt},
		"a device":      {[]int{good}, wire.StatusSuccess},
		"many of them":  {slices.Repeat([]int{good}, 2), wire.StatusSuccess},
		"far too many":  {slices.Repeat([]int{good}, 200), wire.StatusSuccess},
		"several kinds": {[]int{pipe[0], good}, wire.StatusSuccess},
	}
	if got, _ := r.pass(t, wire.OpPing, nil, nil); got != wire.StatusSuccess {
		t.Fatal(got)
	}
	before := open(t)
	for what, c := range table {
		if got, reason := offer(c.fds...); got != c.want {
			t.Errorf("%s: %v (%s), want %v", what, got, reason, c.want)
		}
	}
	if got, _ := r.pass(t, wire.OpPing, nil, []int{good, pipe[0]}); got != wire.StatusSuccess {
		t.Errorf("a ping with descriptors: %v", got)
	}
	for end := time.Now().Add(10 * time.Second); len(open(t)) > len(before); time.Sleep(time.Millisecond) { // connections end
		if time.Now().After(end) {
			t.Fatalf("descriptors %q are open, were %q", open(t), before)
		}
	}
}

// pass sends a request with descriptors and returns status and reason of the answer.
func (r *running) pass(t *testing.T, op wire.Opcode, body []byte, fds []int) (wire.Status, string) {
	t.Helper()
	c := r.dial()
	defer c.Close()
	h := wire.Header{Opcode: op, AuthType: wire.AuthUnixPeer, Flags: wire.FlagPersistent}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	if _, _, err := c.WriteMsgUnix(frame(t, h, body), rights, nil); err != nil {
		t.Fatal(err)
	}
	head, answer, err := wire.NewReader(c, 1<<20).ReadResponse()
	if err != nil {
		t.Fatal(err)
	}
	m := &agentpb.ErrorDetail{}
	if head.Status != wire.StatusSuccess {
		err = psa.Unmarshal(answer, m)
	}
	return head.Status, errors.Join(err, errors.New(m.GetReason())).Error()
}

// open lists the descriptors of this process.
func open(t *testing.T) []string {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}
