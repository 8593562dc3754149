// Package psatest helps tests to read requests of every operation. It is safe for concurrent use.
package psatest

import (
	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Request returns an empty message for the request of an operation, nil if it has none.
func Request(op wire.Opcode) proto.Message {
	switch op {
	case wire.OpGenerateKey:
		return &psapb.GenerateKey{}
	case wire.OpDestroyKey, wire.OpExportKey, wire.OpExportPublicKey:
		return &psapb.KeyRef{}
	case wire.OpSignHash, wire.OpSignMessage:
		return &psapb.Sign{}
	case wire.OpVerifyHash, wire.OpVerifyMessage:
		return &psapb.Verify{}
	case wire.OpImportKey:
		return &psapb.ImportKey{}
	case wire.OpListOpcodes:
		return &psapb.ListOpcodes{}
	case wire.OpAsymmetricEncrypt, wire.OpAsymmetricDecrypt:
		return &psapb.AsymmetricCrypt{}
	case wire.OpGenerateRandom:
		return &psapb.GenerateRandom{}
	case wire.OpHashCompute:
		return &psapb.HashCompute{}
	case wire.OpHashCompare:
		return &psapb.HashCompare{}
	case wire.OpAEADEncrypt, wire.OpAEADDecrypt:
		return &psapb.AeadCrypt{}
	case wire.OpRawKeyAgreement:
		return &psapb.RawKeyAgreement{}
	case wire.OpCipherEncrypt, wire.OpCipherDecrypt:
		return &psapb.CipherCrypt{}
	case wire.OpMACCompute:
		return &psapb.MacCompute{}
	case wire.OpMACVerify:
		return &psapb.MacVerify{}
	case wire.OpDeleteClient:
		return &psapb.DeleteClient{}
	case wire.OpAttestKey:
		return &psapb.AttestKey{}
	case wire.OpPrepareKeyAttestation:
		return &psapb.PrepareKeyAttestation{}
	case wire.OpCanDoCrypto:
		return &psapb.CanDoCrypto{}
	default:
		return nil
	}
}
