package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/blockstest"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/directory"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// files is a directory of blocks that counts those that are open, and can fail while one is sent.
type files struct {
	*directory.Store

	opened, open atomic.Int64
	failing      atomic.Bool
}

type file struct {
	blocks.Content

	of *files
}

func (f *files) Open(ctx context.Context, org trust.OrganizationID, id trust.BlockID) (blocks.Content, int, error) {
	c, size, err := f.Store.Open(ctx, org, id)
	if err != nil {
		return nil, 0, err
	}
	f.opened.Add(1)
	f.open.Add(1)
	return &file{c, f}, size, nil
}

func (f *file) Close() error {
	f.of.open.Add(-1)
	return f.Content.Close()
}

func (f *file) WriteTo(w io.Writer) (int64, error) {
	if !f.of.failing.Load() {
		return f.Content.WriteTo(w)
	}
	n, err := w.Write(make([]byte, 5000))
	return int64(n), errors.Join(err, io.ErrUnexpectedEOF)
}

// TestBlocksFromFiles: a block is read as it was stored, whichever way it takes; one that cannot be read to its end is no answer.
func TestBlocksFromFiles(t *testing.T) {
	kept := &files{}
	s := New(t, Options{Blocks: func(context.Context, *pgxpool.Pool) (_ blocks.Store, err error) {
		kept.Store, err = directory.Open(filepath.Join(t.TempDir(), "blocks"))
		return kept, err
	}})
	serve(t, s)
	alice := s.Bootstrapped().First
	realm := alice.CreateRealm()
	read := &cloud.BlockReadReq{RealmID: realm}
	for variant, size := range []int{0, 1, 64<<10 - 1, 64 << 10, 512 << 10, 1000 << 10} {
		read.BlockID = trust.NewBlockID()
		content := blockstest.Content(read.BlockID, byte(variant), size)
		OK(t, alice.Do(&cloud.BlockCreateReq{BlockID: read.BlockID, RealmID: realm, Block: content}))
		rep := Decode[cloud.BlockReadOK](t, alice.Do(read), read.DecodeReply)
		if !bytes.Equal(rep.Block, content) {
			t.Errorf("a block of %d bytes is another one of %d", size, len(rep.Block))
		}
	}
	kept.failing.Store(true)
	if a, err := alice.Try(read); err == nil {
		t.Errorf("half a block is an answer: %d, %d bytes", a.Status, len(a.Body))
	}
	kept.failing.Store(false)
	OK(t, alice.Do(read))
	read.BlockID = trust.NewBlockID()
	Want(t, alice.Do(read), "block_not_found")
	if opened, open := kept.opened.Load(), kept.open.Load(); opened < 8 || open != 0 {
		t.Errorf("%d were opened, %d still are", opened, open)
	}
}

// serve has the server answer at a listener of its own, as the program does.
func serve(t *testing.T, s *Server) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.URL = "http://" + l.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
