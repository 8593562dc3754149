//go:build interop

package reference

import (
	"encoding/hex"
	"strings"
	"testing"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/nacl/box"
	"golang.org/x/crypto/nacl/secretbox"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// points are encodings of points of small order, of ones that are not canonical, and of none.
var points = []string{
	"01" + zero31, zero32, zero31 + "80", "01" + zero30 + "80", "ec" + ones30 + "7f", "ec" + ones30 + "ff", "ed" + ones30 + "7f", "ed" + ones30 + "ff",
	"ee" + ones30 + "7f", "ee" + ones30 + "ff", "ef" + ones30 + "7f", "ff" + ones30 + "7f", "ff" + ones30 + "ff", "02" + zero31, "03" + zero31, "04" + zero31,
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"5866666666666666666666666666666666666666666666666666666666666666", "58666666666666666666666666666666666666666666666666666666666666e6",
}

// scalars are zero, one, the order of the group and its neighbours, and ones that are not reduced.
var scalars = []string{
	zero32, "01" + zero31, "ecd3f55c1a631258d69cf7a2def9de14" + strings.Repeat("00", 15) + "10", "edd3f55c1a631258d69cf7a2def9de14" + strings.Repeat("00", 15) + "10",
	"eed3f55c1a631258d69cf7a2def9de14" + strings.Repeat("00", 15) + "10", "edd3f55c1a631258d69cf7a2def9de14" + strings.Repeat("00", 15) + "90",
	"dba7ebb934c624b0ac39ef45bdf3bd29" + strings.Repeat("00", 15) + "20", zero31 + "20", zero31 + "80", ones32,
}

var (
	zero30, zero31, zero32 = strings.Repeat("00", 30), strings.Repeat("00", 31), strings.Repeat("00", 32)
	ones30, ones32         = strings.Repeat("ff", 30), strings.Repeat("ff", 32)
)

// oddSignatures are all combinations of odd keys, odd R and odd scalars.
func (r *differential) oddSignatures(t *testing.T) {
	s := primitive{kind: "odd signature", openOp: "verify", open: openSignature}.subject()
	samples := []sample{}
	for _, key := range points {
		for _, point := range points {
			for _, scalar := range scalars {
				samples = append(samples, sample{data: must(hex.DecodeString(point + scalar + "6d")), key: must(hex.DecodeString(key))})
			}
		}
	}
	r.odd(t, &s, samples)
}

// montgomery are encodings of points of small order of the other curve, of ones that are not reduced, and of whole ones.
var montgomery = []string{
	zero32, zero31 + "80", "01" + zero31, "01" + zero30 + "80", "ec" + ones30 + "7f", "ed" + ones30 + "7f", "ee" + ones30 + "7f", "ec" + ones30 + "ff",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880", "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
	"09" + zero31, "09" + zero30 + "80", "f6" + ones30 + "7f", "02" + zero31,
}

// oddBoxes are boxes that open for everybody, because what both sides share is zero, and boxes for keys with which it is.
func (r *differential) oddBoxes(t *testing.T) {
	nothing := func(answer) ([]byte, error) { return nil, nil } // what is sealed is never the same twice
	seals := subject{
		kind: "sealing for an odd key",
		read: func(s sample) ([]byte, error) {
			_, err := trust.PublicKey(s.key).Seal(s.data)
			return nil, err
		},
		ask:     func(s sample) question { return s.question("sealedbox_seal", "", s.key) },
		written: nothing,
	}
	opens := primitive{
		kind: "odd sealed box", openOp: "sealedbox_open",
		open: func(key, data []byte) ([]byte, error) { return must(trust.NewPrivateKey(key)).Open(data) },
	}.subject()
	sealed, opened := []sample{}, []sample{}
	for i, point := range montgomery {
		key := must(hex.DecodeString(point))
		sealed = append(sealed, sample{key: key, data: []byte("secret")})
		private := newDraw(r.seed, uint64(i)).sized(32)
		opened = append(opened, sample{key: private, data: forEverybody(private, [32]byte(key))})
	}
	r.odd(t, &seals, sealed)
	r.odd(t, &opens, opened)
}

// forEverybody seals as if ephemeral and private key had a secret of zeros in common.
func forEverybody(private []byte, ephemeral [32]byte) []byte {
	recipient := must(must(trust.NewPrivateKey(private)).Public())
	h := must(blake2b.New(24, nil))
	_, _ = h.Write(ephemeral[:]) // never fails
	_, _ = h.Write(recipient[:])
	key := [32]byte{}
	box.Precompute(&key, &[32]byte{}, &[32]byte{1}) // this library takes a point of small order, whoever's the private key
	return secretbox.Seal(ephemeral[:], []byte("secret"), (*[24]byte)(h.Sum(nil)), &key)
}

// odd compares samples that are damaged as they are.
func (r *differential) odd(t *testing.T, s *subject, samples []sample) {
	t.Helper()
	s.group = s.kind
	questions := make([]question, len(samples))
	for i := range samples {
		questions[i] = s.ask(samples[i])
	}
	for i, a := range r.oracle.ask(t, questions...) {
		r.compare(t, s, samples[i], a, true)
	}
}
