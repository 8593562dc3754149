//go:build interop

package reference

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// subject is a kind of thing that both sides make, write and read.
type subject struct {
	kind string
	// group is what it is counted as, itself if empty.
	group string
	// bare says that what travels is the content alone.
	bare bool
	// least is how many there must be of it in any run.
	least int
	// make is what we make.
	make func(*draw) sample
	// made asks the reference to make one, and what its answer is as a sample.
	made   func(seed uint64) question
	sample func(seed uint64, a answer) (sample, error)
	// read reads, and writes again what was read: the form without what has no meaning.
	read func(sample) ([]byte, error)
	// ask asks the reference to read, and written is its answer in that form.
	ask     func(sample) question
	written func(answer) ([]byte, error)
	// mutate changes what is read.
	mutate func(*draw, sample) sample
}

// sample is what one side made and the other reads, with what a reader must know.
type sample struct {
	data    []byte
	author  *trust.DeviceID
	at      trust.DateTime
	id      trust.VlobID
	version uint32
	// key is one that only this sample needs.
	key []byte
	// content is what is inside, as far as a mutation knows it.
	content []byte
}

// question is the part of a question that the sample tells.
func (s *sample) question(op, kind string, key []byte) question {
	q := question{
		Op: op, Kind: kind, Data: hex.EncodeToString(s.data), Key: hex.EncodeToString(key),
		Timestamp: s.at.Micros(), ID: s.id.String(), Version: s.version,
	}
	if s.author != nil {
		q.Author = s.author.String()
	}
	return q
}

// sampleOf is what the reference made.
func sampleOf(_ uint64, a answer) (sample, error) {
	data, err := hex.DecodeString(a.Out)
	if err != nil {
		return sample{}, err
	}
	s := sample{data: data, version: a.Version}
	if a.Author != "" {
		s.author = new(trust.DeviceID)
		if err := s.author.UnmarshalText([]byte(a.Author)); err != nil {
			return sample{}, err
		}
	}
	if a.ID != "" {
		if err := s.id.UnmarshalText([]byte(a.ID)); err != nil {
			return sample{}, err
		}
	}
	s.at, err = trust.DateTimeFromMicros(a.Timestamp)
	return s, err
}

// world is what all samples have in common: the keys.
type world struct {
	// seed is the signing key as well as the secret key.
	seed    []byte
	signing trust.SigningKey
	verify  trust.VerifyKey
	secret  trust.SecretKey
	author  trust.DeviceID
	// Keys of a sequester, private and public: the reference makes them.
	sequester             trust.SequesterSigningKey
	opener                trust.SequesterPrivateKey
	verifyDER, encryptDER []byte
}

func newWorld(t testing.TB, o *oracle, d *draw) *world {
	t.Helper()
	w := &world{seed: d.sized(32), author: trust.DeviceID(d.sized(16))}
	w.signing, w.secret = must(trust.NewSigningKey(w.seed)), must(trust.NewSecretKey(w.seed))
	w.verify = must(w.signing.VerifyKey())
	keys := o.one(t, question{Op: "sequester_keys"})
	w.encryptDER, w.verifyDER = keys.bytes(t), must(hex.DecodeString(keys.Key))
	private := strings.Split(keys.Text, " ")
	w.opener = must(trust.ParseSequesterPrivateKey(must(hex.DecodeString(private[0]))))
	w.sequester = must(trust.ParseSequesterSigningKey(must(hex.DecodeString(private[1]))))
	return w
}

func (w *world) key() string { return hex.EncodeToString(w.seed) }
