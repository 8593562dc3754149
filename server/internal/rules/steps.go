package rules

import (
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// What the two sides say at a step is kept as bytes, never nil; most steps only say that they were reached.

// ofGreeter returns the number of a step, and what the greeter says.
func ofGreeter(step cloud.GreeterStep) (int, []byte, error) {
	switch s := step.(type) {
	case *cloud.GreeterStep0WaitPeer:
		return 0, s.PublicKey[:], nil
	case *cloud.GreeterStep1GetHashedNonce:
		return 1, []byte{}, nil
	case *cloud.GreeterStep2SendNonce:
		return 2, said(s.GreeterNonce), nil
	case *cloud.GreeterStep3GetNonce:
		return 3, []byte{}, nil
	case *cloud.GreeterStep4WaitPeerTrust:
		return 4, []byte{}, nil
	case *cloud.GreeterStep5SignifyTrust:
		return 5, []byte{}, nil
	case *cloud.GreeterStep6GetPayload:
		return 6, []byte{}, nil
	case *cloud.GreeterStep7SendPayload:
		return 7, said(s.GreeterPayload), nil
	case *cloud.GreeterStep8WaitPeerAcknowledgment:
		return 8, []byte{}, nil
	}
	return 0, nil, fmt.Errorf("%T is no step of a greeter", step)
}

// ofClaimer returns the number of a step, and what the claimer says.
func ofClaimer(step cloud.ClaimerStep) (int, []byte, error) {
	switch s := step.(type) {
	case *cloud.ClaimerStep0WaitPeer:
		return 0, s.PublicKey[:], nil
	case *cloud.ClaimerStep1SendHashedNonce:
		return 1, s.HashedNonce[:], nil
	case *cloud.ClaimerStep2GetNonce:
		return 2, []byte{}, nil
	case *cloud.ClaimerStep3SendNonce:
		return 3, said(s.ClaimerNonce), nil
	case *cloud.ClaimerStep4SignifyTrust:
		return 4, []byte{}, nil
	case *cloud.ClaimerStep5WaitPeerTrust:
		return 5, []byte{}, nil
	case *cloud.ClaimerStep6SendPayload:
		return 6, said(s.ClaimerPayload), nil
	case *cloud.ClaimerStep7GetPayload:
		return 7, []byte{}, nil
	case *cloud.ClaimerStep8Acknowledge:
		return 8, []byte{}, nil
	}
	return 0, nil, fmt.Errorf("%T is no step of a claimer", step)
}

func said(b []byte) []byte { return append([]byte{}, b...) }

// toClaimer is what a greeter said at a step.
func toClaimer(n int, said []byte) (cloud.GreeterStep, error) {
	switch n {
	case 0:
		key, err := publicKey(said)
		return &cloud.GreeterStep0WaitPeer{PublicKey: key}, err
	case 1:
		return &cloud.GreeterStep1GetHashedNonce{}, nil
	case 2:
		return &cloud.GreeterStep2SendNonce{GreeterNonce: said}, nil
	case 3:
		return &cloud.GreeterStep3GetNonce{}, nil
	case 4:
		return &cloud.GreeterStep4WaitPeerTrust{}, nil
	case 5:
		return &cloud.GreeterStep5SignifyTrust{}, nil
	case 6:
		return &cloud.GreeterStep6GetPayload{}, nil
	case 7:
		return &cloud.GreeterStep7SendPayload{GreeterPayload: said}, nil
	case 8:
		return &cloud.GreeterStep8WaitPeerAcknowledgment{}, nil
	}
	return nil, fmt.Errorf("there is no step %d", n)
}

// toGreeter is what a claimer said at a step.
func toGreeter(n int, said []byte) (cloud.ClaimerStep, error) {
	switch n {
	case 0:
		key, err := publicKey(said)
		return &cloud.ClaimerStep0WaitPeer{PublicKey: key}, err
	case 1:
		if len(said) != len(trust.HashDigest{}) {
			return nil, fmt.Errorf("a digest has %d bytes", len(said))
		}
		return &cloud.ClaimerStep1SendHashedNonce{HashedNonce: trust.HashDigest(said)}, nil
	case 2:
		return &cloud.ClaimerStep2GetNonce{}, nil
	case 3:
		return &cloud.ClaimerStep3SendNonce{ClaimerNonce: said}, nil
	case 4:
		return &cloud.ClaimerStep4SignifyTrust{}, nil
	case 5:
		return &cloud.ClaimerStep5WaitPeerTrust{}, nil
	case 6:
		return &cloud.ClaimerStep6SendPayload{ClaimerPayload: said}, nil
	case 7:
		return &cloud.ClaimerStep7GetPayload{}, nil
	case 8:
		return &cloud.ClaimerStep8Acknowledge{}, nil
	}
	return nil, fmt.Errorf("there is no step %d", n)
}

func publicKey(b []byte) (trust.PublicKey, error) {
	if len(b) != len(trust.PublicKey{}) {
		return trust.PublicKey{}, fmt.Errorf("a public key has %d bytes", len(b))
	}
	return trust.PublicKey(b), nil
}
