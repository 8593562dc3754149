package cardtest

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"time"
)

// version is the firmware that a card with Options.YubiKey claims: one with a serial number
// and attestation, and without metadata (INS F7), which is newer.
var version = []byte{5, 2, 7}

// yubiKey does what YubiKeys have beyond PIV.
func (c *Card) yubiKey(cmd command) ([]byte, status) {
	switch cmd.ins {
	case insGetVersion:
		return version, swOK
	case insGetSerial:
		return c.serial[:], swOK
	case insAttest:
		return c.attest(Slot(cmd.p1))
	case insSetManagement:
		return nil, c.setManagement(cmd)
	default:
		return nil, swNoInstruction
	}
}

// setManagement replaces the management key: algorithm, 9B, length, key.
func (c *Card) setManagement(cmd command) status {
	const head = 3
	switch {
	case !c.managed:
		return swNoSecurity
	case len(cmd.data) != head+24 || cmd.data[0] != alg3DES || cmd.data[1] != byte(manager) || cmd.data[2] != 24:
		return swWrongData
	}
	c.management = management{algorithm: alg3DES, key: append([]byte(nil), cmd.data[head:]...)}
	return swOK
}

// attestation makes the key and the certificate of the attestation slot, which the maker of
// a YubiKey puts there.
func (c *Card) attestation() {
	if _, err := c.put(Attestation, P256, x509.KeyUsageCertSign); err != nil {
		panic(err) // a key on P-256 can be made
	}
}

// Extensions of Yubico's attestation certificates: firmware, serial number, PIN and touch
// policy.
func (c *Card) attested(k *key) []pkix.Extension {
	oid := func(n int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, n} }
	serial, _ := asn1.Marshal(new(big.Int).SetBytes(c.serial[:])) // an integer encodes
	pin := map[pinPolicy]byte{pinNever: 1, pinOnce: 2, pinAlways: 3}[k.pin]
	return []pkix.Extension{{Id: oid(3), Value: version}, {Id: oid(7), Value: serial}, {Id: oid(8), Value: []byte{pin, 1}}}
}

// attest certifies with the attestation key that a key was made on the card.
func (c *Card) attest(slot Slot) ([]byte, status) {
	k, by := c.keys[slot], c.keys[Attestation]
	if k == nil || !slot.known() || by == nil {
		return nil, swNoReference
	}
	certificate, err := x509.ParseCertificate(c.certificateOf(Attestation))
	if err != nil {
		return nil, swNotFound
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(slot)), Subject: pkix.Name{CommonName: "attestation of slot " + slot.name()},
		NotBefore: certificate.NotBefore, NotAfter: certificate.NotAfter, ExtraExtensions: c.attested(k),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, certificate, k.publicKey(), by.private())
	if err != nil {
		return nil, swWrongData
	}
	return der, swOK
}

// lifetime is how long certificates of the card are valid.
const lifetime = 10 * 365 * 24 * time.Hour
