package interop

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// disk is an agent whose state lies on a small disk of its own.
type disk struct {
	t     *testing.T
	dir   string
	agent *agentdtest.Agent
	conn  *socket.Conn
	keys  []*named
}

// newDisk mounts a memory disk of some kilobytes and starts an agent on it.
func newDisk(t *testing.T, manager string, kilobytes int) *disk {
	t.Helper()
	if os.Getuid() != 0 {
		needRoot(t)
		t.Skip("mounting takes root")
	}
	d := &disk{t: t, dir: agentdtest.Dir(t)}
	state := d.dir + "/state"
	if err := os.Mkdir(state, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", state, "tmpfs", 0, fmt.Sprintf("size=%dk,mode=755", kilobytes)); err != nil {
		t.Fatalf("cannot mount a memory disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(state, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s := original.Settings{Dir: state, Manager: manager, Storage: "encrypted", Timeout: 5000, IdleSleep: -1}
	// The socket does not lie on the disk: a service manager keeps it elsewhere too.
	config := strings.ReplaceAll(s.Config(), state+"/parsec.sock", d.dir+"/parsec.sock")
	d.agent = agentdtest.New(t, agentdtest.Options{Dir: d.dir, Config: config})
	d.start()
	return d
}

func (d *disk) start() {
	d.t.Helper()
	d.agent.Start()
	d.connect()
}

func (d *disk) stop() {
	d.t.Helper()
	_ = d.conn.Close()
	d.agent.Stop()
}

func (d *disk) session() socket.Session {
	return socket.Session{Path: d.agent.Socket, UID: uint32(os.Getuid()), Provider: wire.ProviderMbedCrypto}
}

// create makes one more key.
func (d *disk) create() error {
	d.t.Helper()
	attrs, err := psa.EncodeAttributes(p256Attributes())
	if err != nil {
		d.t.Fatal(err)
	}
	k := &named{name: fmt.Sprintf("key-%d", len(d.keys))}
	err = d.session().Do(d.t.Context(), wire.OpGenerateKey, &psapb.GenerateKey{KeyName: k.name, Attributes: attrs}, nil)
	if err == nil {
		d.keys = append(d.keys, k)
	}
	return err
}

// whole checks that every acknowledged key works and that there is no other.
func (d *disk) whole() {
	d.t.Helper()
	list := &psapb.ListKeysResult{}
	if err := d.session().Do(d.t.Context(), wire.OpListKeys, nil, list); err != nil {
		d.t.Fatal(err)
	}
	if len(list.GetKeys()) != len(d.keys) {
		d.t.Errorf("%d keys are there, %d were acknowledged", len(list.GetKeys()), len(d.keys))
	}
	for _, k := range d.keys {
		if err := works(d.t, d.session(), k); err != nil {
			d.t.Errorf("key %s: %v", k.name, err)
		}
	}
}

// refused checks that a creation fails with a status that speaks of storage, and that a
// caller who asked is told why.
func (d *disk) refused(reason string) {
	d.t.Helper()
	err := d.create()
	storage := errors.Is(err, wire.StatusInsufficientStorage) || errors.Is(err, wire.StatusStorageFailure) || errors.Is(err, wire.StatusKeyInfoManagerError)
	if !storage {
		d.t.Errorf("creating answers %v, want an error of storage", err)
	}
	detail := d.detail()
	if !strings.Contains(detail.GetReason(), reason) {
		d.t.Errorf("the caller is told %q, want %q within", detail, reason)
	}
}

// detail makes one more creation on the persistent connection and returns what is told.
func (d *disk) detail() *agentpb.ErrorDetail {
	d.t.Helper()
	attrs, err := psa.EncodeAttributes(p256Attributes())
	if err != nil {
		d.t.Fatal(err)
	}
	body, err := psa.Marshal(&psapb.GenerateKey{KeyName: "told", Attributes: attrs})
	if err != nil {
		d.t.Fatal(err)
	}
	h := wire.Header{Flags: wire.FlagPersistent, Provider: wire.ProviderMbedCrypto, Opcode: wire.OpGenerateKey, AuthType: wire.AuthUnixPeer}
	a := d.conn.Send(socket.Frame(h, uint32(os.Getuid()), body))
	detail := &agentpb.ErrorDetail{}
	if a.Err != nil || a.Status == wire.StatusSuccess {
		d.t.Fatalf("creating answers %v", a)
	}
	if err := psa.Unmarshal(a.Body, detail); err != nil {
		d.t.Fatal(err)
	}
	return detail
}

// TestFullDisk fills the disk until a creation is refused. Nothing acknowledged is lost,
// not even by a restart on the full disk, keys can be destroyed, and with room again
// keys can be made again.
func TestFullDisk(t *testing.T) {
	for _, manager := range []string{"SQLite", "OnDisk"} {
		t.Run(manager, func(t *testing.T) {
			d := newDisk(t, manager, 160)
			var err error
			for err == nil && len(d.keys) < 1000 {
				err = d.create()
			}
			if err == nil {
				t.Fatal("the disk does not become full")
			}
			t.Logf("full after %d keys: %v", len(d.keys), err)
			fill(t, d.dir+"/state")
			d.refused("is full")
			d.whole()
			d.stop()
			d.start()
			d.refused("is full")
			d.whole()
			if err := os.Remove(d.dir + "/state/filler"); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				last := d.keys[len(d.keys)-1]
				if err := d.session().Do(t.Context(), wire.OpDestroyKey, &psapb.KeyRef{KeyName: last.name}, nil); err != nil {
					t.Fatalf("destroying a key on the full disk: %v", err)
				}
				d.keys = d.keys[:len(d.keys)-1]
			}
			if err := d.create(); err != nil {
				t.Errorf("with room again: %v", err)
			}
			d.whole()
		})
	}
}

// fill takes what is left of a disk.
func fill(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(dir + "/filler")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, n := range []int{4096, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, n))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
}

// TestReadOnlyDisk turns the disk read-only under a running agent, and under one that
// starts. Keys work, changes are refused with the reason, and nothing is lost.
func TestReadOnlyDisk(t *testing.T) {
	for _, manager := range []string{"SQLite", "OnDisk"} {
		t.Run(manager, func(t *testing.T) {
			d := newDisk(t, manager, 1024)
			for range 5 {
				if err := d.create(); err != nil {
					t.Fatal(err)
				}
			}
			d.remount(syscall.MS_RDONLY)
			d.refused("may not write")
			d.whole()
			if err := d.session().Do(t.Context(), wire.OpDestroyKey, &psapb.KeyRef{KeyName: d.keys[0].name}, nil); err == nil {
				t.Error("a key was destroyed on a read-only disk")
			}
			d.whole()
			d.stop()
			if err := d.agent.Try(); err == nil {
				d.connect()
				d.whole()
				d.stop()
			} else if !strings.Contains(err.Error(), "read-only") {
				t.Errorf("the agent does not say why it cannot start: %v", err)
			}
			d.remount(0)
			d.start()
			d.whole()
			if err := d.create(); err != nil {
				t.Errorf("writable again: %v", err)
			}
			d.whole()
		})
	}
}

// connect takes up an agent that has been started.
func (d *disk) connect() {
	d.t.Helper()
	conn, err := d.session().Keep(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	d.conn = conn
}

func (d *disk) remount(flags uintptr) {
	d.t.Helper()
	if err := syscall.Mount("tmpfs", d.dir+"/state", "tmpfs", syscall.MS_REMOUNT|flags, ""); err != nil {
		d.t.Fatal(err)
	}
}
