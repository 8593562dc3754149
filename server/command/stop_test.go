package command_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// begun is a request whose headers the server has read, and which waits for its body.
type begun struct {
	id   trust.VlobID
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

// begin sends the headers of a request and waits until the server asks for the body.
func begin(t *testing.T, o *Organization, realm trust.RealmID) *begun {
	t.Helper()
	req := &cloud.VlobCreateReq{RealmID: realm, VlobID: trust.NewVlobID(), Timestamp: Must(trust.DateTimeOf(time.Now())), Blob: []byte("late")}
	r := o.Prepare(cloud.Authenticated, req, o.First.Token())
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(o.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n", r.Path, len(r.Body))
	for name, values := range r.Header {
		head += name + ": " + values[0] + "\r\n"
	}
	if _, err := conn.Write([]byte(head + "\r\n")); err != nil {
		t.Fatal(err)
	}
	b := &begun{id: req.VlobID, conn: conn, in: bufio.NewReader(conn), body: r.Body}
	line, err := b.in.ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := b.in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return b
}

// finish sends the body, and wants an answer.
func (b *begun) finish(t *testing.T) {
	t.Helper()
	if _, err := b.conn.Write(b.body); err != nil {
		t.Error(err)
		return
	}
	a, err := http.ReadResponse(b.in, nil)
	if err != nil {
		t.Errorf("a request that was begun is not answered: %v", err)
		return
	}
	defer func() { _ = a.Body.Close() }()
	if a.StatusCode != http.StatusOK {
		t.Errorf("status %d", a.StatusCode)
	}
}

// TestStopUnderLoad: a server that is asked to end takes no new connections, ends streams, lets requests end, and nothing that it acknowledged is
// missing.
func TestStopUnderLoad(t *testing.T) {
	args := []string{"run", "--port=0", "--data-dir=" + t.TempDir(), "--spontaneous-organization-bootstrap"}
	p := start(t, args...)
	o := Remote(t, p.URL()).Bootstrapped()
	realm := o.First.CreateRealm()
	stream := o.First.Listen("")
	listeners, deaf := []*listener{}, listen(t, o.First)
	for range 50 {
		l := listen(t, o.First)
		listeners = append(listeners, l)
		go func() { l.all <- l.read() }()
	}
	waiting := []*begun{}
	for range 20 {
		waiting = append(waiting, begin(t, o, realm))
	}
	w, group := &kept{}, sync.WaitGroup{}
	for range 4 {
		group.Go(func() {
			for w.write(o, realm) {
			}
		})
	}
	for deadline := time.Now().Add(time.Minute); w.count() < 20; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing is written")
		}
	}
	ended := make(chan int, 1)
	go func() { ended <- p.Stop() }()
	stream.Ended()
	for _, l := range append(listeners, deaf) {
		if l == deaf {
			go func() { deaf.all <- deaf.read() }()
		}
		if err := <-l.all; err != nil {
			t.Errorf("a stream is cut off: %v", err)
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.URL(), "http://"))
		if err != nil {
			break
		}
		_ = c.Close()
		if time.Now().After(deadline) {
			t.Fatal("a server that ends lets others in")
		}
	}
	for _, b := range waiting {
		b.finish(t)
		w.add(b.id)
	}
	if status := <-ended; status != 0 {
		t.Errorf("exit status %d: %s", status, p.Log())
	}
	group.Wait()
	next := start(t, args...)
	o.URL = next.URL()
	w.check(t, o, realm)
}

// listener is a stream of events.
type listener struct {
	conn net.Conn
	in   *bufio.Reader
	all  chan error
}

// listen opens a stream.
func listen(t *testing.T, d *Device) *listener {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(d.Org.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	r := d.ListenRequest("")
	q := Must(http.NewRequestWithContext(t.Context(), r.Method, d.Org.URL+r.Path, http.NoBody))
	q.Header = r.Header
	if err := q.Write(conn); err != nil {
		t.Fatal(err)
	}
	l := &listener{conn, bufio.NewReader(conn), make(chan error, 1)}
	if _, err := l.in.Peek(1); err != nil {
		t.Fatal(err)
	}
	return l
}

// read reads to the end, which must be one, after a whole frame and before the end of the connection.
func (l *listener) read() error {
	a, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return err
	}
	defer func() { _ = a.Body.Close() }()
	b, err := io.ReadAll(a.Body)
	if err != nil || !strings.HasSuffix(string(b), "\n\n") {
		return fmt.Errorf("%.100q and %d bytes, %w", b, len(b), err)
	}
	if _, err := l.in.ReadByte(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("the connection goes on: %w", err)
	}
	return nil
}

// kept are the ids of vlobs that the server acknowledged.
type kept struct {
	mu  sync.Mutex // guards the field below
	ids []trust.VlobID
}

func (k *kept) add(id trust.VlobID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ids = append(k.ids, id)
}

func (k *kept) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.ids)
}

// write stores one vlob, and reports whether the server answered.
func (k *kept) write(o *Organization, realm trust.RealmID) bool {
	req := &cloud.VlobCreateReq{RealmID: realm, VlobID: trust.NewVlobID(), Timestamp: Must(trust.DateTimeOf(time.Now())), Blob: []byte("x")}
	a, err := o.First.Try(req)
	if err == nil && a.Reply == "ok" {
		k.add(req.VlobID)
	}
	return err == nil
}

// check wants all of them, with one number each.
func (k *kept) check(t *testing.T, o *Organization, realm trust.RealmID) {
	t.Helper()
	poll := &cloud.VlobPollChangesReq{RealmID: realm}
	there := map[trust.VlobID]bool{}
	for _, v := range Decode[cloud.VlobPollChangesOK](t, o.First.Do(poll), poll.DecodeReply).Changes {
		there[v.VlobID] = true
	}
	for _, id := range k.ids {
		if !there[id] {
			t.Errorf("vlob %s was acknowledged and is lost", id)
		}
	}
}
