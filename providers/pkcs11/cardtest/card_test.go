package cardtest_test

import (
	"bytes"
	"crypto/aes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/cardtest"
)

// send sends a command in hexadecimal and checks the status.
func send(t *testing.T, c *cardtest.Card, command string, want uint16) []byte {
	t.Helper()
	b, err := hex.DecodeString(command)
	if err != nil {
		t.Fatal(err)
	}
	out := c.Transmit(b)
	if sw := binary.BigEndian.Uint16(out[len(out)-2:]); sw != want {
		t.Fatalf("%s: status %04x, want %04x", command, sw, want)
	}
	return out[:len(out)-2]
}

const (
	selectPIV = "00a4040005a000000308"
	right     = "0020008008313233343536ffff"
	wrong     = "0020008008363534333231ffff"
	query     = "00200080"
)

// selected makes a card and selects its application.
func selected(t *testing.T, o cardtest.Options) *cardtest.Card {
	t.Helper()
	c := cardtest.New(o)
	send(t, c, query, 0x6d00)
	send(t, c, "00a4040006a00000000000", 0x6a82)
	send(t, c, selectPIV, 0x9000)
	return c
}

func TestPIN(t *testing.T) {
	c := selected(t, cardtest.Options{})
	send(t, c, query, 0x63c3)
	send(t, c, wrong, 0x63c2)
	send(t, c, right, 0x9000)
	send(t, c, query, 0x9000)
	send(t, c, "0020ff80", 0x9000)
	send(t, c, query, 0x63c3)
	send(t, c, "0020008106313233343536", 0x6a88)
	for _, sw := range []uint16{0x63c2, 0x63c1, 0x6983, 0x6983} {
		send(t, c, wrong, sw)
	}
	send(t, c, right, 0x6983)
	send(t, c, query, 0x6983)
	if n := c.Counts(); n.Verified != 1 || n.Refused != 6 || c.Tries() != 0 {
		t.Errorf("%+v, %d tries", n, c.Tries())
	}
	const puk, next = "3132333435363738", "3132333435363737"
	send(t, c, "002c008010"+next+next, 0x63c2)
	send(t, c, "002c008010"+puk+next, 0x9000)
	send(t, c, "0020008008"+next, 0x9000)
	send(t, c, "0024008010"+next+"313233343536ffff", 0x9000)
	send(t, c, "0024008010"+"313233343536ffff"+"3132ffffffffffff", 0x6a80)
	send(t, c, "0024008110"+puk+next, 0x9000)
	send(t, c, right, 0x9000)
}

func TestAnswersInPieces(t *testing.T) {
	c := selected(t, cardtest.Options{})
	c.Put(t, cardtest.Authentication, cardtest.RSA2048, x509.KeyUsageDigitalSignature)
	const get = "00cb3fff055c035fc105"
	whole := send(t, c, "00cb3fff0000055c035fc1050000", 0x9000)
	got := send(t, c, get+"00", 0x61ff)
	for left := len(whole) - len(got); left > 0; left = len(whole) - len(got) {
		want := uint16(0x9000)
		if left > 256 {
			want = 0x6100 | uint16(min(left-256, 255))
		}
		got = append(got, send(t, c, "00c0000000", want)...)
	}
	if !bytes.Equal(got, whole) || !bytes.Contains(whole, c.Certificate(cardtest.Authentication)) {
		t.Errorf("%x, whole %x", got, whole)
	}
	send(t, c, "00cb3fff055c035fc10a00", 0x6a82)
	send(t, c, "00cb3fff055c035fc10900", 0x6982)
}

func TestSignInPieces(t *testing.T) {
	c := selected(t, cardtest.Options{})
	certificate := c.Put(t, cardtest.Signature, cardtest.P256, x509.KeyUsageDigitalSignature)
	public := certificate.PublicKey.(*ecdsa.PublicKey) //nolint:errcheck,forcetypeassert // of the card's algorithm
	hash := bytes.Repeat([]byte{0x42}, 32)
	head, tail := "1087119c06"+"7c2482008120", "0087119c20"+hex.EncodeToString(hash)+"00"
	sign := func(want uint16) []byte { send(t, c, head, 0x9000); return send(t, c, tail, want) }
	sign(0x6982)
	send(t, c, right, 0x9000)
	out := sign(0x9000)
	if len(out) < 4 || !ecdsa.VerifyASN1(public, hash, out[4:]) {
		t.Errorf("the signature %x is wrong", out)
	}
	sign(0x6982) // the PIN is wanted before each signature
	send(t, c, right, 0x9000)
	send(t, c, "00cb3fff035c017e00", 0x9000)
	sign(0x6982) // and directly before
	send(t, c, "1087119c06"+"7c2482008120", 0x9000)
	send(t, c, query, 0x9000) // another command ends the chain
	if n := c.Counts(); n.Operations != 1 {
		t.Errorf("%+v", n)
	}
}

// TestManagement authenticates with the management key in both ways and makes a key.
func TestManagement(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 16)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	const generate = "0047009a05ac03800111"
	t.Run("external", func(t *testing.T) {
		c := selected(t, cardtest.Options{ManagementAES: key})
		send(t, c, generate, 0x6982)
		challenge := send(t, c, "0087089b04"+"7c028100"+"00", 0x9000)[4:]
		response := make([]byte, 16)
		block.Encrypt(response, challenge)
		send(t, c, "0087089b14"+"7c128210"+hex.EncodeToString(response), 0x9000)
		out := send(t, c, generate, 0x9000)
		if _, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), out[len(out)-65:]); err != nil {
			t.Error(err)
		}
		send(t, c, "00db3fff0e5c035fc1055307"+"70022a2afe00ff", 0x9000)
		if got := send(t, c, "00cb3fff055c035fc10500", 0x9000); hex.EncodeToString(got) != "530770022a2afe00ff" {
			t.Errorf("%x", got)
		}
		send(t, c, "00db3fff075c035fc1055300", 0x9000)
		send(t, c, "00cb3fff055c035fc10500", 0x6a82)
	})
	t.Run("mutual", func(t *testing.T) {
		c := selected(t, cardtest.Options{ManagementAES: key})
		witness := send(t, c, "0087089b04"+"7c028000"+"00", 0x9000)[4:]
		plain := make([]byte, 16)
		block.Decrypt(plain, witness)
		challenge := bytes.Repeat([]byte{9}, 16)
		out := send(t, c, "0087089b26"+"7c248010"+hex.EncodeToString(plain)+"8110"+hex.EncodeToString(challenge)+"00", 0x9000)
		want := make([]byte, 16)
		block.Encrypt(want, challenge)
		if !bytes.Equal(out[4:], want) {
			t.Errorf("the card proves %x", out)
		}
		send(t, c, generate, 0x9000)
	})
	t.Run("wrong", func(t *testing.T) {
		c := selected(t, cardtest.Options{ManagementAES: key})
		send(t, c, "0087089b04"+"7c028100"+"00", 0x9000)
		send(t, c, "0087089b14"+"7c128210"+"00000000000000000000000000000000", 0x6982)
		send(t, c, "0087089b14"+"7c128210"+"00000000000000000000000000000000", 0x6a80)
		send(t, c, "0087039b04"+"7c028100"+"00", 0x6a86)
		send(t, c, generate, 0x6982)
	})
}

// FuzzTransmit: whatever comes, the card answers with a status, and no key is used and no
// PIN is taken by chance.
func FuzzTransmit(f *testing.F) {
	for _, s := range []string{selectPIV, right, wrong, query, "00cb3fff055c035fc10500", "0087119c06" + "7c2482008120", "00c0000000", "1087119c00", "00870000"} {
		b, err := hex.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, true)
	}
	c := cardtest.New(cardtest.Options{YubiKey: true})
	f.Fuzz(func(t *testing.T, b []byte, fresh bool) {
		if fresh {
			c = cardtest.New(cardtest.Options{YubiKey: true})
			c.Transmit([]byte{0, 0xa4, 4, 0, 5, 0xa0, 0, 0, 3, 8})
		}
		out := c.Transmit(b)
		if len(out) < 2 || len(out) > 65538 {
			t.Errorf("%x is answered with %d bytes", b, len(out))
		}
		if n := c.Counts(); n.Operations != 0 {
			t.Errorf("%x: %+v", b, n)
		}
	})
}
