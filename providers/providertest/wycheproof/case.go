package wycheproof

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	vectors "github.com/c2sp/wycheproof"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// Op is the operation that a case is about.
type Op uint8

// The operations. The comment says what Input and Output are.
const (
	VerifyMessage Op = iota + 1 // Input is the message, Output the signature
	Decrypt                     // Input is the ciphertext, Salt the label, Output the plaintext
	Seal                        // Input is the plaintext, Output is ciphertext ‖ tag
	Open                        // Input is ciphertext ‖ tag, Output the plaintext
	CipherDecrypt               // Input is IV ‖ ciphertext, Output the plaintext
	MAC                         // Input is the message, Output the code to verify
	Agree                       // Input is the peer's public key, Output the shared secret
)

// Result is what must come of a case.
type Result string

// The results. With Acceptable both are right, but a success must give Output.
const (
	Valid      Result = "valid"
	Invalid    Result = "invalid"
	Acceptable Result = "acceptable"
)

// Case is one vector. With result Valid the key can be imported and the operation succeeds
// with Output; with Invalid the import or the operation is refused.
type Case struct {
	File    string
	ID      int
	Comment string
	Flags   []string
	Want    Result
	// Exception says why the service refuses the case although it is valid; a replay must
	// see it refused, and not because of the cryptography.
	Exception string

	// Attributes is the key with a policy for just this operation; Bits is 0. KeyData is in
	// the format of section 3.5.
	Attributes psa.Attributes
	KeyData    []byte

	Op                    Op
	Nonce, AdditionalData []byte // for Seal and Open
	Salt                  []byte // for Decrypt
	Input, Output         []byte
}

// Algorithm is the algorithm of the operation, which is the policy's.
func (c *Case) Algorithm() psa.Algorithm { return c.Attributes.Alg }

func (c *Case) String() string { return fmt.Sprintf("%s/%d (%s)", c.File, c.ID, c.Comment) }

// Has reports whether the vector has the flag.
func (c *Case) Has(flag string) bool { return slices.Contains(c.Flags, flag) }

// hexBytes is a field in hexadecimal.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) error {
	b, err := hex.AppendDecode(nil, text)
	*h = b
	return err
}

// group is the union of the fields of all kinds of group that are read.
type group struct {
	Type       string          `json:"type"`
	Hash       string          `json:"sha"`
	MGFHash    string          `json:"mgfSha"`
	SaltLength int             `json:"sLen"`
	KeySize    int             `json:"keySize"`
	TagSize    int             `json:"tagSize"`
	Curve      string          `json:"curve"`
	PublicKey  json.RawMessage `json:"publicKey"`
	PublicASN  hexBytes        `json:"publicKeyAsn"`
	PKCS8      hexBytes        `json:"privateKeyPkcs8"`
	Tests      []test          `json:"tests"`
}

// test is the union of the fields of all kinds of test that are read.
type test struct {
	ID      int      `json:"tcId"`
	Comment string   `json:"comment"`
	Flags   []string `json:"flags"`
	Result  Result   `json:"result"`
	Key     hexBytes `json:"key"`
	IV      hexBytes `json:"iv"`
	AD      hexBytes `json:"aad"`
	Msg     hexBytes `json:"msg"`
	CT      hexBytes `json:"ct"`
	Tag     hexBytes `json:"tag"`
	Label   hexBytes `json:"label"`
	Sig     hexBytes `json:"sig"`
	Public  hexBytes `json:"public"`
	Private hexBytes `json:"private"`
	Shared  hexBytes `json:"shared"`
}

// Load returns the cases of one file of Files, in its order.
func Load(t testing.TB, file string) []Case {
	t.Helper()
	raw, err := fs.ReadFile(vectors.TestVectors, file)
	if err != nil {
		t.Fatalf("read vectors: %v", err)
	}
	var content struct {
		Algorithm string  `json:"algorithm"`
		Groups    []group `json:"testGroups"`
	}
	if err := json.Unmarshal(raw, &content); err != nil {
		t.Fatalf("parse vectors %s: %v", file, err)
	}
	var cases []Case
	for i := range content.Groups {
		g := &content.Groups[i]
		for j := range g.Tests {
			v := &g.Tests[j]
			c := Case{File: file, ID: v.ID, Comment: v.Comment, Flags: v.Flags, Want: v.Result}
			more, err := convert(content.Algorithm, g, v, c)
			if err != nil {
				t.Fatalf("%s: %v", &c, err)
			}
			cases = append(cases, more...)
		}
	}
	if len(cases) == 0 {
		t.Fatalf("no case in %s", file)
	}
	return cases
}
