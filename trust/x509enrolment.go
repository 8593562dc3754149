package trust

import "slices"

// X509Signed is a payload of an asynchronous enrolment with what vouches for it (3.10), as received. Servers verify nothing of it.
type X509Signed struct {
	Payload, Signature []byte
	Chain              X509Chain
}

// maxEnrollmentPayload bounds what a newcomer sends before anybody knows who it is.
const maxEnrollmentPayload = 1 << 20

// verify validates the chain, and then the signature over the bytes as received.
func (s *X509Signed) verify(t *X509Trust, at DateTime) (*X509Identity, error) {
	if len(s.Payload) > maxEnrollmentPayload {
		return nil, ErrContent
	}
	identity, err := t.Validate(s.Chain, at)
	if err != nil {
		return nil, err
	}
	if err := identity.Verify(s.Payload, s.Signature); err != nil {
		return nil, err
	}
	return identity, nil
}

// OpenSubmission returns what a newcomer asks for, whose certificate has the address that is asked for. Trust is Only in the root of the
// admin's own certificate.
func (t *X509Trust) OpenSubmission(s X509Signed, at DateTime) (*AsyncEnrollmentSubmitPayload, *X509Identity, error) {
	identity, err := s.verify(t, at)
	if err != nil {
		return nil, nil, err
	}
	payload := &AsyncEnrollmentSubmitPayload{}
	if err := load(s.Payload, payload); err != nil {
		return nil, nil, err
	}
	emails, err := identity.Emails()
	if err != nil {
		return nil, nil, err
	}
	if !slices.Contains(emails, payload.RequestedHumanHandle.Email) {
		return nil, nil, identity.path[0].refuse(X509OtherEmail, nil)
	}
	return payload, identity, nil
}

// OpenAcceptance returns what an admin answered. Trust is Only in the root of the newcomer's own certificate. Nothing says that whoever
// signed is an admin of the organisation: show the identity to the newcomer.
func (t *X509Trust) OpenAcceptance(s X509Signed, at DateTime) (*AsyncEnrollmentAcceptPayload, *X509Identity, error) {
	identity, err := s.verify(t, at)
	if err != nil {
		return nil, nil, err
	}
	payload := &AsyncEnrollmentAcceptPayload{}
	if err := load(s.Payload, payload); err != nil {
		return nil, nil, err
	}
	return payload, identity, nil
}
