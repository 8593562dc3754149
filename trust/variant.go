package trust

import (
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// unknownVariant makes a reader fail at a variant that it does not know.
func unknownVariant(r *mpack.Reader, what, kind string) { r.Unknown(what, kind) }

func decodeIdentitySystem(r *mpack.Reader, v *IdentitySystem) {
	switch kind := r.Discriminant("type"); kind {
	case (*PKIIdentity)(nil).Type():
		v.PKI = &PKIIdentity{}
		v.PKI.decode(r)
	case (*OpenBaoIdentity)(nil).Type():
		v.OpenBao = &OpenBaoIdentity{}
		v.OpenBao.decode(r)
	default:
		unknownVariant(r, "identity system", kind)
	}
}

func encodeIdentitySystem(w *mpack.Writer, v *IdentitySystem) {
	switch {
	case v.PKI != nil:
		v.PKI.encode(w)
	case v.OpenBao != nil:
		v.OpenBao.encode(w)
	default:
		w.Fail(ErrName)
	}
}

// InfoOrigin says where a device has a piece of information about a workspace from: a certificate of a moment, or nowhere yet.
type InfoOrigin struct {
	Certificate bool
	Timestamp   DateTime
}

//codec:map CERTIFICATE
type certificateOrigin struct {
	Timestamp DateTime `mp:"timestamp"`
}

//codec:map PLACEHOLDER
type placeholderOrigin struct{}

func decodeInfoOrigin(r *mpack.Reader, v *InfoOrigin) {
	switch kind := r.Discriminant("type"); kind {
	case "CERTIFICATE":
		o := certificateOrigin{}
		decodeCertificateOrigin(r, &o)
		*v = InfoOrigin{Certificate: true, Timestamp: o.Timestamp}
	case "PLACEHOLDER":
		decodePlaceholderOrigin(r, &placeholderOrigin{})
	default:
		unknownVariant(r, "origin", kind)
	}
}

func encodeInfoOrigin(w *mpack.Writer, v *InfoOrigin) {
	if v.Certificate {
		encodeCertificateOrigin(w, &certificateOrigin{Timestamp: v.Timestamp})
		return
	}
	encodePlaceholderOrigin(w, &placeholderOrigin{})
}
