package agentd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/agentd/internal/archive"
	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// backupFrame is the size of the pieces in which an archive is sent, in bytes.
const backupFrame = 64 << 10

// allowed refuses archives where the configuration does.
func (r *request) archivesAllowed() error {
	if r.backend.config.Agent.AllowBackup {
		return nil
	}
	return &wire.Error{
		Status: wire.StatusNotPermitted, Object: "backup", Reason: "the configuration forbids backups",
		Remedy: "set allow_backup = true in [agent]",
	}
}

// decodeBackup streams an archive of all keys, encrypted to a passphrase. The entries are
// those of one moment; a key that is destroyed meanwhile is left out, every other is whole.
func decodeBackup(r *request) (action, error) {
	m := &agentpb.Backup{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		defer clear(m.GetPassphrase())
		if err := r.archivesAllowed(); err != nil {
			return nil, err
		}
		keys := r.backend.keysOf(func(kim.Entry) bool { return true })
		out := &frames{request: r}
		w, err := archive.NewWriter(ctx, out, archive.WriterOptions{
			Passphrase: m.GetPassphrase(), AgentVersion: r.conn.service.options.Version, Keys: len(keys),
		})
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			if err := k.archive(ctx, w); err != nil {
				return nil, about(quoteKey(k.Name), err)
			}
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		return psa.Marshal(&agentpb.Chunk{Data: out.pending})
	}, nil
}

// archive writes one key, or the note that it cannot leave its provider.
func (k ownedKey) archive(ctx context.Context, w *archive.Writer) error {
	rec := archive.Record{Entry: k.Entry}
	defer rec.Wipe()
	p, ok := k.instance.provider.(providers.Archiver)
	if k.Adopted {
		rec.Note = "the key was adopted and stays in its device; adopt it there again"
		return w.Write(&rec)
	}
	if !ok {
		rec.Note = "the key cannot leave its provider"
		return w.Write(&rec)
	}
	material, err := p.ArchiveKey(ctx, k.key())
	if err != nil {
		if _, gone := k.instance.store.Get(k.Owner, k.Name, k.Provider); errors.Is(gone, wire.StatusDoesNotExist) {
			return nil // destroyed while the backup ran
		}
		rec.Note = "the key cannot be read: " + err.Error()
		return w.Write(&rec)
	}
	rec.Material = material
	return w.Write(&rec)
}

// frames is a writer that sends what it gets in frames of one answer.
type frames struct {
	request *request
	pending []byte
}

func (f *frames) Write(p []byte) (int, error) {
	f.pending = append(f.pending, p...)
	for len(f.pending) >= backupFrame {
		body, err := psa.Marshal(&agentpb.Chunk{Data: f.pending[:backupFrame]})
		if err != nil {
			return 0, err
		}
		if err := f.request.stream(body); err != nil {
			return 0, err
		}
		f.pending = append(f.pending[:0], f.pending[backupFrame:]...)
	}
	return len(p), nil
}

// upload holds an archive while it arrives: encrypted as it is, in a file without a name
// beside the keys, for it may be large.
type upload struct {
	file *os.File
	size int64
}

// maxUpload bounds an archive, in bytes.
const maxUpload = 1 << 30

// discard gives the file back to the system; a nil upload has none.
func (u *upload) discard() {
	if u != nil {
		_ = u.file.Close()
	}
}

func decodeRestoreChunk(r *request) (action, error) {
	m := &agentpb.Chunk{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(_ context.Context, r *request) ([]byte, error) {
		if err := r.archivesAllowed(); err != nil {
			return nil, err
		}
		return nil, r.receive(m.GetData())
	}, nil
}

// receive appends a piece to the archive of this connection.
func (r *request) receive(p []byte) error {
	if r.conn.upload == nil {
		dir := filepath.Dir(r.backend.stores[0].Info().Path)
		fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
		if err != nil {
			return &wire.Error{Status: wire.StatusStorageFailure, Object: "restore", Reason: "no temporary file can be made", Err: err}
		}
		r.conn.upload = &upload{file: os.NewFile(uintptr(fd), "restore")}
	}
	u := r.conn.upload
	if u.size += int64(len(p)); u.size > maxUpload {
		return wire.Errorf(wire.StatusInsufficientStorage, "an archive may have %d bytes", maxUpload)
	}
	if _, err := u.file.Write(p); err != nil {
		return &wire.Error{Status: wire.StatusInsufficientStorage, Object: "restore", Reason: "the archive cannot be stored", Err: err}
	}
	return nil
}

// decodeRestore puts the keys of the archive that came before back under new ids. The
// whole archive is verified, and every name looked at, before anything is changed.
func decodeRestore(r *request) (action, error) {
	m := &agentpb.Restore{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		defer clear(m.GetPassphrase())
		if err := r.archivesAllowed(); err != nil {
			return nil, err
		}
		if r.conn.upload == nil {
			return nil, wire.Errorf(wire.StatusBadState, "no archive was sent on this connection")
		}
		u := r.conn.upload
		r.conn.upload = nil
		defer u.discard()
		rd, err := archive.NewReader(ctx, u.file, m.GetPassphrase())
		if err != nil {
			return nil, about("archive", err)
		}
		defer rd.Close()
		return (&restoration{request: r, options: m, archive: rd}).run(ctx)
	}, nil
}

// restoration is one Restore request at work.
type restoration struct {
	request *request
	options *agentpb.Restore
	archive *archive.Reader
	plan    []*instance // by the position in the archive: where a key goes, nil to skip it
}

func (j *restoration) run(ctx context.Context) ([]byte, error) {
	if err := j.each(func(_ int, rec *archive.Record) error { return j.examine(rec) }); err != nil {
		return nil, err
	}
	if err := j.archive.Rewind(); err != nil {
		return nil, err
	}
	progress := &agentpb.Progress{Total: uint64(len(j.plan))}
	err := j.each(func(i int, rec *archive.Record) error {
		progress.Done++
		progress.Object = quoteKey(rec.Name) + " of " + rec.Owner.App
		progress.Skipped, progress.Problem = j.plan[i] == nil, j.apply(ctx, j.plan[i], rec)
		return j.request.progress(progress)
	})
	if err != nil {
		return nil, err
	}
	progress.Object, progress.Problem, progress.Skipped, progress.Final = "", "", false, true
	return psa.Marshal(progress)
}

// each calls fn with every record of the archive.
func (j *restoration) each(fn func(i int, rec *archive.Record) error) error {
	for i := 0; ; i++ {
		rec, err := j.archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = fn(i, rec)
		rec.Wipe()
		if err != nil {
			return err
		}
	}
}

// examine decides where a key goes. A name that is taken refuses the whole archive,
// unless the caller wants such keys skipped.
func (j *restoration) examine(rec *archive.Record) error {
	object := quoteKey(rec.Name) + " of " + rec.Owner.App
	if rec.Owner.Auth == wire.AuthNone || rec.Owner.Auth == wire.AuthInternal {
		return &wire.Error{Status: wire.StatusNotPermitted, Object: object, Reason: "no application can own such a key"}
	}
	inst := j.request.backend.named(rec.Provider.Name)
	if inst == nil || inst.ref.ID != rec.Provider.ID {
		inst = j.request.backend.latest(rec.Provider.ID)
	}
	if inst == nil {
		return &wire.Error{
			Status: wire.StatusProviderNotRegistered, Object: object,
			Reason: fmt.Sprintf("no provider of kind %s is configured", rec.Provider.ID), Remedy: "configure one, then restore again",
		}
	}
	_, err := inst.store.Get(rec.Owner, rec.Name, inst.ref)
	switch {
	case errors.Is(err, wire.StatusDoesNotExist):
		j.plan = append(j.plan, inst)
		return nil
	case err != nil:
		return about(object, err)
	case j.options.GetSkipExisting():
		j.plan = append(j.plan, nil)
		return nil
	}
	return &wire.Error{
		Status: wire.StatusAlreadyExists, Object: object, Reason: "the name is taken, so nothing was restored",
		Remedy: "restore with --skip-existing to leave such keys as they are",
	}
}

// apply restores one key and returns what kept it from being restored.
func (j *restoration) apply(ctx context.Context, inst *instance, rec *archive.Record) string {
	switch {
	case inst == nil:
		return "the name is taken"
	case rec.Material == nil:
		return "not in the archive: " + rec.Note
	case j.options.GetDryRun():
		return ""
	}
	p, ok := inst.provider.(providers.Archiver)
	if !ok {
		return fmt.Sprintf("provider %q takes no keys from archives", inst.ref.Name)
	}
	err := inst.create(ctx, rec.Owner, rec.Name, rec.Attributes, func() (providers.KeyID, error) {
		return p.RestoreKey(ctx, rec.Attributes, rec.Material)
	})
	if err != nil {
		return err.Error()
	}
	return ""
}
