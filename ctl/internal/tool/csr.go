package tool

import (
	"context"
	"encoding/asn1"
	"fmt"
	"net/netip"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/seed-73b3884f/parsec-agent/ctl/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// subjectParts are the options of create-csr in the order in which the original writes
// them into the subject.
var subjectParts = []struct {
	option string
	oid    asn1.ObjectIdentifier
}{
	{"cn", asn1.ObjectIdentifier{2, 5, 4, 3}},
	{"ou", asn1.ObjectIdentifier{2, 5, 4, 11}},
	{"o", asn1.ObjectIdentifier{2, 5, 4, 10}},
	{"l", asn1.ObjectIdentifier{2, 5, 4, 7}},
	{"st", asn1.ObjectIdentifier{2, 5, 4, 8}},
	{"c", asn1.ObjectIdentifier{2, 5, 4, 6}},
	{"serialNumber", asn1.ObjectIdentifier{2, 5, 4, 5}},
}

var (
	oidExtensionRequest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 14}
	oidSubjectAltName   = asn1.ObjectIdentifier{2, 5, 29, 17}
)

// signatureAlgorithm is how a request names the way it is signed.
type signatureAlgorithm struct {
	oid  asn1.ObjectIdentifier
	null bool // parameters are NULL instead of absent
}

var requestAlgorithms = map[psa.Algorithm]signatureAlgorithm{
	{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256}: {asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, true},
	{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA384}: {asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}, true},
	{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA512}: {asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}, true},
	{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}:           {asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, false},
	{Kind: psa.AlgECDSA, Hash: psa.HashSHA384}:           {asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}, false},
}

func createCSR(ctx context.Context, r *run) error {
	data, err := r.client.ExportPublicKey(ctx, r.key())
	if err != nil {
		return err
	}
	a, err := r.attributes(ctx)
	if err != nil {
		return err
	}
	alg, err := r.requestAlgorithm(a)
	if err != nil {
		return err
	}
	if err := r.checkNames(); err != nil {
		return err
	}
	spki, _, err := keyfile.EncodePublic(a, data, keyfile.Standard)
	if err != nil {
		return errNotSupported
	}
	info, err := r.requestInfo(spki)
	if err != nil {
		return err
	}
	signature, err := r.sign(ctx, a, alg, info)
	if err != nil {
		return errSigning
	}
	der, err := signedRequest(info, requestAlgorithms[alg], signature)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "%s\n", keyfile.PEM(der, "CERTIFICATE REQUEST"))
	return nil
}

// requestAlgorithm chooses how the request is signed, or says why it cannot be.
func (r *run) requestAlgorithm(a psa.Attributes) (psa.Algorithm, error) {
	alg := a.Alg
	if alg.Hash == psa.HashAny {
		alg.Hash = psa.HashSHA256
	}
	_, possible := requestAlgorithms[alg]
	switch {
	case !alg.Kind.Signature():
		return alg, r.refuse(errWrongAlgorithm, "Specified key is not an asymmetric signing key, which is needed for certificate requests.")
	case alg.Kind == psa.AlgRSAPKCS1v15SignRaw:
		return alg, r.refuse(errNotSupported, "Signing key specifies raw signing only, which is not supported for certificate requests.")
	case alg.Kind == psa.AlgRSAPSS:
		return alg, r.refuse(errNotSupported, "Signing key specifies RSA PSS scheme, which is not supported for certificate requests.")
	case alg.Kind != psa.AlgRSAPKCS1v15Sign && alg.Kind != psa.AlgECDSA:
		return alg, r.refuse(errNotSupported, "The specified key is not supported for certificate requests.")
	case a.Type.ECC() && a.Curve != psa.CurveSECPR1:
		return alg, r.refuse(errNotSupported, "Signing key must use curve family SecpR1 for certificate requests.")
	case !possible:
		return alg, r.refuse(errNotSupported, "Signing key requires use of hashing algorithm (%s), which is not supported for certificate requests.", debugSignature(alg))
	case a.Type.ECC() && alg.Hash == psa.HashSHA256 && a.Bits != 256:
		return alg, r.refuse(errNotSupported, "Signing key should have strength 256, but actually has strength %d.", a.Bits)
	case a.Type.ECC() && alg.Hash == psa.HashSHA384 && a.Bits != 384:
		return alg, r.refuse(errNotSupported, "Signing key should have strength 384, but actually has strength %d.", a.Bits)
	}
	return alg, nil
}

// checkNames refuses alternative names that are no ASCII.
func (r *run) checkNames() error {
	for _, name := range r.args.own["san"] {
		for _, c := range name {
			if c > 0x7f {
				return &toolError{"a DNS name has ASCII letters only: " + name, fmt.Sprintf("RcgenError(InvalidAsn1String(Ia5String(%q)))", name)}
			}
		}
	}
	return nil
}

// requestInfo builds what is signed.
func (r *run) requestInfo(spki []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddASN1(tag.SEQUENCE, r.addSubject)
		b.AddBytes(spki)
		b.AddASN1(tag.Tag(0).Constructed().ContextSpecific(), r.addAttributes)
	})
	return b.Bytes()
}

func (r *run) addSubject(b *cryptobyte.Builder) {
	for _, part := range subjectParts {
		values, given := r.args.own[part.option]
		if !given {
			continue
		}
		b.AddASN1(tag.SET, func(b *cryptobyte.Builder) {
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(part.oid)
				b.AddASN1(tag.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(values[0])) })
			})
		})
	}
}

// addAttributes adds the request for alternative names, if there are any.
func (r *run) addAttributes(b *cryptobyte.Builder) {
	names := r.args.own["san"]
	if len(names) == 0 {
		return
	}
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidExtensionRequest)
		b.AddASN1(tag.SET, func(b *cryptobyte.Builder) {
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(oidSubjectAltName)
					b.AddASN1(tag.OCTET_STRING, func(b *cryptobyte.Builder) {
						b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
							for _, name := range names {
								addGeneralName(b, name)
							}
						})
					})
				})
			})
		})
	})
}

// addGeneralName adds an IP address where the name is one, else a DNS name.
func addGeneralName(b *cryptobyte.Builder, name string) {
	if ip, err := netip.ParseAddr(name); err == nil && ip.Zone() == "" {
		b.AddASN1(tag.Tag(7).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(ip.AsSlice()) })
		return
	}
	b.AddASN1(tag.Tag(2).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(name)) })
}

func signedRequest(info []byte, alg signatureAlgorithm, signature []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(info)
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(alg.oid)
			if alg.null {
				b.AddASN1(tag.NULL, func(*cryptobyte.Builder) {})
			}
		})
		b.AddASN1BitString(signature)
	})
	return b.Bytes()
}
