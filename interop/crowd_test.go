package interop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// The crowd: connections of one user that ask for nothing, and writers that send a byte
// now and then.
const (
	crowdIdle    = 10000
	crowdSlow    = 200
	pingLimit    = 5 * time.Millisecond
	pings        = 300
	pingAttempts = 4
)

// TestCrowdDelaysNobody: 10,000 idle connections and 200 slow writers of one user do not
// delay another user's ping beyond 5 ms at the median; afterwards nothing is left of them.
// Once with limits that let them all in, once with the default limits.
func TestCrowdDelaysNobody(t *testing.T) {
	if testing.Short() || os.Getuid() != 0 {
		if os.Getuid() != 0 {
			needRoot(t)
		}
		t.Skip("takes root, to be two users, and some time")
	}
	raiseFiles(t, crowdIdle+2000)
	for name, limits := range map[string]string{
		"raised":  fmt.Sprintf("\n[agent.limits]\nconnections_per_uid = %d\nconnections = %d\n", crowdIdle+1000, crowdIdle+1500),
		"default": "",
	} {
		t.Run(name, func(t *testing.T) {
			dir := agentdtest.Dir(t)
			config := agentdtest.Config(dir) + limits + "\n[agent]\naudit = \"off\"\n"
			a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: config, Plain: true, Files: crowdIdle + 2000})
			before := measureLevel(t, a.Socket)
			alone := medianPing(t, a.Socket)
			c := gather(t, a.Socket, 1000)
			var crowded time.Duration
			for range pingAttempts { // the machine may be busy with something else for a while
				if crowded = medianPing(t, a.Socket); crowded <= pingLimit {
					break
				}
			}
			t.Logf("median ping alone %v, with %d idle connections and %d slow writers %v", alone, c.kept, crowdSlow, crowded)
			if crowded > pingLimit {
				t.Errorf("a ping takes %v at the median, at most %v is promised", crowded, pingLimit)
			}
			if name == "raised" && c.kept != crowdIdle {
				t.Errorf("only %d of %d idle connections were let in", c.kept, crowdIdle)
			}
			c.leave()
			before.returns()
		})
	}
}

// medianPing is the median of pings of user 1001, each on a connection of its own.
func medianPing(t *testing.T, path string) time.Duration {
	t.Helper()
	frame := wire.Header{Opcode: wire.OpPing}.Append(nil)
	took := make([]time.Duration, 0, pings)
	for range pings {
		start := time.Now()
		if a := socket.Exchange(t.Context(), path, 1001, frame); a.Err != nil || a.Status != wire.StatusSuccess {
			t.Fatalf("ping: %v", a)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// crowd is the connections of one user.
type crowd struct {
	conns  []net.Conn
	kept   int // idle connections that were let in
	cancel context.CancelFunc
	slow   sync.WaitGroup
}

// gather opens the connections as a user. Where limits refuse them, it goes on trying for
// every one of them all the same.
func gather(t *testing.T, path string, uid uint32) *crowd {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	c := &crowd{cancel: cancel}
	ping := wire.Header{Flags: wire.FlagPersistent, Opcode: wire.OpPing}.Append(nil)
	for range crowdIdle {
		conn, err := socket.Dial(ctx, path, uid)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(socket.Wait))
		_, _ = conn.Write(ping) // a refused connection may be closed already
		h, _, err := wire.NewReader(conn, 1024).ReadResponse()
		if err != nil || h.Status != wire.StatusSuccess {
			_ = conn.Close()
			continue
		}
		c.conns = append(c.conns, conn)
		c.kept++
	}
	var started atomic.Int32
	for range crowdSlow {
		c.slow.Go(func() { writeSlowly(ctx, path, uid, &started) })
	}
	for started.Load() < crowdSlow {
		time.Sleep(time.Millisecond) // polling; every writer connects or is refused
	}
	return c
}

// writeSlowly sends a frame byte by byte, again and again on new connections, until ctx
// ends.
func writeSlowly(ctx context.Context, path string, uid uint32, started *atomic.Int32) {
	frame := socket.Frame(wire.Header{Opcode: wire.OpPing, AuthType: wire.AuthUnixPeer}, uid, make([]byte, 1000))
	first := true
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		conn, err := socket.Dial(ctx, path, uid)
		if first {
			started.Add(1)
			first = false
		}
		for i := 0; err == nil && i < len(frame) && ctx.Err() == nil; i++ {
			_, err = conn.Write(frame[i : i+1])
			<-tick.C
		}
		if conn != nil {
			_ = conn.Close()
		}
		<-tick.C
	}
}

// leave closes everything.
func (c *crowd) leave() {
	c.cancel()
	c.slow.Wait()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

// TestFloodsEnd sends what no client would, from many connections at a time. Each of them
// gets an answer or an end, and nothing stays behind.
func TestFloodsEnd(t *testing.T) {
	dir := agentdtest.Dir(t)
	config := agentdtest.Config(dir) + "\n[agent]\naudit = \"off\"\n"
	a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: config})
	before := measureLevel(t, a.Socket)
	n := rounds(40, 400)
	var group sync.WaitGroup
	for name, f := range floods() {
		for range 4 {
			group.Go(func() {
				for range n {
					if err := flood(t.Context(), a.Socket, f); err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
				}
			})
		}
	}
	group.Wait()
	before.returns()
}

// attack is what one hostile connection sends.
type attack struct {
	bytes []byte
	// gone says that the connection is closed at once, without waiting for an answer.
	gone bool
}

func floods() map[string]attack {
	good := socket.Frame(wire.Header{Opcode: wire.OpListKeys, AuthType: wire.AuthUnixPeer}, uint32(os.Getuid()), []byte("not a message"))
	announce := func(body uint32, auth uint16, flags uint16) []byte {
		return wire.Header{Flags: flags, Opcode: wire.OpHashCompute, Provider: 1, BodyLen: body, AuthLen: auth}.Append(nil)
	}
	return map[string]attack{
		"wrong magic":                {bytes: append([]byte("GET / HTTP/1.1\r\n\r\n"), good...)},
		"nothing, then an end":       {gone: true},
		"half a header":              {bytes: good[:20], gone: true},
		"half a body":                {bytes: good[:40], gone: true},
		"a body over the limit":      {bytes: announce(1<<20+1, 0, 0)},
		"the longest body announced": {bytes: announce(1<<32-1, 65535, 1)},
		"a whole body over it":       {bytes: append(announce(1<<20+1, 0, 0), make([]byte, 1<<20+1)...)},
		"a header of 65535 bytes":    {bytes: append([]byte{0x10, 0xa7, 0xc0, 0x5e, 0xff, 0xff}, make([]byte, 65535)...)},
		"megabytes of zeros":         {bytes: make([]byte, 4<<20)},
		"a hundred requests in one":  {bytes: slices.Repeat(good, 100)},
		"a hundred kept, in one":     {bytes: slices.Repeat(wire.Header{Flags: 1, Opcode: wire.OpPing}.Append(nil), 100), gone: true},
		"answers nobody reads":       {bytes: slices.Repeat(wire.Header{Flags: 1, Opcode: wire.OpListProviders}.Append(nil), 3000), gone: true},
	}
}

// flood makes one hostile connection and waits for its end.
func flood(ctx context.Context, path string, f attack) error {
	conn, err := socket.Dial(ctx, path, uint32(os.Getuid()))
	for errors.Is(err, syscall.EAGAIN) { // the kernel's queue of the socket is full
		time.Sleep(time.Millisecond)
		conn, err = socket.Dial(ctx, path, uint32(os.Getuid()))
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(socket.Wait))
	_, _ = conn.Write(f.bytes) // the agent may have had enough
	if f.gone {
		return nil
	}
	if _, err = io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("neither an answer nor an end within %v", socket.Wait)
	}
	return nil
}
