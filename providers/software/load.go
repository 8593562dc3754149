package software

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

// use returns the loaded key. The caller gives it back with p.cache.release.
func (p *Provider) use(ctx context.Context, key providers.Key) (*entry, error) {
	id, err := parseKeyID(key.ID)
	if err != nil {
		return nil, err
	}
	e, mine, err := p.cache.take(id, key.Attributes)
	if err != nil {
		return nil, err
	}
	if mine {
		p.fill(ctx, e)
	}
	if err := e.wait(); err != nil {
		p.cache.release(e)
		return nil, err
	}
	return e, nil
}

// fill loads the key of an entry. Whatever happens, who waits for it goes on.
func (p *Provider) fill(ctx context.Context, e *entry) {
	var key *material.Key
	err := error(wire.Errorf(wire.StatusGenericError, "the key could not be loaded"))
	defer func() { p.cache.fill(e, key, err) }()
	key, err = p.load(ctx, e.id, e.attrs)
}

// load reads a key file. Type and policy are the row's, size and data the file's.
func (p *Provider) load(ctx context.Context, id keyID, attrs psa.Attributes) (*material.Key, error) {
	content, err := p.read(ctx, id)
	if err != nil {
		return nil, err
	}
	defer wipe(content)
	return newMaterial(attrs, content)
}

// newMaterial makes a key of the content of a compatible file.
func newMaterial(attrs psa.Attributes, content []byte) (*material.Key, error) {
	its, err := keyfile.Parse(content)
	if err != nil {
		return nil, err
	}
	if err := its.Agree(attrs); err != nil {
		return nil, err
	}
	attrs.Bits = uint64(its.Bits)
	key, err := material.New(attrs, its.Data)
	if err != nil {
		return nil, &wire.Error{Status: wire.StatusDataInvalid, Reason: "the key file holds a key that cannot be used: " + err.Error(), Err: err}
	}
	return key, nil
}

// read returns the content of a key file in its compatible form. The caller wipes it.
func (p *Provider) read(ctx context.Context, id keyID) ([]byte, error) {
	b, err := p.readFile(id)
	if err != nil {
		return nil, err
	}
	content, _, err := p.open(ctx, id, b)
	return content, err
}

// open decrypts the bytes of a key file where they are encrypted, and tells the form.
func (p *Provider) open(ctx context.Context, id keyID, b []byte) ([]byte, keyfile.Form, error) {
	form := keyfile.DetectForm(b)
	if form != keyfile.FormEncrypted {
		return b, form, nil // Parse tells what is wrong with an unknown form
	}
	root, err := p.root.get(ctx)
	if err != nil {
		return nil, form, rootKeyError(err)
	}
	content, err := keyfile.Open(root, uint32(id), b)
	return content, form, err
}

func (p *Provider) readFile(id keyID) ([]byte, error) {
	f, err := p.store.dir.OpenFile(id.fileName())
	if err != nil {
		return nil, readError(err)
	}
	defer f.Close()
	p.tighten(id, f)
	b, err := f.Read(keyfile.MaxSize)
	return b, readError(err)
}

// readError gives an error of the file system the status and a reason without paths.
func readError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return &wire.Error{
			Status: wire.StatusInvalidHandle, Reason: "the key file is missing from the key store",
			Remedy: "put the file back or restore the key from a backup; key_store_path must be the directory of the key files", Err: err,
		}
	case errors.Is(err, durable.ErrSize), errors.Is(err, durable.ErrType):
		return &wire.Error{
			Status: wire.StatusDataCorrupt, Reason: "the key file is not one",
			Remedy: "restore the key from a backup", Err: err,
		}
	default:
		return &wire.Error{
			Status: wire.StatusStorageFailure, Reason: "cannot read the key file",
			Remedy: "parsecctl doctor", Err: err,
		}
	}
}

// foreignBits are the permission bits that a key file must not have.
const foreignBits = 0o177

// tighten takes the rights of others from a file that the original made 0644. It is our
// account's file and nobody else has a reason to read it. Files of another account are
// only reported, by Examine.
func (p *Provider) tighten(id keyID, f *durable.File) {
	if f.Mode&foreignBits == 0 || int64(f.UID) != int64(os.Geteuid()) {
		return
	}
	if err := f.Chmod(f.Mode &^ foreignBits); err != nil {
		p.log.Warn("cannot take the rights of others from a key file", "file", id.fileName(), "mode", f.Mode.String(), "error", err)
		return
	}
	p.log.Warn("took the rights of others from a key file that they could read", "file", id.fileName(), "mode", f.Mode.String())
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exposed[id] = f.Mode
}

func wipe(b []byte) {
	clear(b)
	runtime.KeepAlive(b)
}
