package providers

import (
	"slices"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Opcodes returns the operations that p implements, ascending. It follows from the
// optional interfaces alone, so it cannot disagree with what p does.
func Opcodes(p Provider) []wire.Opcode {
	var ops []wire.Opcode
	add := func(implemented bool, op ...wire.Opcode) {
		if implemented {
			ops = append(ops, op...)
		}
	}
	add(is[Generator](p), wire.OpGenerateKey)
	add(is[Destroyer](p), wire.OpDestroyKey)
	add(is[HashSigner](p), wire.OpSignHash)
	add(is[HashVerifier](p), wire.OpVerifyHash)
	add(is[Importer](p), wire.OpImportKey)
	add(is[PublicExporter](p), wire.OpExportPublicKey)
	add(is[AsymmetricEncrypter](p), wire.OpAsymmetricEncrypt)
	add(is[AsymmetricDecrypter](p), wire.OpAsymmetricDecrypt)
	add(is[Exporter](p), wire.OpExportKey)
	add(is[Randomizer](p), wire.OpGenerateRandom)
	add(is[HashComputer](p), wire.OpHashCompute, wire.OpHashCompare)
	add(is[AEADEncrypter](p), wire.OpAEADEncrypt)
	add(is[AEADDecrypter](p), wire.OpAEADDecrypt)
	add(is[KeyAgreer](p), wire.OpRawKeyAgreement)
	add(is[CipherEncrypter](p), wire.OpCipherEncrypt)
	add(is[CipherDecrypter](p), wire.OpCipherDecrypt)
	add(is[MACComputer](p), wire.OpMACCompute)
	add(is[MACVerifier](p), wire.OpMACVerify)
	add(is[MessageSigner](p), wire.OpSignMessage)
	add(is[MessageVerifier](p), wire.OpVerifyMessage)
	add(is[Attester](p), wire.OpAttestKey, wire.OpPrepareKeyAttestation)
	add(is[Advisor](p), wire.OpCanDoCrypto)
	slices.Sort(ops)
	return ops
}

// Original returns the operations of p that callers which did not ask for more may see:
// one number that the original's clients cannot parse makes their whole list fail.
func Original(p Provider) []wire.Opcode {
	return slices.DeleteFunc(Opcodes(p), func(op wire.Opcode) bool { return !op.Original() })
}

func is[T any](p Provider) bool {
	_, ok := p.(T)
	return ok
}
