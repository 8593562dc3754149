package trust

import "fmt"

// X509Reason is why a chain of X.509 certificates is refused (3.10).
type X509Reason uint8

// Reasons. Numbers are not kept anywhere.
const (
	X509Malformed X509Reason = iota + 1
	X509TooMany
	X509TooLong
	X509Unused
	X509IssuerUnknown
	X509BadSignature
	X509WeakAlgorithm
	X509WeakKey
	X509NotRSA
	X509NotYetValid
	X509Expired
	X509NotAuthority
	X509IsAuthority
	X509WrongUsage
	X509NotForClients
	X509UnknownExtension
	X509Constrained
	X509Revoked
	X509RevocationUnknown
	X509RevocationStale
	X509NoName
	X509BadName
	X509NoEmail
	X509BadEmail
	X509OtherEmail
)

var x509Texts = map[X509Reason]string{
	X509Malformed:         "it is no certificate of version 3 that can be read",
	X509TooMany:           "there are too many certificates",
	X509TooLong:           "too many certificates are between it and the root",
	X509Unused:            "it does not lead from the first certificate to a root",
	X509IssuerUnknown:     "its issuer is neither trusted nor among the certificates",
	X509BadSignature:      "its issuer did not sign it",
	X509WeakAlgorithm:     "it is signed by an algorithm that is not supported, or no longer safe",
	X509WeakKey:           "its key is of a kind or size that is not supported",
	X509NotRSA:            "its key is no RSA key",
	X509NotYetValid:       "it is not valid yet",
	X509Expired:           "it has expired",
	X509NotAuthority:      "it must not issue certificates",
	X509IsAuthority:       "it belongs to an authority, not to a person",
	X509WrongUsage:        "its key must not be used for this",
	X509NotForClients:     "it is not for clients that prove who they are",
	X509UnknownExtension:  "it has a critical extension that is not known here",
	X509Constrained:       "an authority above must not issue it",
	X509Revoked:           "it is revoked",
	X509RevocationUnknown: "no list says whether it is revoked",
	X509RevocationStale:   "the list that says whether it is revoked is not valid now",
	X509NoName:            "its subject has no common name",
	X509BadName:           "its common name cannot be that of a person",
	X509NoEmail:           "it has no e-mail address",
	X509BadEmail:          "one of its e-mail addresses is not valid",
	X509OtherEmail:        "the requested e-mail address is not one of its own",
}

// String returns the reason as the end of a sentence.
func (r X509Reason) String() string { return x509Texts[r] }

// X509Error says which certificate is refused, and why.
type X509Error struct {
	// Place is 0 for the certificate that is asked about, n for the n-th intermediate as received, -n for the n-th root.
	Place  int
	Reason X509Reason
	// Err is what a library says, if it said anything.
	Err error
}

func (e *X509Error) Error() string {
	where := "X.509 certificate"
	switch {
	case e.Place > 0:
		where = fmt.Sprintf("X.509 intermediate %d", e.Place)
	case e.Place < 0:
		where = fmt.Sprintf("X.509 root %d", -e.Place)
	}
	text := fmt.Sprintf("%s is refused: %v", where, e.Reason)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns what a library says.
func (e *X509Error) Unwrap() error { return e.Err }
