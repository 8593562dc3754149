package psa_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psatest"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// p256 is the attributes of section 3.3's worked example.
const p256 = "0a045a020802" + "108002" + "1a100a0440014801" + "1208320622040a021007"

// TestAttributesRules goes through every rule of sections 3.2 and 3.3 on the bytes of
// attributes: what is mandatory and which numbers exist.
func TestAttributesRules(t *testing.T) {
	const policy = "1a100a0440014801" + "1208320622040a021007"
	withType := func(variant string) string { return fmt.Sprintf("0a%02x%s", len(variant)/2, variant) + policy }
	withAlg := func(alg string) string {
		alg = fmt.Sprintf("12%02x%s", len(alg)/2, alg)
		inner := "0a00" + alg
		return "0a045a020802" + fmt.Sprintf("1a%02x%s", len(inner)/2, inner)
	}
	for name, c := range map[string]struct {
		body string
		ok   bool
	}{
		"whole":                 {p256, true},
		"empty":                 {"", false},
		"no type":               {"108002" + policy, false},
		"no bits":               {"0a045a020802" + policy, true},
		"no policy":             {"0a045a020802108002", false},
		"empty type":            {"0a00" + policy, false},
		"type 15":               {withType("7a00"), false},
		"no usage flags":        {"0a045a020802" + "1a0a" + "1208320622040a021007", false},
		"empty usage flags":     {"0a045a020802" + "1a0c0a00" + "1208320622040a021007", true},
		"no algorithm":          {"0a045a020802" + "1a020a00", false},
		"empty algorithm":       {withAlg(""), false},
		"raw data":              {withType("0a00"), true},
		"dh pair, empty":        {withType("6a00"), true},
		"dh pair, group 1":      {withType("6a020801"), false},
		"dh public, group 1":    {withType("72020801"), false},
		"dh public, group 0":    {withType("72020800"), true},
		"ecc, no curve":         {withType("5a00"), false},
		"ecc, curve 9":          {withType("5a020809"), true},
		"ecc, curve 10":         {withType("5a02080a"), false},
		"ecc, negative curve":   {withType("5a0b08ffffffffffffffffff01"), false},
		"ecc public, curve 0":   {withType("62020800"), false},
		"ecc, curve 2^32+2":     {withType("5a06088280808010"), true},
		"last type wins":        {withType("0a005a020802"), true},
		"last type wins, wrong": {withType("0a005a00"), false},
		"none":                  {withAlg("0a00"), true},
		"hash 0":                {withAlg("1000"), false},
		"hash 1":                {withAlg("1001"), true},
		"hash 15":               {withAlg("100f"), true},
		"hash 16":               {withAlg("1010"), false},
		"mac, empty":            {withAlg("1a00"), false},
		"mac, empty full":       {withAlg("1a020a00"), false},
		"hmac, hash 0":          {withAlg("1a040a020a00"), false},
		"hmac":                  {withAlg("1a060a040a020807"), true},
		"cbc-mac":               {withAlg("1a040a021200"), true},
		"cmac":                  {withAlg("1a040a021a00"), true},
		"truncated, no mac":     {withAlg("1a0412021004"), false},
		"truncated, empty mac":  {withAlg("1a0412020a00"), false},
		"truncated cmac":        {withAlg("1a0812060a021a001004"), true},
		"truncated, no length":  {withAlg("1a0612040a021a00"), true},
		"cipher 0":              {withAlg("2000"), false},
		"cipher 8":              {withAlg("2008"), true},
		"cipher 9":              {withAlg("2009"), false},
		"aead, empty":           {withAlg("2a00"), false},
		"aead 0":                {withAlg("2a020800"), false},
		"aead 3":                {withAlg("2a020803"), true},
		"aead 4":                {withAlg("2a020804"), false},
		"shortened, aead 0":     {withAlg("2a0412021008"), false},
		"shortened gcm":         {withAlg("2a06120408021008"), true},
		"signature, empty":      {withAlg("3200"), false},
		"pkcs1, no hash":        {withAlg("32020a00"), false},
		"pkcs1, empty hash":     {withAlg("32040a020a00"), false},
		"pkcs1, any":            {withAlg("32060a040a020a00"), true},
		"pkcs1, hash 0":         {withAlg("32060a040a021000"), false},
		"pkcs1, hash 16":        {withAlg("32060a040a021010"), false},
		"pkcs1 raw":             {withAlg("32021200"), true},
		"pss":                   {withAlg("32061a040a021007"), true},
		"ecdsa any":             {withAlg("32022a00"), true},
		"deterministic":         {withAlg("320632040a021007"), true},
		"signature 7":           {withAlg("32023a00"), false},
		"encryption, empty":     {withAlg("3a00"), false},
		"pkcs1 crypt":           {withAlg("3a020a00"), true},
		"oaep, hash 0":          {withAlg("3a021200"), false},
		"oaep":                  {withAlg("3a0412020807"), true},
		"agreement, empty":      {withAlg("4200"), false},
		"raw 0":                 {withAlg("42020800"), false},
		"raw 2":                 {withAlg("42020802"), true},
		"raw 3":                 {withAlg("42020803"), false},
		"with kdf, none":        {withAlg("420412020802"), false},
		"with kdf, empty":       {withAlg("4206120408021200"), false},
		"with kdf, hash 0":      {withAlg("42081206080212020a00"), false},
		"with kdf, agreement 0": {withAlg("42081206" + "1204" + "0a020807"), false},
		"with kdf":              {withAlg("420a1208" + "0802" + "1204" + "0a020807"), true},
		"derivation, empty":     {withAlg("4a00"), false},
		"hkdf, hash 0":          {withAlg("4a020a00"), false},
		"tls12 prf":             {withAlg("4a0412020807"), true},
		"tls12 psk to ms":       {withAlg("4a041a020807"), true},
		"derivation 4":          {withAlg("4a0422020807"), false},
	} {
		t.Run(name, func(t *testing.T) {
			m := &psapb.KeyAttributes{}
			if err := psa.Unmarshal(unhex(t, c.body), m); err != nil {
				t.Fatalf("the test's bytes: %v", err)
			}
			a, err := psa.DecodeAttributes(m)
			if c.ok && err != nil || !c.ok && !errors.Is(err, wire.StatusInvalidEncoding) {
				t.Errorf("got %+v, %v, want valid %t", a, err, c.ok)
			}
		})
	}
	if _, err := psa.DecodeAttributes(nil); !errors.Is(err, wire.StatusInvalidEncoding) {
		t.Errorf("absent attributes: %v", err)
	}
}

// TestMissingMessages: every decoder answers an absent message as an invalid one.
func TestMissingMessages(t *testing.T) {
	for name, f := range map[string]func() (psa.Algorithm, error){
		"algorithm":     func() (psa.Algorithm, error) { return psa.DecodeAlgorithm(nil) },
		"MAC":           func() (psa.Algorithm, error) { return psa.DecodeMAC(nil) },
		"AEAD":          func() (psa.Algorithm, error) { return psa.DecodeAEAD(nil) },
		"signature":     func() (psa.Algorithm, error) { return psa.DecodeSignature(nil) },
		"encryption":    func() (psa.Algorithm, error) { return psa.DecodeEncryption(nil) },
		"cipher 0":      func() (psa.Algorithm, error) { return psa.DecodeCipher(0) },
		"cipher -1":     func() (psa.Algorithm, error) { return psa.DecodeCipher(-1) },
		"agreement 0":   func() (psa.Algorithm, error) { return psa.DecodeRawAgreement(0) },
		"agreement 257": func() (psa.Algorithm, error) { return psa.DecodeRawAgreement(257) },
	} {
		if _, err := f(); !errors.Is(err, wire.StatusInvalidEncoding) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, n := range []int32{-1, 0, 5, 257} {
		if _, err := psa.DecodeCheck(n); !errors.Is(err, wire.StatusInvalidEncoding) {
			t.Errorf("check %d: %v", n, err)
		}
	}
	for _, n := range []int32{-1, 0, 16, 255, 263} {
		if _, err := psa.DecodeHash(n); !errors.Is(err, wire.StatusInvalidEncoding) {
			t.Errorf("hash %d: %v", n, err)
		}
	}
	for n := int32(1); n <= 4; n++ {
		if c, err := psa.DecodeCheck(n); err != nil || int32(c) != n {
			t.Errorf("check %d: %v, %v", n, c, err)
		}
	}
}

func TestUsageFlags(t *testing.T) {
	for i := range 10 {
		flags := fmt.Sprintf("%02x01", (i+1)<<3)
		m := &psapb.KeyAttributes{}
		if err := psa.Unmarshal(unhex(t, "0a021200"+"1a080a02"+flags+"12020a00"), m); err != nil {
			t.Fatal(err)
		}
		a, err := psa.DecodeAttributes(m)
		if want := psa.Usage(1 << i).Expand(); err != nil || a.Usage != want {
			t.Errorf("flag %d: %v, %v, want %v", i+1, a.Usage.Names(), err, want.Names())
		}
	}
}

// TestRecordedBodies decodes the body of every recorded key operation and encodes it
// again to the same bytes.
func TestRecordedBodies(t *testing.T) {
	n := 0
	for _, v := range recorded(t) {
		m := psatest.Request(v.op)
		if m == nil || v.status == wire.StatusDeserializingBody || v.name == "unknown_protobuf_field_ignored" {
			continue
		}
		if err := psa.Unmarshal(v.body, m); err != nil {
			t.Errorf("%s: %v", v.name, err)
			continue
		}
		if got := marshal(t, m); got != fmt.Sprintf("%x", v.body) {
			t.Errorf("%s:\n%x becomes\n%s", v.name, v.body, got)
		}
		n++
	}
	if n < 80 {
		t.Errorf("only %d bodies", n)
	}
}
