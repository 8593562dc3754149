package trust

import (
	"bytes"
	"maps"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// Codecs of single values, for the messages of proto/cloud and the files of enrol that carry them. Encoders refuse the zero value of a type that has none.

// DecodeDateTime reads a value.
func DecodeDateTime(r *mpack.Reader, v *DateTime) { decodeDateTime(r, v) }

// EncodeDateTime writes a value.
func EncodeDateTime(w *mpack.Writer, v *DateTime) { encodeDateTime(w, v) }

// DecodeHashDigest reads a value.
func DecodeHashDigest(r *mpack.Reader, v *HashDigest) { decodeHashDigest(r, v) }

// EncodeHashDigest writes a value.
func EncodeHashDigest(w *mpack.Writer, v *HashDigest) { encodeHashDigest(w, v) }

// DecodePublicKey reads a value.
func DecodePublicKey(r *mpack.Reader, v *PublicKey) { decodePublicKey(r, v) }

// EncodePublicKey writes a value.
func EncodePublicKey(w *mpack.Writer, v *PublicKey) { encodePublicKey(w, v) }

// DecodeVerifyKey reads a value.
func DecodeVerifyKey(r *mpack.Reader, v *VerifyKey) { decodeVerifyKey(r, v) }

// EncodeVerifyKey writes a value.
func EncodeVerifyKey(w *mpack.Writer, v *VerifyKey) { encodeVerifyKey(w, v) }

// DecodeSecretKey reads a value.
func DecodeSecretKey(r *mpack.Reader, v *SecretKey) { decodeSecretKey(r, v) }

// EncodeSecretKey writes a value.
func EncodeSecretKey(w *mpack.Writer, v *SecretKey) { encodeSecretKey(w, v) }

// DecodeAccessToken reads a value.
func DecodeAccessToken(r *mpack.Reader, v *AccessToken) { decodeAccessToken(r, v) }

// EncodeAccessToken writes a value.
func EncodeAccessToken(w *mpack.Writer, v *AccessToken) { encodeAccessToken(w, v) }

// DecodeProfile reads a value.
func DecodeProfile(r *mpack.Reader, v *Profile) { decodeProfile(r, v) }

// EncodeProfile writes a value.
func EncodeProfile(w *mpack.Writer, v *Profile) { encodeProfile(w, v) }

// DecodeOrganizationID reads a value.
func DecodeOrganizationID(r *mpack.Reader, v *OrganizationID) { decodeOrganizationID(r, v) }

// EncodeOrganizationID writes a value.
func EncodeOrganizationID(w *mpack.Writer, v *OrganizationID) { encodeOrganizationID(w, v) }

// DecodeHumanHandle reads a value.
func DecodeHumanHandle(r *mpack.Reader, v *HumanHandle) { decodeHumanHandle(r, v) }

// EncodeHumanHandle writes a value.
func EncodeHumanHandle(w *mpack.Writer, v *HumanHandle) { encodeHumanHandle(w, v) }

// DecodeDeviceLabel reads a value.
func DecodeDeviceLabel(r *mpack.Reader, v *DeviceLabel) { decodeText(r, v, NewDeviceLabel) }

// EncodeDeviceLabel writes a value.
func EncodeDeviceLabel(w *mpack.Writer, v *DeviceLabel) { encodeText(w, v.text) }

// DecodeServerAddress reads a value.
func DecodeServerAddress(r *mpack.Reader, v *ServerAddress) { decodeServerAddress(r, v) }

// EncodeServerAddress writes a value.
func EncodeServerAddress(w *mpack.Writer, v *ServerAddress) { encodeServerAddress(w, v) }

// DecodeEmailAddress reads a value.
func DecodeEmailAddress(r *mpack.Reader, v *EmailAddress) { decodeText(r, v, NewEmailAddress) }

// EncodeEmailAddress writes a value.
func EncodeEmailAddress(w *mpack.Writer, v *EmailAddress) { encodeText(w, v.text) }

// DecodeValidationCode reads a value.
func DecodeValidationCode(r *mpack.Reader, v *ValidationCode) { decodeText(r, v, ParseValidationCode) }

// EncodeValidationCode writes a value.
func EncodeValidationCode(w *mpack.Writer, v *ValidationCode) { encodeText(w, text{string(*v)}) }

// DecodeUntrustedPasswordAlgorithm reads a value.
func DecodeUntrustedPasswordAlgorithm(r *mpack.Reader, v *UntrustedPasswordAlgorithm) {
	decodeUntrustedPasswordAlgorithm(r, v)
}

// EncodeUntrustedPasswordAlgorithm writes a value.
func EncodeUntrustedPasswordAlgorithm(w *mpack.Writer, v *UntrustedPasswordAlgorithm) {
	encodeUntrustedPasswordAlgorithm(w, v)
}

// DecodeTOTPSecret reads a value. Servers of old had secrets of other sizes, which authenticator applications take.
func DecodeTOTPSecret(r *mpack.Reader, v *TOTPSecret) {
	decodeSecret(r, v, func(b []byte) (TOTPSecret, error) { return TOTPSecret{newSecret(b)}, nil })
}

// EncodeTOTPSecret writes a value.
func EncodeTOTPSecret(w *mpack.Writer, v *TOTPSecret) { encodeSecret(w, v.secret) }

// DecodeID reads an id.
func DecodeID[K Kind](r *mpack.Reader, v *ID[K]) { decodeID(r, v) }

// EncodeID writes an id.
func EncodeID[K Kind](w *mpack.Writer, v *ID[K]) { encodeID(w, v) }

// SortedIDs returns the keys of a map in order.
func SortedIDs[K Kind, V any](m map[ID[K]]V) []ID[K] { return sortedIDs(m) }

// SortedHashDigests returns the keys of a map in order.
func SortedHashDigests[V any](m map[HashDigest]V) []HashDigest {
	return slices.SortedFunc(maps.Keys(m), func(a, b HashDigest) int { return bytes.Compare(a[:], b[:]) })
}
