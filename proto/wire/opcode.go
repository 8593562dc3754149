package wire

import "fmt"

// Opcode is the number of an operation.
type Opcode uint32

// Operations of the original protocol. MacCompute and MacVerify have a contract but no
// original service knows their numbers, so only flagged requests may use them.
const (
	OpPing                  Opcode = 1
	OpGenerateKey           Opcode = 2
	OpDestroyKey            Opcode = 3
	OpSignHash              Opcode = 4
	OpVerifyHash            Opcode = 5
	OpImportKey             Opcode = 6
	OpExportPublicKey       Opcode = 7
	OpListProviders         Opcode = 8
	OpListOpcodes           Opcode = 9
	OpAsymmetricEncrypt     Opcode = 10
	OpAsymmetricDecrypt     Opcode = 11
	OpExportKey             Opcode = 12
	OpGenerateRandom        Opcode = 13
	OpListAuthenticators    Opcode = 14
	OpHashCompute           Opcode = 15
	OpHashCompare           Opcode = 16
	OpAEADEncrypt           Opcode = 17
	OpAEADDecrypt           Opcode = 18
	OpRawKeyAgreement       Opcode = 19
	OpCipherEncrypt         Opcode = 20
	OpCipherDecrypt         Opcode = 21
	OpMACCompute            Opcode = 22
	OpMACVerify             Opcode = 23
	OpSignMessage           Opcode = 24
	OpVerifyMessage         Opcode = 25
	OpListKeys              Opcode = 26
	OpListClients           Opcode = 27
	OpDeleteClient          Opcode = 28
	OpAttestKey             Opcode = 30
	OpPrepareKeyAttestation Opcode = 31
	OpCanDoCrypto           Opcode = 32
)

// FirstAgentOpcode is where the operations of our own begin; see proto/agent.
const FirstAgentOpcode Opcode = 0x1_0000

var opcodeNames = map[Opcode]string{
	OpPing: "Ping", OpGenerateKey: "PsaGenerateKey", OpDestroyKey: "PsaDestroyKey", OpSignHash: "PsaSignHash",
	OpVerifyHash: "PsaVerifyHash", OpImportKey: "PsaImportKey", OpExportPublicKey: "PsaExportPublicKey",
	OpListProviders: "ListProviders", OpListOpcodes: "ListOpcodes", OpAsymmetricEncrypt: "PsaAsymmetricEncrypt",
	OpAsymmetricDecrypt: "PsaAsymmetricDecrypt", OpExportKey: "PsaExportKey", OpGenerateRandom: "PsaGenerateRandom",
	OpListAuthenticators: "ListAuthenticators", OpHashCompute: "PsaHashCompute", OpHashCompare: "PsaHashCompare",
	OpAEADEncrypt: "PsaAeadEncrypt", OpAEADDecrypt: "PsaAeadDecrypt", OpRawKeyAgreement: "PsaRawKeyAgreement",
	OpCipherEncrypt: "PsaCipherEncrypt", OpCipherDecrypt: "PsaCipherDecrypt", OpMACCompute: "PsaMacCompute",
	OpMACVerify: "PsaMacVerify", OpSignMessage: "PsaSignMessage", OpVerifyMessage: "PsaVerifyMessage",
	OpListKeys: "ListKeys", OpListClients: "ListClients", OpDeleteClient: "DeleteClient", OpAttestKey: "AttestKey",
	OpPrepareKeyAttestation: "PrepareKeyAttestation", OpCanDoCrypto: "CanDoCrypto",
}

// Original reports whether the original service knows the opcode.
func (o Opcode) Original() bool {
	_, ok := opcodeNames[o]
	return ok && o != OpMACCompute && o != OpMACVerify
}

// String returns the name that parsec-tool prints.
func (o Opcode) String() string {
	if n, ok := opcodeNames[o]; ok {
		return n
	}
	return fmt.Sprintf("opcode 0x%x", uint32(o))
}
