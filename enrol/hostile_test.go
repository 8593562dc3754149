package enrol_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// lie is what a hostile server does to the answers of one step, for one side.
type lie struct {
	to   enrol.Side
	step int
	kind string
	rnd  *rand.Rand
}

func (l *lie) String() string {
	return fmt.Sprintf("%s at step %d for the %s", l.kind, l.step, l.to)
}

// kinds of lies. Those in forgeries change what the other side said: none of them may end well.
var (
	forgeries = []string{"other", "short", "empty", "long"}
	refusals  = []string{"cancelled", "not-found", "mismatch", "unknown", "not-allowed", "step-of-another", "garbage", "html", "http-500", "http-410", "huge", "withheld", "completed"}
)

// carries says at which steps a side hears something that can be forged.
var carries = map[enrol.Side][]int{enrol.SideClaimer: {0, 2, 7}, enrol.SideGreeter: {0, 1, 3, 6}}

func (l *lie) forges() bool { return slices.Contains(forgeries, l.kind) }

func newLie(rnd *rand.Rand) *lie {
	l := &lie{to: []enrol.Side{enrol.SideClaimer, enrol.SideGreeter}[rnd.IntN(2)], step: rnd.IntN(9), rnd: rnd}
	if rnd.IntN(2) == 0 {
		at := carries[l.to]
		l.step, l.kind = at[rnd.IntN(len(at))], forgeries[rnd.IntN(len(forgeries))]
		return l
	}
	l.kind = refusals[rnd.IntN(len(refusals))]
	return l
}

// liar is a server that lies, and remembers what it was told.
type liar struct {
	*lie
	told      atomic.Bool // the lie
	requested atomic.Bool // the claimer has sent its request
	certified atomic.Bool // the greeter has sent certificates
}

func (l *liar) between(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		family, side := cloud.Authenticated, enrol.SideGreeter
		if strings.HasPrefix(r.URL.Path, "/invited/") {
			family, side = cloud.Invited, enrol.SideClaimer
		}
		req, err := cloud.DecodeRequest(family, body)
		if err != nil || l.look(req) != l.step || side != l.to {
			inner.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		inner.ServeHTTP(answer, r)
		l.answer(w, req, answer)
	})
}

// look returns the step of a request, -1 for none.
func (l *liar) look(req cloud.Request) int {
	switch req := req.(type) {
	case *cloud.InviteClaimerStepReq:
		if _, ok := req.ClaimerStep.(*cloud.ClaimerStep6SendPayload); ok {
			l.requested.Store(true)
		}
		return stepOf(req.ClaimerStep)
	case *cloud.InviteGreeterStepReq:
		return stepOf(req.GreeterStep)
	case *cloud.UserCreateReq, *cloud.DeviceCreateReq:
		l.certified.Store(true)
	}
	return -1
}

var stepsOfClaimer = []cloud.ClaimerStep{
	&cloud.ClaimerStep0WaitPeer{}, &cloud.ClaimerStep1SendHashedNonce{}, &cloud.ClaimerStep2GetNonce{}, &cloud.ClaimerStep3SendNonce{}, &cloud.ClaimerStep4SignifyTrust{},
	&cloud.ClaimerStep5WaitPeerTrust{}, &cloud.ClaimerStep6SendPayload{}, &cloud.ClaimerStep7GetPayload{}, &cloud.ClaimerStep8Acknowledge{},
}

var stepsOfGreeter = []cloud.GreeterStep{
	&cloud.GreeterStep0WaitPeer{}, &cloud.GreeterStep1GetHashedNonce{}, &cloud.GreeterStep2SendNonce{}, &cloud.GreeterStep3GetNonce{}, &cloud.GreeterStep4WaitPeerTrust{},
	&cloud.GreeterStep5SignifyTrust{}, &cloud.GreeterStep6GetPayload{}, &cloud.GreeterStep7SendPayload{}, &cloud.GreeterStep8WaitPeerAcknowledgment{},
}

func stepOf(step any) int {
	name := fmt.Sprintf("%T", step)
	for i := range stepsOfClaimer {
		if name == fmt.Sprintf("%T", stepsOfClaimer[i]) || name == fmt.Sprintf("%T", stepsOfGreeter[i]) {
			return i
		}
	}
	return -1
}

// answer lies.
func (l *liar) answer(w http.ResponseWriter, req cloud.Request, honest *httptest.ResponseRecorder) {
	status, body := honest.Code, honest.Body.Bytes()
	rep := l.reply(req, body)
	l.told.Store(l.told.Load() || rep != nil || !l.forges())
	switch l.kind {
	case "garbage":
		body = []byte("\xc1\xff")
	case "html":
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html>"))
		return
	case "http-500":
		status = http.StatusInternalServerError
	case "http-410":
		status = http.StatusGone
	case "huge":
		w.Header().Set("Content-Type", cloud.ContentMsgpack)
		w.Header().Set("Content-Length", "999999999999")
		_, _ = w.Write(make([]byte, 1<<16))
		return
	}
	if rep != nil {
		body = servertest.Must(cloud.EncodeReply(rep))
	}
	w.Header().Set("Content-Type", cloud.ContentMsgpack)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// reply is another one than the server's, nil for the same.
func (l *liar) reply(req cloud.Request, honest []byte) cloud.Reply {
	at := servertest.Must(trust.DateTimeOf(time.Now()))
	switch l.kind {
	case "cancelled":
		return &cloud.GreetingAttemptCancelled{Origin: cloud.IsGreeter, Reason: cloud.CancelledInvalidSasCode, Timestamp: at}
	case "not-found":
		return &cloud.GreetingAttemptNotFound{}
	case "mismatch":
		return &cloud.StepMismatch{}
	case "unknown":
		return &cloud.UnknownStatus{Name: "what_is_this"}
	case "withheld":
		return &cloud.NotReady{}
	case "not-allowed":
		if l.to == enrol.SideClaimer {
			return &cloud.GreeterNotAllowed{}
		}
		return &cloud.AuthorNotAllowed{}
	case "completed":
		if l.to == enrol.SideGreeter {
			return &cloud.InvitationCompleted{}
		}
		return &cloud.GreeterRevoked{}
	case "step-of-another":
		other := (l.step + 1 + l.rnd.IntN(8)) % 9
		if l.to == enrol.SideClaimer {
			return &cloud.InviteClaimerStepOK{GreeterStep: stepsOfGreeter[other]}
		}
		return &cloud.InviteGreeterStepOK{ClaimerStep: stepsOfClaimer[other]}
	}
	return l.forged(req, honest)
}

// forged is what the other side said, changed.
func (l *liar) forged(req cloud.Request, honest []byte) cloud.Reply {
	switch req := req.(type) {
	case *cloud.InviteClaimerStepReq:
		rep, err := req.DecodeReply(honest)
		ok, is := rep.(*cloud.InviteClaimerStepOK)
		if err != nil || !is {
			return nil
		}
		switch step := ok.GreeterStep.(type) {
		case *cloud.GreeterStep0WaitPeer:
			step.PublicKey = l.key()
		case *cloud.GreeterStep2SendNonce:
			step.GreeterNonce = l.bytes(step.GreeterNonce)
		case *cloud.GreeterStep7SendPayload:
			step.GreeterPayload = l.bytes(step.GreeterPayload)
		}
		return ok
	case *cloud.InviteGreeterStepReq:
		rep, err := req.DecodeReply(honest)
		ok, is := rep.(*cloud.InviteGreeterStepOK)
		if err != nil || !is {
			return nil
		}
		switch step := ok.ClaimerStep.(type) {
		case *cloud.ClaimerStep0WaitPeer:
			step.PublicKey = l.key()
		case *cloud.ClaimerStep1SendHashedNonce:
			step.HashedNonce = trust.Digest(l.bytes(nil))
		case *cloud.ClaimerStep3SendNonce:
			step.ClaimerNonce = l.bytes(step.ClaimerNonce)
		case *cloud.ClaimerStep6SendPayload:
			step.ClaimerPayload = l.bytes(step.ClaimerPayload)
		}
		return ok
	}
	return nil
}

// key is one of the server's, or one with which everybody can compute.
func (l *liar) key() trust.PublicKey {
	if l.kind == "empty" {
		return trust.PublicKey{}
	}
	return servertest.Must(trust.GeneratePrivateKey().Public())
}

func (l *liar) bytes(honest []byte) []byte {
	switch l.kind {
	case "short":
		return honest[:len(honest)/2]
	case "empty":
		return nil
	case "long":
		return append(bytes.Clone(honest), 0)
	}
	changed := append(bytes.Clone(honest), trustNonce()...)[:max(len(honest), 1)]
	changed[l.rnd.IntN(len(changed))] ^= 1 << l.rnd.IntN(8)
	return changed
}

func trustNonce() []byte {
	n := trust.GenerateNonce()
	return n[:]
}

// careful is a person who says "none of these" when what is said is not among the codes, and does not go on after an attempt that failed.
func careful(s *script) *script {
	s.on = func(ctx context.Context, q enrol.Question) (enrol.Answer, error) {
		switch q := q.(type) {
		case enrol.ChooseCode:
			said, err := s.say.hear(ctx, q.Peer.Side, nil)
			for _, c := range q.Codes {
				if c == said {
					return enrol.Code{Code: c}, err
				}
			}
			return enrol.Code{}, err
		case enrol.Confirm:
			return enrol.Decision{}, nil
		}
		return nil, nil //nolint:nilnil // as usual
	}
	return s
}

// TestHostileServer has the server lie at one step of a greeting. What it forges is found out, before anything that matters was sent; everything else does no more than a server that is away.
func TestHostileServer(t *testing.T) {
	t.Parallel()
	lies := 40
	if soak() {
		lies = 1000
	} else if testing.Short() {
		lies = 12
	}
	first := seed(t)
	next := atomic.Int64{}
	var all sync.WaitGroup
	const workers = 4
	for range workers {
		w := newWorld(t)
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(lies) && !t.Failed(); i = next.Add(1) - 1 {
				n := first + uint64(i)
				r := &round{world: w, rnd: rand.New(rand.NewPCG(n, 2)), seed: n}
				r.lieTo(newLie(r.rnd))
			}
		})
	}
	all.Wait()
}

// lieTo plays a greeting with a liar.
func (r *round) lieTo(what *lie) {
	l := &liar{lie: what}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.t.Context()), 20*time.Second)
	defer cancel()
	r.alice.fate.begin(-1, nil)
	alice := r.alice.start()
	s, end := alice.signIn(ctx, r.t, r.id)
	defer end()
	invited := r.invite(ctx, s)
	bob := r.f.member(r.t)
	flow, err := bob.start().Claim(&invited.Address)
	must(r.t, err)
	v := newVoice()
	r.f.meddle(l.between)
	ctx, stop := context.WithCancel(ctx)
	var claimed, greeted outcome
	var all sync.WaitGroup
	all.Go(func() {
		claimed.Result, claimed.err = flow.Run(ctx, careful(&script{name: "bob", say: v}))
		r.endSoon(ctx, stop, claimed.err)
	})
	all.Go(func() {
		greeted.Result, greeted.err = alice.Greet(s, invited.Address.Token).Run(ctx, careful(&script{name: "alice", say: v}))
		r.endSoon(ctx, stop, greeted.err)
	})
	if l.kind == "withheld" {
		r.endSoon(ctx, stop, errKilled)
	}
	all.Wait()
	stop()
	r.f.meddle(nil)
	r.found(l, s.Root(), bob.start(), claimed, greeted)
	r.cleanUp(alice, bob.start(), s, invited)
}

// endSoon ends the other side a while after one has failed: it waits for somebody who does not come.
func (*round) endSoon(ctx context.Context, stop func(), err error) {
	if err == nil {
		return
	}
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	stop()
}

// found judges how a greeting with a liar ended.
func (r *round) found(l *liar, root trust.VerifyKey, bob *agent, claimed, greeted outcome) {
	says := fmt.Sprintf("%v\nclaimer: %v\ngreeter: %v", l, claimed.err, greeted.err)
	if l.forges() && l.told.Load() {
		if claimed.err == nil || greeted.err == nil {
			r.failed("a forgery passes: %s", says)
		}
		if l.step < 6 && (l.requested.Load() || l.certified.Load()) || l.step == 6 && l.certified.Load() {
			r.failed("something was sent after a forgery: %s", says)
		}
		over, known := errors.AsType[*enrol.OverError](errors.Join(claimed.err, greeted.err))
		if !known || over.Reason == cloud.CancelledAutomaticallyCancelled {
			r.failed("the reason is not that of a forgery: %s", says)
		}
	}
	if claimed.err == nil && claimed.Root != root {
		r.failed("claimed under another root: %s", says)
	}
	// Where only the answer to the acknowledgement is missing the device is on disk.
	if greeted.err == nil && claimed.err != nil && l.kind != "completed" && !r.has(bob, greeted.Device) {
		r.failed("the greeter is done without the claimer: %s", says)
	}
}

// has reports whether an agent has a device on disk.
func (r *round) has(a *agent, id trust.DeviceID) bool {
	all, _, err := a.devices.List()
	must(r.t, err)
	return slices.ContainsFunc(all, func(e device.Entry) bool { return e.ID == id })
}

// cleanUp gives up what is left.
func (r *round) cleanUp(alice, bob *agent, s *session.Session, invited *enrol.Invited) {
	ctx := context.WithoutCancel(r.t.Context())
	if err := enrol.CancelInvitation(ctx, s, invited.Address.Token); err != nil && !errors.Is(err, enrol.ErrInvitation) {
		r.failed("the invitation stays: %v", err)
	}
	for range 2 {
		for _, e := range alice.entries(r.t) {
			must(r.t, alice.GiveUp(ctx, e.ID, s))
		}
		for _, e := range bob.entries(r.t) {
			must(r.t, bob.GiveUp(ctx, e.ID, nil))
		}
	}
}
