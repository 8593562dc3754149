package interop

import (
	"maps"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/device/devicetest"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// deviceAs asks for something about devices as a user; content, if any, is passed as a sealed memory file.
func deviceAs(t *testing.T, a *agentdtest.Agent, uid uint32, op wire.Opcode, in proto.Message, content []byte) (wire.Status, []byte) {
	t.Helper()
	body, err := psa.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	c, err := socket.Dial(t.Context(), a.Socket, uid)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var rights []byte
	if content != nil {
		fd := memoryFile(t, content)
		defer unix.Close(fd)
		rights = unix.UnixRights(fd)
	}
	h := wire.Header{Opcode: op, AuthType: wire.AuthUnixPeer, Flags: wire.FlagPersistent}
	if _, _, err := c.WriteMsgUnix(socket.Frame(h, uid, body), rights, nil); err != nil {
		t.Fatal(err)
	}
	return answerOf(t, c)
}

func answerOf(t *testing.T, c *net.UnixConn) (wire.Status, []byte) {
	t.Helper()
	head, body, err := wire.NewReader(c, 1<<20).ReadResponse()
	if err != nil {
		t.Fatal(err)
	}
	return head.Status, body
}

func memoryFile(t *testing.T, content []byte) int {
	t.Helper()
	fd, err := unix.MemfdCreate("device", unix.MFD_ALLOW_SEALING|unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(fd, content); err != nil {
		t.Fatal(err)
	}
	const all = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, all); err != nil {
		t.Fatal(err)
	}
	return fd
}

// TestDevicesOfPeople: two people have a device each in one agent. Neither finds that of the other. The keys of an unlocked
// device are in the agent's locked memory only, and nowhere when it is locked; killed, the agent starts with it locked.
func TestDevicesOfPeople(t *testing.T) {
	if os.Getuid() != 0 {
		needRoot(t)
		t.Skip("asking as another user takes root")
	}
	const alice, bob = 4001, 4002
	a := agentdtest.Start(t, agentdtest.Options{})
	device := devicetest.New(t, "Acme", "laptop")
	id, typed := device.DeviceID.String(), "correct horse battery staple"
	want := func(what string, uid uint32, op wire.Opcode, in proto.Message, content []byte, status wire.Status, out proto.Message) {
		t.Helper()
		got, body := deviceAs(t, a, uid, op, in, content)
		if got != status {
			detail := &agentpb.ErrorDetail{}
			_ = psa.Unmarshal(body, detail) // for the message
			t.Fatalf("%s: %v (%s), want %v", what, got, detail.GetReason(), status)
		}
		if out != nil {
			if err := psa.Unmarshal(body, out); err != nil {
				t.Fatal(err)
			}
		}
	}
	want("offer", alice, agent.OpImportDevice, &agentpb.ImportDevice{Offer: true}, devicetest.PasswordFile(t, device, typed), wire.StatusSuccess, nil)
	want("commit", alice, agent.OpImportDevice, &agentpb.ImportDevice{Commit: true, Device: id}, nil, wire.StatusSuccess, nil)
	unlock := &agentpb.UnlockDevice{Device: id, Password: []byte(typed)}
	want("unlock", alice, agent.OpUnlockDevice, unlock, nil, wire.StatusSuccess, nil)

	listed := &agentpb.ListDevicesResult{}
	want("list", bob, agent.OpListDevices, &agentpb.ListDevices{}, nil, wire.StatusSuccess, listed)
	if len(listed.GetDevices())+len(listed.GetDamaged()) != 0 {
		t.Errorf("bob sees %v", listed)
	}
	want("unlock by bob", bob, agent.OpUnlockDevice, unlock, nil, wire.StatusDoesNotExist, nil)
	want("lock by bob", bob, agent.OpLockDevice, &agentpb.LockDevice{Device: id}, nil, wire.StatusDoesNotExist, nil)
	want("lock of all by bob", bob, agent.OpLockDevice, &agentpb.LockDevice{All: true}, nil, wire.StatusSuccess, nil)
	want("export by bob", bob, agent.OpExportDevice, &agentpb.ExportDevice{Recovery: true, Device: id}, nil, wire.StatusDoesNotExist, nil)
	want("root is nobody", 0, agent.OpExportDevice, &agentpb.ExportDevice{Recovery: true, Device: id}, nil, wire.StatusDoesNotExist, nil)
	want("export", alice, agent.OpExportDevice, &agentpb.ExportDevice{Recovery: true, Offline: true, Device: id}, nil, wire.StatusSuccess, nil)

	inMemory(t, a, devicetest.Secrets(t, device), devicetest.Derived(t, device), typed, 1)
	want("lock", alice, agent.OpLockDevice, &agentpb.LockDevice{Device: id}, nil, wire.StatusSuccess, nil)
	inMemory(t, a, devicetest.Secrets(t, device), devicetest.Derived(t, device), typed, 0)

	want("unlock again", alice, agent.OpUnlockDevice, unlock, nil, wire.StatusSuccess, nil)
	a.Kill()
	a.Start()
	want("list", alice, agent.OpListDevices, &agentpb.ListDevices{}, nil, wire.StatusSuccess, listed)
	if d := listed.GetDevices(); len(d) != 1 || d[0].GetState() != "locked" {
		t.Errorf("after a kill: %v", listed)
	}
	want("unlock", alice, agent.OpUnlockDevice, unlock, nil, wire.StatusSuccess, nil)
	info, err := os.Stat(filepath.Join(a.Dir, "4001", "devices", id+".keys"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	a.Stop()
}

// inMemory searches the memory of the agent for the keys of a device.
func inMemory(t *testing.T, a *agentdtest.Agent, needles, derived map[string][]byte, typed string, locked int) {
	t.Helper()
	needles["password"] = []byte(typed)
	maps.Copy(needles, derived)
	for what, n := range devicetest.SearchMemory(t, a.PID(), needles) {
		want := devicetest.Copies{Locked: locked}
		if _, made := derived[what]; made {
			want.Locked = 0
		}
		if what != "password" && n != want {
			t.Errorf("the %s is %d times in locked memory, want %d, and %d times elsewhere", what, n.Locked, want.Locked, n.Elsewhere)
		}
		// The state of BLAKE2b inside of Argon2id, as in package device.
		if what == "password" && n.Locked+n.Elsewhere > 2 {
			t.Errorf("the password is %d times in memory", n.Locked+n.Elsewhere)
		}
	}
}
