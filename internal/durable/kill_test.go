package durable_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
)

// writerVariable makes the test program write into the directory that it names.
const writerVariable = "DURABLE_TEST_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerVariable); dir != "" {
		panic(writeForEver(dir))
	}
	os.Exit(m.Run())
}

// writeForEver creates files and replaces one, and prints the number of each round that
// is acknowledged.
func writeForEver(dir string) error {
	d, err := durable.Open(dir)
	if err != nil {
		return err
	}
	if err := d.Create("replaced", sealed(0)); err != nil {
		return err
	}
	for n := 1; ; n++ {
		create := d.Create
		if n%2 == 0 {
			create = d.Add
		}
		if err := create(fmt.Sprintf("created-%d", n), sealed(n)); err != nil {
			return err
		}
		if err := d.Replace("replaced", sealed(n)); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// sealed is a content of round n from which its wholeness follows.
func sealed(n int) []byte {
	body := bytes.Repeat([]byte{byte(n)}, 3000+n%2000)
	sum := sha256.Sum256(body)
	return append(body, sum[:]...)
}

func whole(b []byte) bool {
	if len(b) < sha256.Size {
		return false
	}
	body := b[:len(b)-sha256.Size]
	sum := sha256.Sum256(body)
	return bytes.Equal(sum[:], b[len(body):])
}

// TestKilled kills a writer at random moments: what it acknowledged is there, every name
// has a whole content, and all else is recognised.
func TestKilled(t *testing.T) {
	for range 15 {
		dir := t.TempDir()
		acknowledged := killWriter(t, dir, time.Duration(rand.IntN(30_000))*time.Microsecond)
		d := open(t, dir)
		found := map[string]bool{}
		for _, name := range names(t, d) {
			if _, ok := durable.Leftover(name); ok {
				continue
			}
			found[name] = true
			if _, b := content(t, d, name); !whole(b) {
				t.Errorf("%s is torn: %d bytes", name, len(b))
			}
		}
		if !found["replaced"] {
			t.Error("the replaced name is absent")
		}
		for n := range acknowledged {
			if name := fmt.Sprintf("created-%d", n+1); !found[name] {
				t.Errorf("%s was acknowledged and is absent", name)
			}
		}
	}
}

// killWriter returns how many rounds the writer acknowledged before it was killed.
func killWriter(t *testing.T, dir string, after time.Duration) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), writerVariable+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := 0
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // the end of the writer; half a line was not acknowledged
		}
		if acknowledged, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
			t.Fatal(err)
		}
		if acknowledged == 1 {
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil || acknowledged == 0 {
		t.Fatalf("the writer ended by itself after %d rounds: %v", acknowledged, err)
	}
	return acknowledged
}
