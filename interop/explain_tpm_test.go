//go:build interop

package interop

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

var tpmExplanations = []explanation{
	{"tpm-opcodes", func(c *comparison, _ original.Settings) bool {
		return slices.Contains([]wire.Opcode{wire.OpRawKeyAgreement, wire.OpSignMessage, wire.OpVerifyMessage}, c.mean.Opcode) &&
			c.original.Status == wire.StatusNotSupported
	}},
	{"tpm-random", func(c *comparison, s original.Settings) bool {
		in, ok := c.mean.Message.(*psapb.GenerateRandom)
		return ok && (in.GetSize() >= 1<<16 && c.original.Status == wire.StatusCommunicationFailure && succeeded(c.ours) ||
			in.GetSize() > 64 && succeeded(c.original) && succeeded(c.ours) || tooMuchRandom(c, s))
	}},
	{"tpm-algorithms", func(c *comparison, _ original.Settings) bool {
		return signatureUse(c) && c.mean.Algorithm.Kind == psa.AlgRSAPSS && c.original.Status == wire.StatusNotSupported
	}},
	{"tpm-algorithms", func(c *comparison, _ original.Settings) bool { // P-521
		return (c.mean.Attributes.Type.ECC() && c.mean.Attributes.Bits == 521 || c.mean.Attributes.Bits == 0 && len(c.mean.Data) == 133 ||
			c.key != nil && c.key.Attributes.Type.ECC() && c.key.Attributes.Bits == 521) && c.original.Err == nil && !succeeded(c.original)
	}},
	{"tpm-algorithms", func(c *comparison, _ original.Settings) bool {
		return creation(c) && c.mean.Attributes.Type.ECC() && c.mean.Attributes.Alg.Kind == psa.AlgECDH && c.original.Status == wire.StatusInvalidArgument
	}},
	{"tpm-algorithms", func(c *comparison, _ original.Settings) bool {
		return creation(c) && c.mean.Attributes.Type == psa.KeyHMAC && c.original.Status == wire.StatusNotSupported
	}},
	{"tpm-algorithms", func(c *comparison, _ original.Settings) bool {
		return c.mean.Opcode == wire.OpImportKey && c.mean.Attributes.Type.Pair() && c.original.Status == wire.StatusNotSupported
	}},
	{"tpm-algorithms", func(c *comparison, _ original.Settings) bool { // swtpm has no SHA-3
		return oaepUse(c) && c.mean.Algorithm.Hash >= psa.HashSHA3224 && c.original.Status == wire.StatusNotSupported
	}},
	{"tpm-policy-first", func(c *comparison, _ original.Settings) bool {
		return signatureUse(c) && c.key != nil && c.key.Attributes.Alg.Kind != c.mean.Algorithm.Kind &&
			c.original.Status == wire.StatusNotSupported && c.ours.Status == wire.StatusNotPermitted
	}},
	{"tpm-data-first", func(c *comparison, _ original.Settings) bool {
		return c.mean.Opcode == wire.OpImportKey && c.mean.Attributes.Type.Public() &&
			c.original.Status == wire.StatusNotSupported && c.ours.Status == wire.StatusInvalidArgument
	}},
	{"tpm-data-first", func(c *comparison, _ original.Settings) bool {
		a := c.mean.Attributes
		return c.mean.Opcode == wire.OpImportKey && a.Type == psa.KeyECCPublic && a.Curve != psa.CurveSECPR1 && a.Alg.Kind != psa.AlgECDSA &&
			c.original.Status == wire.StatusInvalidArgument && c.ours.Status == wire.StatusNotSupported
	}},
	{"tpm-oaep-label", func(c *comparison, _ original.Settings) bool {
		in, ok := c.mean.Message.(*psapb.AsymmetricCrypt)
		return ok && oaepUse(c) && len(in.GetSalt()) > 0 && in.GetSalt()[len(in.GetSalt())-1] != 0 && c.original.Status == wire.StatusCommunicationFailure
	}},
	{"tpm-attesting-key", func(c *comparison, _ original.Settings) bool {
		return attestingKey(c.mean.Message) != "" && c.original.Status == wire.StatusNotSupported && c.ours.Status == wire.StatusDoesNotExist
	}},
	{"tpm-attest-public", func(c *comparison, _ original.Settings) bool {
		return c.mean.Opcode == wire.OpPrepareKeyAttestation && c.key != nil && c.key.Attributes.Type.Public() && succeeded(c.original) &&
			c.ours.Status == wire.StatusInvalidArgument
	}},
	{"hardware-import-check", importCheck},
	{"tpm-statuses", func(c *comparison, _ original.Settings) bool {
		return c.original.Status == wire.StatusCommunicationFailure && c.ours.Err == nil &&
			c.ours.Status != wire.StatusSuccess && c.ours.Status != wire.StatusGenericError
	}},
}

func creation(c *comparison) bool {
	return c.mean.Opcode == wire.OpGenerateKey || c.mean.Opcode == wire.OpImportKey
}

// attestingKey is the key that is to attest another one, empty in other requests.
func attestingKey(m proto.Message) string {
	switch m := m.(type) {
	case *psapb.PrepareKeyAttestation:
		return m.GetParameters().GetActivateCredential().GetAttestingKeyName()
	case *psapb.AttestKey:
		return m.GetAttestingKeyName()
	default:
		return ""
	}
}
