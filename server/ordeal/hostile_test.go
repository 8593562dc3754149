package ordeal

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/processtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// mebibyte is the unit of bounds.
const mebibyte = 1 << 20

// attacked is a server on SQLite, with an organisation whose people want to work meanwhile.
type attacked struct {
	*Organization
	t       *testing.T
	process *processtest.Process
	realm   trust.RealmID
	before  int64
}

// attack starts a server that is about to be attacked.
func attack(t *testing.T) *attacked {
	t.Helper()
	p := processtest.Start(t, "--data-dir="+t.TempDir(), "--debug", "--spontaneous-organization-bootstrap")
	a := &attacked{Organization: Remote(t, p.URL()).Bootstrapped(), t: t, process: p}
	a.realm = a.First.CreateRealm()
	a.served()
	p.Forget()
	a.before, _ = p.Memory()
	return a
}

// served wants somebody else to be served, who reads and writes.
func (a *attacked) served() {
	a.t.Helper()
	l := NewLedger()
	for range 3 {
		answer, err := l.WriteVlob(a.First, a.realm)
		if err != nil {
			a.t.Fatal(err)
		}
		OK(a.t, answer)
		OK(a.t, a.First.Do(RealmsOf()))
	}
}

// bounded wants the server's memory to have grown by less than so many bytes at any moment since the attack began.
func (a *attacked) bounded(most int64) {
	a.t.Helper()
	_, peak := a.process.Memory()
	a.t.Logf("memory grew by %d KiB at most, from %d KiB", (peak-a.before)>>10, a.before>>10)
	if peak-a.before > most {
		a.t.Errorf("memory grew by %d bytes, more than %d", peak-a.before, most)
	}
}

// dial connects, for the time of the test.
func (a *attacked) dial() net.Conn {
	a.t.Helper()
	u, err := url.Parse(a.URL)
	if err != nil {
		a.t.Fatal(err)
	}
	c, err := (&net.Dialer{}).DialContext(a.t.Context(), "tcp", u.Host)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { _ = c.Close() }) // the server may have
	return c
}

// stranger is the address that a proxy says attackers have: the tests' own is that of a proxy, which limits of one address are not for.
const stranger = "203.0.113.9"

// head is the beginning of an anonymous request, up to its body.
func (a *attacked) head(length int) string {
	return fmt.Sprintf("POST /anonymous/%s HTTP/1.1\r\nHost: server\r\nApi-Version: %s\r\nContent-Type: %s\r\nX-Forwarded-For: %s\r\nContent-Length: %d\r\n\r\n",
		a.ID, cloud.Current, cloud.ContentMsgpack, stranger, length)
}

// TestIdleConnections: connections that do nothing, some after a request and some in the middle of one, cost little each, and keep nobody else
// from the server.
func TestIdleConnections(t *testing.T) {
	a, n := attack(t), amount(1000, 10_000)
	body := Must(cloud.EncodeRequest(&cloud.PingReq{Ping: "x"}))
	for i := range n {
		c := a.dial()
		switch i % 3 {
		case 0: // nothing at all
		case 1:
			if _, err := c.Write([]byte(a.head(10)[:20])); err != nil {
				t.Fatal(err)
			}
		case 2:
			request := append([]byte(fmt.Sprintf("POST /anonymous/%s HTTP/1.1\r\nHost: server\r\nApi-Version: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
				a.ID, cloud.Current, cloud.ContentMsgpack, len(body))), body...)
			if _, err := c.Write(request); err != nil {
				t.Fatal(err)
			}
			answer, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
				t.Fatal(answer.Status, err)
			}
		}
	}
	a.served()
	a.bounded(8*mebibyte + int64(n)*32<<10)
}

// TestSlowBodies: peers of one address that send their bodies as slowly as they can take the share of one address and no more.
func TestSlowBodies(t *testing.T) {
	a, n := attack(t), amount(400, 4000)
	slow := []net.Conn{}
	for range n {
		c := a.dial()
		if _, err := c.Write([]byte(a.head(cloud.MaxRequest) + "x")); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, c)
	}
	a.served()
	for range 3 { // they go on
		for _, c := range slow {
			_, _ = c.Write([]byte("x")) // refused ones are closed
		}
		a.served()
	}
	a.bounded(8*mebibyte + int64(n)*96<<10)
}

// bombs are texts that decompress to far more than there is.
func bombs(t *testing.T) (all [][]byte) {
	t.Helper()
	e := Must(zstd.NewWriter(nil, zstd.WithWindowSize(16*mebibyte)))
	big := e.EncodeAll(make([]byte, 128*mebibyte), nil)
	small := e.EncodeAll(make([]byte, 60*mebibyte), nil)
	for _, b := range [][]byte{big, small, bytes.Repeat(small, 20)} {
		if len(b) > cloud.MaxRequest/2 {
			t.Fatalf("a bomb of %d bytes is none", len(b))
		}
		all = append(all, append([]byte{0}, b...))
	}
	return all
}

// TestBombs: what decompresses to much is refused at little cost, from whoever it comes and however often.
func TestBombs(t *testing.T) {
	a, n := attack(t), amount(60, 3000)
	signature := bytes.Repeat([]byte{1}, trust.SignatureSize)
	requests := []*Request{}
	for _, b := range bombs(t) {
		signed := append(bytes.Clone(signature), b...)
		submit := &cloud.AsyncEnrollmentSubmitReq{SubmitPayload: b, SubmitPayloadSignature: &cloud.SubmitSignatureOpenBao{Signature: "s", SubmitterOpenBaoEntityID: "e"}}
		submit.EnrollmentID.Generate()
		requests = append(
			requests, a.Prepare(cloud.Anonymous, submit, ""),
			a.Prepare(cloud.Anonymous, &cloud.OrganizationBootstrapReq{
				RootVerifyKey: Must(a.Root.VerifyKey()), UserCertificate: signed, DeviceCertificate: signed, RedactedUserCertificate: signed, RedactedDeviceCertificate: signed,
			}, ""),
			a.Prepare(cloud.Authenticated, &cloud.DeviceCreateReq{DeviceCertificate: Must(a.First.Signing.Sign(b)), RedactedDeviceCertificate: signed}, a.First.Token()),
		)
	}
	each(n, 32, func(i int) {
		if answer := a.Send(requests[i%len(requests)]); answer.Status != cloud.StatusOK || answer.Reply == "ok" {
			t.Errorf("HTTP status %d, reply %q", answer.Status, answer.Reply)
		}
	})
	a.served()
	a.bounded(96 * mebibyte)
}

// each does something n times, some at once.
func each(n, atOnce int, do func(i int)) {
	group, next := sync.WaitGroup{}, make(chan int)
	for range atOnce {
		group.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
}

// TestFloods: of one who floods, what exceeds the share of one address is refused with a status after which clients try again. Memory stays, and
// others are served meanwhile.
func TestFloods(t *testing.T) {
	a := attack(t)
	email := Must(trust.NewEmailAddress("zoe@example.com"))
	invite := &cloud.InviteNewUserReq{ClaimerEmail: email}
	token := Decode[cloud.InviteNewUserOK](t, a.First.Do(invite), invite.DecodeReply).Token
	for name, draw := range map[string]func(i int) *Request{
		"bootstrap": func(int) *Request {
			o := a.Unborn()
			return o.Prepare(cloud.Anonymous, &cloud.OrganizationBootstrapReq{UserCertificate: []byte("x")}, "")
		},
		"enrolment": func(int) *Request {
			req := &cloud.AsyncEnrollmentInfoReq{}
			req.EnrollmentID.Generate()
			return a.Prepare(cloud.Anonymous, req, "")
		},
		"guessed invitations": func(int) *Request {
			return a.Prepare(cloud.Invited, &cloud.InviteInfoReq{}, Must(cloud.NewInvitationToken(trust.GenerateAccessToken())))
		},
		"invitations": func(i int) *Request {
			return a.Prepare(cloud.Authenticated, &cloud.InviteNewUserReq{ClaimerEmail: Must(trust.NewEmailAddress(fmt.Sprintf("new%d@example.com", i)))}, a.First.Token())
		},
		"greeting attempts": func(int) *Request {
			return a.Prepare(cloud.Invited, &cloud.InviteClaimerStartGreetingAttemptReq{Greeter: a.First.User}, Must(cloud.NewInvitationToken(token)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			statuses, mu := map[cloud.HTTPStatus]int{}, sync.Mutex{}
			each(amount(400, 30_000), 16, func(i int) {
				r := draw(i)
				r.Header.Set("X-Forwarded-For", stranger)
				answer := a.Send(r)
				mu.Lock()
				defer mu.Unlock()
				if statuses[answer.Status]++; i%100 == 50 {
					a.served()
				}
			})
			t.Log(statuses)
			for status := range statuses {
				switch status {
				case cloud.StatusOK, cloud.StatusBadAuthorization, cloud.StatusStopping:
				default:
					t.Errorf("HTTP status %d", status)
				}
			}
		})
	}
	a.served()
	a.bounded(96 * mebibyte)
}

// TestListeners: streams of events cost little, each event reaches all of them, and nobody else waits.
func TestListeners(t *testing.T) {
	a, n := attack(t), amount(500, 5000)
	heard, group := make(chan struct{}, n), sync.WaitGroup{}
	conns := []net.Conn{}
	for range n {
		c := a.dial()
		conns = append(conns, c)
		r := a.First.ListenRequest("")
		q, err := http.NewRequestWithContext(t.Context(), r.Method, a.URL+r.Path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		q.Header = r.Header
		if err := q.Write(c); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReaderSize(c, 4096)
		for waiting := true; waiting; { // the first event says that it listens
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			waiting = !bytes.HasPrefix([]byte(line), []byte("data:"))
		}
		group.Go(func() {
			for {
				line, err := lines.ReadString('\n')
				if err != nil {
					return
				}
				if bytes.HasPrefix([]byte(line), []byte("data:")) {
					heard <- struct{}{}
				}
			}
		})
	}
	now, _ := a.process.Memory()
	t.Logf("%d listeners take %d bytes each", n, (now-a.before)/int64(n))
	for range 5 {
		start := time.Now()
		OK(t, a.First.Do(&cloud.PingReq{Ping: "x"}))
		late := time.After(time.Minute)
		for range n {
			select {
			case <-heard:
			case <-late:
				t.Fatal("an event does not reach everybody")
			}
		}
		t.Logf("an event reached all after %v", time.Since(start))
	}
	a.bounded(16*mebibyte + int64(n)*12<<10)
	for _, c := range conns {
		_ = c.Close() // the readers end
	}
	group.Wait()
}
