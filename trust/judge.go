package trust

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
)

// Judgement is what Judge says of one certificate.
type Judgement struct {
	// Certificate was verified, and keeps all rules; nil if it is refused.
	Certificate Certificate
	// Refusal says why it is refused. Its Index counts for nothing.
	Refusal *RefusalError
}

// Judge says of each certificate whether it holds after those of the others that hold: the answer to an auditor, where a Store takes
// all or nothing. The order in which they are given does not matter, for each topic has the order of its timestamps.
// Certificates of shared recovery are judged as self sees them. Whether something was withheld cannot be seen.
func Judge(root VerifyKey, self UserID, claimed []Claims) []Judgement {
	s := NewStore(root, self, nil)
	a := &adder{store: s, state: &s.state}
	results := make([]Judgement, len(claimed))
	for _, i := range inOrder(claimed) {
		results[i] = a.judge(&claimed[i])
	}
	return results
}

// inOrder returns the certificates in the order of a batch.
func inOrder(claimed []Claims) []int {
	order := make([]int, len(claimed))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		topicI, realmI, rankI := claimed[i].place()
		topicJ, realmJ, rankJ := claimed[j].place()
		return cmp.Or(cmp.Compare(topicI, topicJ), bytes.Compare(realmI[:], realmJ[:]),
			claimed[i].Timestamp.Compare(claimed[j].Timestamp), cmp.Compare(rankI, rankJ))
	})
	return order
}

func (a *adder) judge(claims *Claims) Judgement {
	if claims.certificate == nil || claims.Signature == NoSignature {
		return Judgement{Refusal: &RefusalError{Reason: Corrupted, Err: ErrSignature}}
	}
	topic, realm, _ := claims.place()
	a.undo = nil
	c, err := a.verify(topic, claims.data)
	if err == nil {
		err = a.apply(topic, realm, c)
	}
	if err == nil {
		return Judgement{Certificate: c}
	}
	a.rollBack()
	refusal := (*RefusalError)(nil)
	_ = errors.As(located(err, topic, realm, 0), &refusal) // it always is one
	return Judgement{Refusal: refusal}
}
