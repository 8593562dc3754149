package agentd

import (
	"bytes"
	"net"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// stream sends a flagged request and hands every frame of its answer to each.
func (r *running) stream(c net.Conn, op wire.Opcode, m proto.Message, each func(body []byte)) wire.Status {
	r.t.Helper()
	body, err := psa.Marshal(m)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := c.Write(frame(r.t, wire.Header{Flags: wire.FlagPersistent, AuthType: wire.AuthUnixPeer, Opcode: op}, body)); err != nil {
		r.t.Fatal(err)
	}
	rd := wire.NewReader(c, 1<<20)
	for {
		h, body, err := rd.ReadResponse()
		if err != nil {
			r.t.Fatal(err)
		}
		if h.Status == wire.StatusSuccess {
			each(body)
		}
		if h.Flags&wire.FlagMore == 0 {
			return h.Status
		}
	}
}

func (r *running) backup(passphrase string) []byte {
	r.t.Helper()
	var archive []byte
	status := r.stream(r.dial(), agent.OpBackup, &agentpb.Backup{Passphrase: []byte(passphrase)}, func(body []byte) {
		m := &agentpb.Chunk{}
		if err := psa.Unmarshal(body, m); err != nil {
			r.t.Fatal(err)
		}
		archive = append(archive, m.GetData()...)
	})
	if status != wire.StatusSuccess {
		r.t.Fatalf("backup: %v", status)
	}
	return archive
}

// restore sends the archive and returns the status and what could not be restored.
func (r *running) restore(archive []byte, m *agentpb.Restore) (wire.Status, []string) {
	r.t.Helper()
	c := r.dial()
	for piece := range slices.Chunk(archive, 1000) {
		if s := r.stream(c, agent.OpRestoreChunk, &agentpb.Chunk{Data: piece}, func([]byte) {}); s != wire.StatusSuccess {
			r.t.Fatal(s)
		}
	}
	var problems []string
	status := r.stream(c, agent.OpRestore, m, func(body []byte) {
		p := &agentpb.Progress{}
		if err := psa.Unmarshal(body, p); err != nil {
			r.t.Fatal(err)
		}
		if p.GetProblem() != "" {
			problems = append(problems, p.GetProblem())
		}
	})
	return status, problems
}

func TestBackupAndRestore(t *testing.T) {
	const pass = "correct horse battery staple"
	one, two := start(t, nil), start(t, nil)
	for _, name := range []string{"a", "b"} {
		one.want(wire.StatusSuccess, wire.OpGenerateKey, wire.ProviderMbedCrypto, &psapb.GenerateKey{KeyName: name, Attributes: attributes(t, signingKey)})
	}
	public := func(r *running, name string) []byte {
		return r.want(wire.StatusSuccess, wire.OpExportPublicKey, wire.ProviderMbedCrypto, &psapb.KeyRef{KeyName: name})
	}
	archive := one.backup(pass)

	if s, _ := two.restore(archive, &agentpb.Restore{Passphrase: []byte("wrong")}); s == wire.StatusSuccess {
		t.Fatal("opened with a wrong passphrase")
	}
	damaged := bytes.Clone(archive)
	damaged[len(damaged)-5] ^= 1
	if s, _ := two.restore(damaged, &agentpb.Restore{Passphrase: []byte(pass)}); s != wire.StatusDataCorrupt {
		t.Fatalf("damaged archive: %v", s)
	}
	if s, _ := two.restore(archive, &agentpb.Restore{Passphrase: []byte(pass), DryRun: true}); s != wire.StatusSuccess {
		t.Fatalf("dry run: %v", s)
	}
	two.want(wire.StatusDoesNotExist, wire.OpExportPublicKey, wire.ProviderMbedCrypto, &psapb.KeyRef{KeyName: "a"})

	if s, problems := two.restore(archive, &agentpb.Restore{Passphrase: []byte(pass)}); s != wire.StatusSuccess || len(problems) != 0 {
		t.Fatalf("restore: %v %q", s, problems)
	}
	for _, name := range []string{"a", "b"} {
		if !bytes.Equal(public(one, name), public(two, name)) {
			t.Errorf("key %q came back as another", name)
		}
	}
	if s, _ := two.restore(archive, &agentpb.Restore{Passphrase: []byte(pass)}); s != wire.StatusAlreadyExists {
		t.Errorf("names that are taken: %v", s)
	}
	two.want(wire.StatusSuccess, wire.OpDestroyKey, wire.ProviderMbedCrypto, &psapb.KeyRef{KeyName: "a"})
	if s, problems := two.restore(archive, &agentpb.Restore{Passphrase: []byte(pass), SkipExisting: true}); s != wire.StatusSuccess || len(problems) != 1 {
		t.Errorf("skip existing: %v %q", s, problems)
	}
	public(two, "a")
}

func TestBackupIsForAdministratorsAndCanBeForbidden(t *testing.T) {
	ask := func(r *running) wire.Status {
		return r.stream(r.dial(), agent.OpBackup, &agentpb.Backup{Passphrase: []byte("x")}, func([]byte) {})
	}
	common := start(t, func(c *config.Config) { c.Layout.User, c.Authenticator.Admins, c.Agent.AdminGroups = false, nil, nil })
	if s := ask(common); s != wire.StatusAdminOperation {
		t.Errorf("an ordinary caller: %v", s)
	}
	if s := ask(start(t, func(c *config.Config) { c.Agent.AllowBackup = false })); s != wire.StatusNotPermitted {
		t.Errorf("forbidden: %v", s)
	}
}
