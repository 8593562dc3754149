package agentd

import (
	"os"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// benchmark sends the same frame over kept connections, one for each goroutine.
func benchmark(b *testing.B, r *running, frame []byte) {
	b.Helper()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		c := r.dial()
		rd := wire.NewReader(c, 1<<20)
		for pb.Next() {
			if _, err := c.Write(frame); err != nil {
				b.Error(err)
				return
			}
			if h, _, err := rd.ReadResponse(); err != nil || h.Status != wire.StatusSuccess {
				b.Error(h.Status, err)
				return
			}
		}
	})
}

func BenchmarkPing(b *testing.B) {
	r := start(b, nil)
	benchmark(b, r, frame(b, wire.Header{Flags: wire.FlagPersistent, Opcode: wire.OpPing}, nil))
}

func BenchmarkSignHashP256(b *testing.B) {
	r := start(b, nil)
	r.want(wire.StatusSuccess, wire.OpGenerateKey, wire.ProviderMbedCrypto, &psapb.GenerateKey{KeyName: "k", Attributes: attributes(b, signingKey)})
	alg, err := psa.EncodeSignature(signingKey.Alg)
	if err != nil {
		b.Fatal(err)
	}
	body, err := psa.Marshal(&psapb.Sign{KeyName: "k", Alg: alg, Input: make([]byte, 32)})
	if err != nil {
		b.Fatal(err)
	}
	h := wire.Header{Flags: wire.FlagPersistent, Opcode: wire.OpSignHash, Provider: wire.ProviderMbedCrypto, AuthType: wire.AuthUnixPeer}
	benchmark(b, r, frame(b, h, body))
}

func frame(tb testing.TB, h wire.Header, body []byte) []byte {
	tb.Helper()
	var auth []byte
	if h.AuthType == wire.AuthUnixPeer {
		auth = wire.AppendUID(nil, uint32(os.Getuid()))
	}
	f, err := wire.AppendRequest(nil, h, body, auth)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}
