package trust

import (
	"bytes"
	"errors"
	"maps"
	"runtime"
	"slices"
	"sync"
)

// Batch is what a server gave: the certificates after those that are there, topic by topic, as received.
type Batch struct {
	Sequester, Common [][]byte
	Realms            map[RealmID][][]byte
	Shamir            [][]byte
}

// ErrRedaction says that the user became an outsider, or ceased to be one: the server serves the other form of all
// certificates now. The store is empty, and everything is to be fetched again.
var ErrRedaction = errors.New("all certificates are to be fetched again in their other form")

// Add accepts a batch as a whole, or refuses it with a *RefusalError and changes nothing.
func (s *Store) Add(batch Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &adder{store: s, state: &s.state}
	_, known := s.state.users[s.self] // who is not known yet cannot become somebody else
	before := a.isOutsider()
	err := a.all(batch)
	if err == nil && known && before != a.isOutsider() {
		if err = s.clear(); err == nil {
			return ErrRedaction
		}
	}
	if err == nil && s.keep != nil && len(a.accepted) > 0 {
		err = s.keep.Keep(a.accepted)
	}
	if err != nil {
		a.rollBack()
		return err
	}
	if len(a.accepted) > 0 {
		s.restored = nil
	}
	return nil
}

// clear forgets everything, unless the keeper does not.
func (s *Store) clear() error {
	if s.keep != nil {
		if err := s.keep.Clear(); err != nil {
			return err
		}
	}
	s.state, s.restored = newState(), nil
	return nil
}

// adder is the work on one batch.
type adder struct {
	*state
	store    *Store
	accepted []Entry
	// undo are the steps back, of which the last is the first.
	undo []func()
}

func (a *adder) rollBack() {
	for _, step := range slices.Backward(a.undo) {
		step()
	}
}

// isOutsider reports the own profile, as far as it is known.
func (a *adder) isOutsider() bool {
	u, ok := a.users[a.store.self]
	return ok && u.profile(DateTime{maxMicros}) == Outsider
}

func (a *adder) all(batch Batch) error {
	if err := a.topic(TopicSequester, RealmID{}, batch.Sequester); err != nil {
		return err
	}
	if err := a.topic(TopicCommon, RealmID{}, batch.Common); err != nil {
		return err
	}
	realms := slices.SortedFunc(maps.Keys(batch.Realms), func(x, y RealmID) int { return bytes.Compare(x[:], y[:]) })
	for _, realm := range realms {
		if err := a.topic(TopicRealm, realm, batch.Realms[realm]); err != nil {
			return err
		}
	}
	return a.topic(TopicShamir, RealmID{}, batch.Shamir)
}

// window is how many certificates are verified ahead.
const window = 512

// topic adds a list. Signatures are verified ahead by all processors where the key is known already; what is refused, and why, is
// decided one after the other.
func (a *adder) topic(topic Topic, realm RealmID, list [][]byte) error {
	for start := 0; start < len(list); start += window {
		ahead := a.verifyAhead(topic, list[start:min(start+window, len(list))])
		for i := range ahead {
			c, err := a.certificate(topic, list[start+i], ahead[i])
			if err == nil {
				err = a.apply(topic, realm, c)
			}
			if err != nil {
				return located(err, topic, realm, start+i)
			}
			a.accepted = append(a.accepted, Entry{Topic: topic, Realm: realm, Signed: list[start+i], Certificate: c})
		}
	}
	if topic == TopicShamir && len(list) > 0 && a.awaitsShare() != nil {
		return located(refuse(ShamirMissingShare), topic, realm, len(list)-1)
	}
	return nil
}

// located says where the certificate stands that an error is about.
func located(err error, topic Topic, realm RealmID, index int) error {
	r := &RefusalError{Reason: Corrupted, Err: err}
	if known := (*RefusalError)(nil); errors.As(err, &known) {
		r.Reason, r.Err = known.Reason, known.Err
	}
	r.Topic, r.Realm, r.Index = topic, realm, index
	return r
}

// verified is what was found out ahead; nothing if the author was not known then.
type verified struct {
	certificate Certificate
	err         error
	done        bool
}

// verifyAhead reads the state, which nobody changes meanwhile.
func (a *adder) verifyAhead(topic Topic, list [][]byte) []verified {
	results := make([]verified, len(list))
	next := make(chan int, len(list))
	for i := range list {
		next <- i
	}
	close(next)
	wait := sync.WaitGroup{}
	for range min(runtime.GOMAXPROCS(0), len(list)) {
		wait.Go(func() {
			for i := range next {
				c, err := a.verify(topic, list[i])
				if refusal := (*RefusalError)(nil); errors.As(err, &refusal) {
					continue // whether the author is known is asked again in order
				}
				results[i] = verified{certificate: c, err: err, done: true}
			}
		})
	}
	wait.Wait()
	return results
}

func (a *adder) certificate(topic Topic, signed []byte, ahead verified) (Certificate, error) {
	if ahead.done {
		return ahead.certificate, ahead.err
	}
	return a.verify(topic, signed)
}

// verify finds the author's key, verifies, and reads. A *RefusalError is about the author.
func (a *adder) verify(topic Topic, signed []byte) (Certificate, error) {
	if topic == TopicSequester {
		if c, err := a.verifyService(signed); c != nil || err != nil {
			return c, err
		}
	}
	claim, err := Look(signed)
	if err != nil {
		return nil, err
	}
	key := a.store.root
	if claim.Author != nil {
		device, ok := a.devices[*claim.Author]
		if !ok {
			return nil, refuse(AuthorUnknown)
		}
		if device.Timestamp.After(claim.Timestamp) {
			return nil, refuse(AuthorNewer)
		}
		key = device.VerifyKey
	}
	return VerifyCertificate(signed, Author{Device: claim.Author, Key: key})
}

// verifyService verifies what the sequester authority signs; it returns nothing for the certificate of the authority itself.
func (a *adder) verifyService(signed []byte) (Certificate, error) {
	if !bytes.HasPrefix(signed, []byte(sequesterSignature+":")) {
		return nil, nil //nolint:nilnil // neither a certificate of a service nor an error
	}
	if a.authority == nil {
		return nil, refuse(NotSequestered)
	}
	c, err := VerifyServiceCertificate(signed, a.authorityKey)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// apply decides by the rules of the topic.
func (a *adder) apply(topic Topic, realm RealmID, c Certificate) error {
	switch topic {
	case TopicSequester:
		return a.sequester(c)
	case TopicCommon:
		return a.common(c)
	case TopicRealm:
		return a.realm(realm, c)
	case TopicShamir:
		return a.shamir(c)
	}
	return errTopic
}

// errTopic says that a certificate is in the list of another topic.
var errTopic = errors.New("the certificate is of another topic")

// newer checks and remembers the time of a topic; equal times pass if same is set.
func (a *adder) newer(topic Topic, at DateTime, same bool) error {
	last, ok := a.last[topic]
	if ok && (at.Before(last) || at == last && !same) {
		return refuse(InvalidTimestamp)
	}
	return nil
}

// passed remembers the time of a topic.
func (a *adder) passed(topic Topic, at DateTime) { put(a, a.last, topic, at) }

// put sets an entry of a map, and knows the way back.
func put[K comparable, V any](a *adder, m map[K]V, k K, v V) {
	old, ok := m[k]
	m[k] = v
	a.undo = append(a.undo, func() {
		if ok {
			m[k] = old
		} else {
			delete(m, k)
		}
	})
}

// set sets a variable, and knows the way back.
func set[V any](a *adder, p *V, v V) {
	old := *p
	*p = v
	a.undo = append(a.undo, func() { *p = old })
}

// push appends to a list, and knows the way back.
func push[V any](a *adder, p *[]V, v V) { set(a, p, append(*p, v)) }
