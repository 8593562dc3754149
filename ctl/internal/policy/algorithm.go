package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// kinds are the algorithms of policies.
var kinds = []psa.Kind{
	psa.AlgNone, psa.AlgHMAC, psa.AlgCBCMAC, psa.AlgCMAC, psa.AlgStreamCipher, psa.AlgCTR, psa.AlgCFB, psa.AlgOFB, psa.AlgXTS,
	psa.AlgECBNoPadding, psa.AlgCBCNoPadding, psa.AlgCBCPKCS7, psa.AlgCCM, psa.AlgGCM, psa.AlgChaCha20Poly1305,
	psa.AlgRSAPKCS1v15Sign, psa.AlgRSAPKCS1v15SignRaw, psa.AlgRSAPSS, psa.AlgECDSA, psa.AlgECDSAAny, psa.AlgDeterministicECDSA,
	psa.AlgPureEdDSA, psa.AlgRSAPKCS1v15Crypt, psa.AlgRSAOAEP, psa.AlgFFDH, psa.AlgECDH, psa.AlgHKDF, psa.AlgTLS12PRF, psa.AlgTLS12PSKToMS,
}

// AlgorithmNames returns the names of the algorithms, without parameters.
func AlgorithmNames() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.String())
	}
	return names
}

func parseKind(name string) (psa.Kind, error) {
	for _, k := range kinds {
		if k.String() == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("no algorithm is called %q; there are %s", name, strings.Join(AlgorithmNames(), ", "))
}

// HashNames returns the names of the hash algorithms.
func HashNames() []string {
	var names []string
	for h := psa.HashMD2; h <= psa.HashSHA3512; h++ {
		names = append(names, h.String())
	}
	return names
}

// ParseHash finds a hash by name: sha256, sha-256, sha3-256, ….
func ParseHash(name string) (psa.Hash, error) {
	plain := func(s string) string {
		return strings.NewReplacer("-", "", "_", "", "/", "").Replace(strings.ToLower(s))
	}
	for h := psa.HashMD2; h <= psa.HashSHA3512; h++ {
		if plain(h.String()) == plain(name) {
			return h, nil
		}
	}
	return 0, fmt.Errorf("no hash is called %q; there are %s", name, strings.Join(HashNames(), ", "))
}

// ParseAlgorithm reads an algorithm as psa.Algorithm.String writes it: NAME[:HASH][:LENGTH]
// or NAME:KDF:HASH for a key agreement. A hash that is left out is usual, if that is not
// HashNone.
func ParseAlgorithm(text string, usual psa.Hash) (psa.Algorithm, error) {
	parts := strings.Split(strings.ToLower(text), ":")
	kind, err := parseKind(parts[0])
	if err != nil {
		return psa.Algorithm{}, err
	}
	a := algorithm{psa.Algorithm{Kind: kind}}
	rest := parts[1:]
	if kind.Agreement() && len(rest) > 0 {
		if a.KDF, err = parseKind(rest[0]); err != nil {
			return a.Algorithm, err
		}
		a.KDFHash = psa.HashSHA256
		if len(rest) > 1 {
			a.KDFHash, err = ParseHash(rest[1])
		}
		rest = rest[min(2, len(rest)):]
	}
	for _, part := range rest {
		if err == nil {
			err = a.parameter(part)
		}
	}
	if err == nil && Hashed(kind) && a.Hash == psa.HashNone {
		a.Hash = usual
	}
	if err == nil {
		err = a.check()
	}
	return a.Algorithm, err
}

// algorithm is an algorithm while it is being read.
type algorithm struct{ psa.Algorithm }

// parameter reads a hash or a length.
func (a *algorithm) parameter(text string) error {
	if n, err := strconv.ParseUint(text, 10, 16); err == nil && a.Length == 0 {
		a.Truncated, a.Length = true, n
		return nil
	}
	switch {
	case a.Hash != psa.HashNone:
		return fmt.Errorf("algorithm %s cannot have the parameter %q", a.Kind, text)
	case text == "any":
		a.Hash = psa.HashAny
		return nil
	}
	var err error
	a.Hash, err = ParseHash(text)
	return err
}

func (a *algorithm) check() error {
	if err := a.Valid(); err != nil {
		return fmt.Errorf("%w: %q", err, a.String())
	}
	return nil
}

// Hashed reports whether algorithms of the kind name a hash.
func Hashed(k psa.Kind) bool {
	return slices.Contains([]psa.Kind{
		psa.AlgHash, psa.AlgHMAC, psa.AlgRSAPKCS1v15Sign, psa.AlgRSAPSS, psa.AlgECDSA, psa.AlgDeterministicECDSA, psa.AlgRSAOAEP,
		psa.AlgHKDF, psa.AlgTLS12PRF, psa.AlgTLS12PSKToMS,
	}, k)
}
