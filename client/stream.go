package client

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Progress tells how far long work has come.
type Progress struct {
	Done, Total uint64
	Object      string // what was just done; empty in the last report
	Problem     string // what kept it from being done, if something did; the rest goes on
	Skipped     bool   // it was left as it is because the request said so
}

// stream makes a request and calls each with every frame of its answer.
func (l *lease) stream(p *prepared, each func(reply []byte) error) error {
	answer, reply, err := l.ask(p)
	for err == nil {
		if err = each(reply); err != nil || answer.Flags&wire.FlagMore == 0 {
			break
		}
		answer, reply, err = l.next(p.call)
	}
	// An answer that was not taken to its end leaves frames behind.
	l.keep = l.keep && (err == nil || answer.Flags&wire.FlagMore == 0)
	return err
}

// watch makes a request whose answer is a stream of Progress.
func (l *lease) watch(p *prepared, report func(Progress)) error {
	return l.stream(p, func(reply []byte) error {
		var m agentpb.Progress
		if psa.Unmarshal(reply, &m) != nil {
			return l.nonsense("a progress frame cannot be decoded")
		}
		if report != nil {
			report(Progress{m.GetDone(), m.GetTotal(), m.GetObject(), m.GetProblem(), m.GetSkipped()})
		}
		return nil
	})
}

// long runs fn with the prepared request q on a connection of its own. It is not
// repeated.
func (s *shared) long(ctx context.Context, q call, fn func(*lease, *prepared) error) error {
	q.once = true
	p, err := s.prepare(ctx, q)
	if err != nil {
		return err
	}
	defer p.wipe()
	_, err = s.lease(ctx, true, q, func(l *lease) error { return fn(l, p) })
	return err
}

// ProtectRequest says which stored keys to rewrite, and how.
type ProtectRequest struct {
	Form  string // "encrypted" or "compatible"
	Names []psa.KeyName
	// All takes every key of the caller instead of Names; for administrators everybody's.
	All bool
}

// Protect rewrites stored keys in another form. report, which may be nil, is called after
// each key, and learns what went wrong with single keys; the error is about the whole.
func (c *Client) Protect(ctx context.Context, r ProtectRequest, report func(Progress)) error {
	m := &agentpb.Protect{Form: r.Form, All: r.All}
	for _, n := range r.Names {
		m.KeyNames = append(m.KeyNames, string(n))
	}
	return c.long(ctx, call{op: agent.OpProtect, in: m, needs: "a choice of storage"}, func(l *lease, p *prepared) error {
		return l.watch(p, report)
	})
}

// Backup writes an archive of all keys and names, encrypted to a passphrase, while the
// agent goes on serving. For administrators. What was written is of no use unless Backup
// returns nil.
func (c *Client) Backup(ctx context.Context, passphrase []byte, w io.Writer) error {
	q := call{op: agent.OpBackup, in: &agentpb.Backup{Passphrase: passphrase}, needs: "backup"}
	return c.long(ctx, q, func(l *lease, p *prepared) error {
		return l.stream(p, func(reply []byte) error {
			var m agentpb.Chunk
			if psa.Unmarshal(reply, &m) != nil {
				return l.nonsense("a part of the archive cannot be decoded")
			}
			if _, err := w.Write(m.GetData()); err != nil {
				return fmt.Errorf("cannot write the archive: %w", err)
			}
			return nil
		})
	})
}

// RestoreRequest says how to put an archive back.
type RestoreRequest struct {
	Passphrase []byte
	// SkipExisting leaves names that are taken as they are, instead of refusing all.
	SkipExisting bool
	// DryRun checks archive and names, and changes nothing.
	DryRun bool
}

// restoreChunk is how much of an archive one request carries, in bytes: well below the
// default limit of bodies.
const restoreChunk = 256 << 10

// Restore puts the keys of an archive back. For administrators. report, which may be nil,
// is called after each key, and learns what went wrong with single keys; the error is
// about the whole.
func (c *Client) Restore(ctx context.Context, r RestoreRequest, archive io.Reader, report func(Progress)) error {
	m := &agentpb.Restore{Passphrase: r.Passphrase, SkipExisting: r.SkipExisting, DryRun: r.DryRun}
	q := call{op: agent.OpRestore, in: m, needs: "restore"}
	return c.long(ctx, q, func(l *lease, p *prepared) error {
		buf := make([]byte, restoreChunk)
		for {
			n, err := io.ReadFull(archive, buf)
			if n > 0 {
				if err := l.upload(p, &agentpb.Chunk{Data: buf[:n]}); err != nil {
					return err
				}
			}
			switch {
			case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
				return l.watch(p, report)
			case err != nil:
				return l.give(fmt.Errorf("cannot read the archive: %w", err))
			}
		}
	})
}

// upload sends a part of an archive, with the authentication of the request that follows.
func (l *lease) upload(p *prepared, m proto.Message) error {
	body, err := psa.Marshal(m)
	if err != nil {
		return err
	}
	part := &prepared{call: call{op: agent.OpRestoreChunk}, header: p.header, body: body, auth: p.auth}
	part.header.Opcode = agent.OpRestoreChunk
	if _, _, err := l.ask(part); err != nil {
		return l.give(err)
	}
	return nil
}

// give closes the connection in the end: the agent forgets what was uploaded on it.
func (l *lease) give(err error) error {
	l.keep = false
	return err
}
