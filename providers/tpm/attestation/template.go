package attestation

import "github.com/google/go-tpm/tpm2"

// template is the public area of an attestation key: it signs nothing but what the TPM
// says itself, and never leaves the TPM.
func template(kind tpm2.TPMAlgID) tpm2.TPMTPublic {
	return tpm2.TPMTPublic{
		Type: kind, NameAlg: tpm2.TPMAlgSHA256,
		ObjectAttributes: tpm2.TPMAObject{
			FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true, UserWithAuth: true, Restricted: true, SignEncrypt: true,
		},
	}
}

// ECCTemplate is an attestation key on P-256. As a primary key of the endorsement hierarchy
// it is the same whenever a TPM is asked for it.
func ECCTemplate() tpm2.TPMTPublic {
	t := template(tpm2.TPMAlgECC)
	t.Parameters = tpm2.NewTPMUPublicParms(t.Type, &tpm2.TPMSECCParms{
		CurveID: tpm2.TPMECCNistP256,
		Scheme: tpm2.TPMTECCScheme{
			Scheme: tpm2.TPMAlgECDSA, Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSigSchemeECDSA{HashAlg: tpm2.TPMAlgSHA256}),
		},
	})
	t.Unique = tpm2.NewTPMUPublicID(t.Type, &tpm2.TPMSECCPoint{})
	return t
}

// RSATemplate is an attestation key for TPMs without P-256.
func RSATemplate() tpm2.TPMTPublic {
	t := template(tpm2.TPMAlgRSA)
	t.Parameters = tpm2.NewTPMUPublicParms(t.Type, &tpm2.TPMSRSAParms{
		KeyBits: 2048,
		Scheme: tpm2.TPMTRSAScheme{
			Scheme: tpm2.TPMAlgRSASSA, Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgRSASSA, &tpm2.TPMSSigSchemeRSASSA{HashAlg: tpm2.TPMAlgSHA256}),
		},
	})
	t.Unique = tpm2.NewTPMUPublicID(t.Type, &tpm2.TPM2BPublicKeyRSA{})
	return t
}

// unnamed returns a public area without what makes its key one of its own.
func unnamed(p *tpm2.TPMTPublic) tpm2.TPMTPublic {
	t := *p
	if t.Type == tpm2.TPMAlgECC {
		t.Unique = tpm2.NewTPMUPublicID(t.Type, &tpm2.TPMSECCPoint{})
	} else {
		t.Unique = tpm2.NewTPMUPublicID(t.Type, &tpm2.TPM2BPublicKeyRSA{})
	}
	return t
}
