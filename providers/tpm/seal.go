package tpm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// maxSealed is the longest secret that every TPM seals, in bytes.
const maxSealed = 128

// sealedMagic opens a sealed blob: name and version, docs/formats/tpm-keys.md.
var sealedMagic = []byte("PASEAL\x00\x01")

// pcrCount is how many PCR a selection can name.
const pcrCount = 24

// Seal encrypts up to 128 bytes so that only this TPM opens them, and only while the SHA-256
// PCR with these numbers (0 to 23, none for no condition) have the values that they have now.
func (p *Provider) Seal(ctx context.Context, secret []byte, pcrs []uint) ([]byte, error) {
	if len(secret) == 0 || len(secret) > maxSealed {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "a TPM seals 1 to %d bytes, not %d", maxSealed, len(secret))
	}
	var selected [pcrCount / 8]byte
	for _, n := range pcrs {
		if n >= pcrCount {
			return nil, wire.Errorf(wire.StatusInvalidArgument, "there is no PCR %d", n)
		}
		selected[n/8] |= 1 << (n % 8)
	}
	var blob []byte
	err := p.do(ctx, func(c *call) error {
		public := area(tpm2.TPMAlgKeyedHash, false, false)
		public.ObjectAttributes.SensitiveDataOrigin, public.ObjectAttributes.NoDA = false, true
		public.Parameters = tpm2.NewTPMUPublicParms(public.Type, &tpm2.TPMSKeyedHashParms{})
		public.Unique = tpm2.NewTPMUPublicID(public.Type, &tpm2.TPM2BDigest{})
		if len(pcrs) > 0 {
			policy, err := c.pcrPolicy(selected, true)
			if err != nil {
				return err
			}
			defer c.flush(policy.Handle())
			rsp, err := run(c, command[tpm2.PolicyGetDigestResponse](tpm2.PolicyGetDigest{PolicySession: policy.Handle()}))
			if err != nil {
				return err
			}
			public.ObjectAttributes.UserWithAuth, public.AuthPolicy = false, rsp.PolicyDigest
		}
		c.cache.shrink(c, c.can.transient-2)
		rsp, err := run(c, command[tpm2.CreateResponse](tpm2.Create{
			ParentHandle: c.parent(), InPublic: tpm2.New2B(*public),
			InSensitive: tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{
				Data: tpm2.NewTPMUSensitiveCreate(&tpm2.TPM2BSensitiveData{Buffer: secret}),
			}},
		}))
		if err != nil {
			return err
		}
		blob = append(bytes.Clone(sealedMagic), selected[:]...)
		for _, part := range [][]byte{rsp.OutPublic.Bytes(), rsp.OutPrivate.Buffer} {
			blob = binary.BigEndian.AppendUint16(blob, uint16(len(part))) //nolint:gosec // a sized buffer of the TPM
			blob = append(blob, part...)
		}
		return nil
	})
	return blob, err
}

// Unseal opens what Seal made. The caller wipes the secret.
func (p *Provider) Unseal(ctx context.Context, blob []byte) ([]byte, error) {
	selected, public, private, err := decodeSealed(blob)
	if err != nil {
		return nil, &wire.Error{Status: wire.StatusDataCorrupt, Reason: err.Error(), Err: err}
	}
	var secret []byte
	err = p.do(ctx, func(c *call) error {
		name, err := nameOf(public)
		if err != nil {
			return err
		}
		c.cache.shrink(c, c.can.transient-2)
		l, err := run(c, command[tpm2.LoadResponse](tpm2.Load{
			ParentHandle: c.parent(), InPrivate: tpm2.TPM2BPrivate{Buffer: private}, InPublic: tpm2.New2B(*public),
		}))
		if err != nil {
			return foreign(err)
		}
		defer c.flush(l.ObjectHandle)
		secret, err = c.unseal(l.ObjectHandle, name, selected)
		return err
	})
	return secret, err
}

func (c *call) unseal(handle tpm2.TPMHandle, name []byte, selected [pcrCount / 8]byte) ([]byte, error) {
	cmd := tpm2.Unseal{ItemHandle: authorized(handle, name, c.session.with(nil, encryptResponse))}
	var more []tpm2.Session
	if selected != [pcrCount / 8]byte{} {
		policy, err := c.pcrPolicy(selected, false)
		if err != nil {
			return nil, err
		}
		defer c.flush(policy.Handle())
		cmd.ItemHandle = authorized(handle, name, policy)
		more = append(more, c.session.with(nil, encryptResponse))
	}
	rsp, err := run(c, command[tpm2.UnsealResponse](cmd), more...)
	if refused(err, tpm2.TPMRCPolicyFail, tpm2.TPMRCPCRChanged) {
		return nil, &wire.Error{
			Status: wire.StatusNotPermitted, Err: err,
			Reason: "the PCR do not have the values under which the secret was sealed: " + err.Error(),
			Remedy: "start the machine as it was started then, or use the recovery key",
		}
	}
	if err != nil {
		return nil, err
	}
	return rsp.OutData.Buffer, nil
}

// pcrPolicy starts a policy session that the present values of the PCR satisfy; a trial
// session only computes the digest.
func (c *call) pcrPolicy(selected [pcrCount / 8]byte, trial bool) (tpm2.Session, error) {
	var options []tpm2.AuthOption
	if trial {
		options = append(options, tpm2.Trial())
	}
	policy, _, err := tpm2.PolicySession(c, tpm2.TPMAlgSHA256, 16, options...)
	if err != nil {
		return nil, startError(err)
	}
	_, err = run(c, command[tpm2.PolicyPCRResponse](tpm2.PolicyPCR{
		PolicySession: policy.Handle(),
		Pcrs:          tpm2.TPMLPCRSelection{PCRSelections: []tpm2.TPMSPCRSelection{{Hash: tpm2.TPMAlgSHA256, PCRSelect: selected[:]}}},
	}))
	if err != nil {
		c.flush(policy.Handle())
		return nil, err
	}
	return policy, nil
}

// decodeSealed reads a sealed blob.
func decodeSealed(blob []byte) (selected [pcrCount / 8]byte, public *tpm2.TPMTPublic, private []byte, err error) {
	rest, ok := bytes.CutPrefix(blob, sealedMagic)
	if !ok || len(rest) < len(selected) {
		return selected, nil, nil, errors.New("not a blob that was sealed here")
	}
	rest = rest[copy(selected[:], rest):]
	var parts [2][]byte
	for i := range parts {
		if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
			return selected, nil, nil, errors.New("the sealed blob ends too early")
		}
		n := 2 + int(binary.BigEndian.Uint16(rest))
		parts[i], rest = rest[2:n:n], rest[n:]
	}
	if len(rest) > 0 {
		return selected, nil, nil, fmt.Errorf("%d bytes follow the sealed blob", len(rest))
	}
	if public, err = tpm2.Unmarshal[tpm2.TPMTPublic](parts[0]); err != nil {
		return selected, nil, nil, fmt.Errorf("the public area of the sealed blob: %w", err)
	}
	if !bytes.Equal(tpm2.Marshal(*public), parts[0]) { //nolint:forbidigo // public
		return selected, nil, nil, errors.New("the public area of the sealed blob is not canonical")
	}
	return selected, public, parts[1], nil
}
