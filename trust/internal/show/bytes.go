package show

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"unicode/utf8"
)

// known are the bytes that are public and of a form that can be read, by their names on the wire.
var known = map[string]func([]byte) (string, bool){
	"verify_key_der":     rsaKey,
	"encryption_key_der": rsaKey,
	"der_issuer":         distinguishedName,
	"der_subject":        distinguishedName,
	"serial":             short,
	"id":                 short,
	"label":              label,
}

// content is Bytes, or something that tells more.
func content(key string, b []byte) string {
	if read, ok := known[key]; ok {
		if text, ok := read(b); ok {
			return text
		}
	}
	return Bytes(b)
}

func rsaKey(der []byte) (string, bool) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	key, ok := parsed.(*rsa.PublicKey)
	if err != nil || !ok {
		return "", false
	}
	return fmt.Sprintf("RSA %d bits, %s", key.N.BitLen(), Bytes(der)), true
}

func distinguishedName(der []byte) (string, bool) {
	sequence := pkix.RDNSequence{}
	rest, err := asn1.Unmarshal(der, &sequence)
	if err != nil || len(rest) > 0 || len(sequence) == 0 {
		return "", false
	}
	return Text(sequence.String()), true
}

// short is for numbers that others gave.
func short(b []byte) (string, bool) {
	const most = 64
	return hex.EncodeToString(b), len(b) > 0 && len(b) <= most
}

func label(b []byte) (string, bool) { return Text(string(b)), len(b) > 0 && utf8.Valid(b) }
