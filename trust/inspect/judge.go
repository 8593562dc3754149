package inspect

import (
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/internal/show"
)

// judge gives every certificate its verdict, as far as keys were given.
func (w *work) judge(r Request, result *Result) error {
	if len(r.Key) > 0 {
		verify, err := keyOf(r.Key)
		if err != nil {
			return err
		}
		w.byKey(verify)
	}
	if r.Root == nil {
		return nil
	}
	claims := make([]trust.Claims, len(w.signed))
	for i := range w.signed {
		claims[i] = w.signed[i].claims
	}
	if result.User == nil {
		result.User = recipient(claims)
	}
	self := trust.NewUserID()
	if result.User != nil {
		self = *result.User
	}
	for i, j := range trust.Judge(*r.Root, self, claims) {
		o := &w.objects[w.signed[i].index]
		switch {
		case j.Refusal == nil:
			o.verified(Verified, "it is signed by its author, who was allowed to, from the root key on", j.Certificate)
		case o.State != Signed:
			o.State, o.Reason = Refused, refusal(j.Refusal)
		default:
			o.State, o.Reason = Refused, "its signature is good, and yet "+refusal(j.Refusal)
			o.Fields, o.Claims = nil, claimed(&claims[i], w.claims)
		}
	}
	return nil
}

// verified turns claims into facts.
func (o *Object) verified(s State, reason string, c trust.Certificate) {
	o.State, o.Reason, o.Claims = s, reason, nil
	o.Fields = show.Of(c)
}

func refusal(r *trust.RefusalError) string {
	text := r.Reason.String()
	if r.Err != nil {
		text += ": " + r.Err.Error()
	}
	return show.Line(text)
}

// recipient is whom the first certificate of a shared recovery is for. Whoever that is, a certificate does not become more true.
func recipient(claims []trust.Claims) *trust.UserID {
	var first *trust.UserID
	for i := range claims {
		user, ok := claims[i].Subject()
		switch {
		case !ok:
		case claims[i].Type == (*trust.ShamirRecoveryShareCertificate)(nil).Type():
			return &user // a share is seen by its recipient only
		case first == nil:
			first = &user
		}
	}
	return first
}

// verifier verifies the signature of one certificate.
type verifier func(*pending) (trust.Certificate, error)

// keyOf reads the key of an author.
func keyOf(key []byte) (verifier, error) {
	if len(key) == trust.KeySize {
		k := trust.VerifyKey(key)
		if err := k.Check(); err != nil {
			return nil, err
		}
		return func(p *pending) (trust.Certificate, error) {
			return trust.VerifyCertificate(p.data, trust.Author{Device: p.claims.Author, Key: k})
		}, nil
	}
	k, err := trust.ParseSequesterVerifyKey(key)
	if err != nil {
		return nil, fmt.Errorf("the author's key is neither one of %d bytes nor a public RSA key in DER: %w", trust.KeySize, err)
	}
	return func(p *pending) (trust.Certificate, error) { return trust.VerifyServiceCertificate(p.data, k) }, nil
}

// byKey verifies signatures alone.
func (w *work) byKey(verify verifier) {
	for i := range w.signed {
		o := &w.objects[w.signed[i].index]
		c, err := verify(&w.signed[i])
		if err != nil {
			o.Reason = "the given key did not sign it: " + show.Line(err.Error())
			continue
		}
		o.verified(Signed, "the given key signed it; whether its author was allowed to was not looked at", c)
	}
}
