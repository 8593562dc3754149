package certlog

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden: a log of version 1 opens for ever. The organisation is that of seed 7 of trusttest, the local key 32 bytes 04, the device its founder's first one.
func TestGolden(t *testing.T) {
	b := newBench(t)
	const steps, viewed = 2, 1_700_000_000_000_000
	golden := func(name string) string { return filepath.Join("testdata", "v1", name) }
	if *update {
		l, s := b.whole(t)
		b.grow(t, s, steps)
		if err := l.SetViewed(time.UnixMicro(viewed)); err != nil {
			t.Fatal(err)
		}
		for name, content := range b.state(t) {
			if err := os.WriteFile(golden(name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.put(t, map[string][]byte{rowsName: must(os.ReadFile(golden(rowsName))), headName: must(os.ReadFile(golden(headName)))})
	l, s := b.whole(t)
	if len(s.Users()) != 1+steps || len(s.Realms()) != steps || l.Viewed().UnixMicro() != viewed || len(l.Marks()) != 1+steps {
		t.Errorf("%d users, %d realms, viewed %v, marks %v", len(s.Users()), len(s.Realms()), l.Viewed(), l.Marks())
	}
}

// FuzzHead: what is read is written again as the same bytes.
func FuzzHead(f *testing.F) {
	b := newBench(f)
	l, s := b.whole(f)
	b.grow(f, s, 2)
	f.Add(l.encode())
	f.Add((&head{size: logHeader, lost: true}).encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := decodeHead(data)
		if err != nil {
			return
		}
		if again := h.encode(); !bytes.Equal(again, data) {
			t.Errorf("%x was read and written as\n%x", data, again)
		}
	})
}

// FuzzRows: whatever is in the rows' file, the log opens, or says why not, and then keeps what comes.
func FuzzRows(f *testing.F) {
	b := newBench(f)
	_, s := b.whole(f)
	b.grow(f, s, 1)
	files := b.state(f)
	f.Add(files[rowsName])
	f.Add(files[rowsName][:logHeader])
	f.Add(append(bytes.Clone(files[rowsName]), 0xff, 0xff, 0xff, 0xff))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := *b
		c.put(t, map[string][]byte{rowsName: data, headName: files[headName]})
		l, s, err := Open(c.dir, c.keys, c.newStore)
		if l == nil {
			if !isVersion(err) {
				t.Fatal(err)
			}
			return
		}
		defer func() { _ = l.Close() }()
		if err := s.Add(c.Stream(c.self).Since(s.Last())); err != nil {
			t.Fatal(err)
		}
		if !s.Knows(c.self.Devices[0].ID) || len(s.Users()) != 2 {
			t.Errorf("%d users", len(s.Users()))
		}
	})
}

func isVersion(err error) bool {
	v := (*VersionError)(nil)
	return errors.As(err, &v)
}
