package rules

import (
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// chainRep is a refusal of certificates of X.509.
type chainRep interface {
	cloud.AsyncEnrollmentSubmitRep
	cloud.AsyncEnrollmentAcceptRep
}

// refuseChain checks that the certificates of a document can be read and belong together, nothing more: signatures and whom to trust are
// matters of clients. A document of OpenBao has none.
func refuseChain(identity tables.Identity, d tables.Document) chainRep {
	if identity != tables.X509 {
		return nil
	}
	err := trust.X509Chain{Leaf: d.Signer, Intermediates: d.Chain}.CheckShape()
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*trust.X509Error](err); ok && e.Reason == trust.X509Malformed {
		return &cloud.InvalidDERX509Certificate{}
	}
	return &cloud.InvalidX509Trustchain{}
}

// submission takes apart what vouches for a newcomer.
func submission(payload []byte, s cloud.SubmitSignature) (tables.Identity, tables.Document) {
	switch s := s.(type) {
	case *cloud.SubmitSignaturePKI:
		return tables.X509, tables.Document{
			Payload: payload, Signature: s.Signature, Signer: s.SubmitterDERX509Certificate, Chain: s.IntermediateDERX509Certificates,
		}
	case *cloud.SubmitSignatureOpenBao:
		return tables.OpenBao, tables.Document{Payload: payload, Signature: []byte(s.Signature), Signer: []byte(s.SubmitterOpenBaoEntityID)}
	}
	return 0, tables.Document{Payload: payload}
}

// acceptance takes apart what vouches for an administrator.
func acceptance(payload []byte, s cloud.AcceptSignature) (tables.Identity, tables.Document) {
	switch s := s.(type) {
	case *cloud.AcceptSignaturePKI:
		return tables.X509, tables.Document{
			Payload: payload, Signature: s.Signature, Signer: s.AccepterDERX509Certificate, Chain: s.IntermediateDERX509Certificates,
		}
	case *cloud.AcceptSignatureOpenBao:
		return tables.OpenBao, tables.Document{Payload: payload, Signature: []byte(s.Signature), Signer: []byte(s.AccepterOpenBaoEntityID)}
	}
	return 0, tables.Document{Payload: payload}
}

func submitSignature(i tables.Identity, d tables.Document) cloud.SubmitSignature {
	if i == tables.OpenBao {
		return &cloud.SubmitSignatureOpenBao{Signature: string(d.Signature), SubmitterOpenBaoEntityID: string(d.Signer)}
	}
	return &cloud.SubmitSignaturePKI{
		Algorithm: cloud.RSASSAPSSSHA256, IntermediateDERX509Certificates: d.Chain, Signature: d.Signature, SubmitterDERX509Certificate: d.Signer,
	}
}

func acceptSignature(i tables.Identity, d tables.Document) cloud.AcceptSignature {
	if i == tables.OpenBao {
		return &cloud.AcceptSignatureOpenBao{Signature: string(d.Signature), AccepterOpenBaoEntityID: string(d.Signer)}
	}
	return &cloud.AcceptSignaturePKI{
		AccepterDERX509Certificate: d.Signer, Algorithm: cloud.RSASSAPSSSHA256, IntermediateDERX509Certificates: d.Chain, Signature: d.Signature,
	}
}
