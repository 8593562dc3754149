package material_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

// groupDigests are the SHA-256 digests of the moduli as OpenSSL has them.
var groupDigests = map[int]string{
	2048: "9cd3b7f336872f46c09428d1bbc19877a4d440512cda8d1c1cf0cd6e33698966",
	3072: "0eaf67db3a839156d5013494a5318a772b5697d270d721f37f092efc69ea5a17",
	4096: "4648414224ac881b3d0dc59b466f96d06a558278776807797ecf1f66ff397b3e",
	6144: "227ac9066b3ddd9e193670cda2388fa884f65ba0cf98b742d1fe77a6687c79c7",
	8192: "770b14efaf6f049929c523113b3fa99a8d11dab1b18af3609590122075d19833",
}

// The moduli that are computed from their definition are those of RFC 7919.
func TestDHGroups(t *testing.T) {
	groups := material.DHPrimesForTest(t)
	if len(groups) != len(groupDigests) {
		t.Fatalf("%d groups", len(groups))
	}
	for bits, want := range groupDigests {
		p := groups[bits]
		if got := fmt.Sprintf("%x", sha256.Sum256(p.Bytes())); got != want || p.BitLen() != bits {
			t.Errorf("group of %d bits: digest %s of %d bits", bits, got, p.BitLen())
		}
	}
	if p := groups[2048]; !p.ProbablyPrime(2) || !new(big.Int).Rsh(p, 1).ProbablyPrime(2) {
		t.Error("the modulus of 2048 bits is not a safe prime")
	}
}

// A secret that OpenSSL computed.
func TestDHKnownAnswer(t *testing.T) {
	x := strings.Repeat("0", 456) + "aff2d1d3972721fd4a3f3d7a313270a6edc4f8e80aa42e9c941b1d48"
	const peer = "a41c1cc72909d854120676311828534479378a001af5e70283521f42c32ae03e523e3ee63d3515f62ec396889eb86204227a7f62d7ec035ceeeef6e4" +
		"5a91896ef1e4d8762a177a2bd743c0f9c1da497a63d5e211e986629e27c040742d8b19c89d5f4792fd9c247d743ec974af7de03e7931c6230883e42f669133c2" +
		"bdcb28d02b4e0dd81388fe631bbaa98eaf5f3c072f0612a2fc46c0550d86e0f8d2a38a5aac13d1a3b4bfb0289d64ed0d91c3b9e26ddee1d9d18074e011a5134f" +
		"4871c488e199ac24aca45776059f1f7d31ff676171a81af24885fe77cc6aae1c6cac8389cd0fcfa015ee3b1482131902f4732d15b372ec84af3af2257735087a" +
		"e1646266"
	k := mustKey(t, psa.Attributes{Type: psa.KeyDHPair}, unhex(t, x))
	pub, err := k.Public()
	check(t, "public", err)
	digest(t, "public", pub, "ed58f4e8d86beec1da4b1d4fc90029b0cafc58e94e18685530ff8d98ae96e6f6")
	secret, err := k.Agree(psa.Algorithm{Kind: psa.AlgFFDH}, unhex(t, peer))
	check(t, "agree", err)
	digest(t, "secret", secret, "3c3889dc234a35a61a764d92b34dd18e9a420a0fceffa456973b66753169008a")
}

func digest(t *testing.T, what string, data []byte, want string) {
	t.Helper()
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want {
		t.Errorf("%s: digest %x of %d bytes, want %s", what, sum, len(data), want)
	}
}
