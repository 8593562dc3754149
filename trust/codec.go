package trust

import (
	"bytes"
	"maps"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

//go:generate go run ./mpack/codecgen .

func decodePublicKey(r *mpack.Reader, v *PublicKey)   { r.Fixed(v[:]) }
func encodePublicKey(w *mpack.Writer, v *PublicKey)   { w.Bytes(v[:]) }
func decodeVerifyKey(r *mpack.Reader, v *VerifyKey)   { r.Fixed(v[:]) }
func encodeVerifyKey(w *mpack.Writer, v *VerifyKey)   { w.Bytes(v[:]) }
func decodeHashDigest(r *mpack.Reader, v *HashDigest) { r.Fixed(v[:]) }
func encodeHashDigest(w *mpack.Writer, v *HashDigest) { w.Bytes(v[:]) }
func decodeSalt(r *mpack.Reader, v *Salt)             { r.Fixed(v[:]) }
func encodeSalt(w *mpack.Writer, v *Salt)             { w.Bytes(v[:]) }
func decodeX509Hash(r *mpack.Reader, v *X509Hash)     { decodeText(r, v, ParseX509Hash) }
func encodeX509Hash(w *mpack.Writer, v *X509Hash)     { w.String(v.String()) }

// maxSecret bounds secrets, shares among them.
const maxSecret = 64 << 10

// decodeSecret reads bytes and hands them to the constructor of a secret, which copies.
func decodeSecret[T any](r *mpack.Reader, v *T, construct func([]byte) (T, error)) {
	b := r.Bytes(maxSecret)
	if r.Err() != nil {
		return
	}
	made, err := construct(b)
	if err != nil {
		r.Fail(err)
		return
	}
	*v = made
}

func encodeSecret(w *mpack.Writer, s secret) {
	b, err := s.open()
	if err != nil {
		w.Fail(err)
		return
	}
	w.Bytes(b)
}

func decodeSecretKey(r *mpack.Reader, v *SecretKey)         { decodeSecret(r, v, NewSecretKey) }
func encodeSecretKey(w *mpack.Writer, v *SecretKey)         { encodeSecret(w, v.secret) }
func decodeKeyDerivation(r *mpack.Reader, v *KeyDerivation) { decodeSecret(r, v, NewKeyDerivation) }
func encodeKeyDerivation(w *mpack.Writer, v *KeyDerivation) { encodeSecret(w, v.secret) }

// sortedIDs puts the keys of a map in order, so that a value always gives the same bytes.
func sortedIDs[K Kind, V any](m map[ID[K]]V) []ID[K] {
	return slices.SortedFunc(maps.Keys(m), func(a, b ID[K]) int { return bytes.Compare(a[:], b[:]) })
}

func sortedEntryNames[V any](m map[EntryName]V) []EntryName {
	return slices.SortedFunc(maps.Keys(m), func(a, b EntryName) int { return bytes.Compare([]byte(a.s), []byte(b.s)) })
}

func decodeAccessToken(r *mpack.Reader, v *AccessToken) { decodeSecret(r, v, NewAccessToken) }
func encodeAccessToken(w *mpack.Writer, v *AccessToken) { encodeSecret(w, v.secret) }
func decodePrivateKey(r *mpack.Reader, v *PrivateKey)   { decodeSecret(r, v, NewPrivateKey) }
func encodePrivateKey(w *mpack.Writer, v *PrivateKey)   { encodeSecret(w, v.secret) }
func decodeSigningKey(r *mpack.Reader, v *SigningKey)   { decodeSecret(r, v, NewSigningKey) }
func encodeSigningKey(w *mpack.Writer, v *SigningKey)   { encodeSecret(w, v.secret) }
func decodeShare(r *mpack.Reader, v *Share)             { decodeSecret(r, v, NewShare) }
func encodeShare(w *mpack.Writer, v *Share)             { encodeSecret(w, v.secret) }

func decodeServerAddress(r *mpack.Reader, v *ServerAddress) {
	s := r.String(maxURL)
	if r.Err() != nil {
		return
	}
	a, err := ParseServerURL(s)
	if err != nil {
		r.Fail(err)
		return
	}
	*v = a
}

func encodeServerAddress(w *mpack.Writer, v *ServerAddress) { w.String(v.HTTP()) }

func decodeTextKey(r *mpack.Reader, v *TextKey) {
	if b := r.Text(maxKeyText); r.Err() == nil {
		*v = TextKey{newSecret(b)}
	}
}

func encodeTextKey(w *mpack.Writer, v *TextKey) {
	b, err := v.open()
	if err != nil {
		w.Fail(err)
		return
	}
	w.StringBytes(b)
}
