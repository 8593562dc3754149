package tpm

import (
	"fmt"

	"github.com/google/go-tpm/tpm2"
)

// commands names the commands that we send, as the TPM specification writes them.
var commands = map[tpm2.TPMCC]string{
	tpm2.TPMCCActivateCredential: "TPM2_ActivateCredential", tpm2.TPMCCCertify: "TPM2_Certify", tpm2.TPMCCContextLoad: "TPM2_ContextLoad",
	tpm2.TPMCCContextSave: "TPM2_ContextSave", tpm2.TPMCCCreate: "TPM2_Create", tpm2.TPMCCCreatePrimary: "TPM2_CreatePrimary",
	tpm2.TPMCCECDHZGen: "TPM2_ECDH_ZGen", tpm2.TPMCCEvictControl: "TPM2_EvictControl", tpm2.TPMCCFlushContext: "TPM2_FlushContext", tpm2.TPMCCGetCapability: "TPM2_GetCapability",
	tpm2.TPMCCGetRandom: "TPM2_GetRandom", tpm2.TPMCCHMAC: "TPM2_HMAC", tpm2.TPMCCHMACStart: "TPM2_HMAC_Start",
	tpm2.TPMCCImport: "TPM2_Import", tpm2.TPMCCLoad: "TPM2_Load", tpm2.TPMCCLoadExternal: "TPM2_LoadExternal",
	tpm2.TPMCCNVRead: "TPM2_NV_Read", tpm2.TPMCCNVReadPublic: "TPM2_NV_ReadPublic",
	tpm2.TPMCCPolicyGetDigest: "TPM2_PolicyGetDigest", tpm2.TPMCCPolicyPCR: "TPM2_PolicyPCR", tpm2.TPMCCPolicySecret: "TPM2_PolicySecret", tpm2.TPMCCReadPublic: "TPM2_ReadPublic",
	tpm2.TPMCCRSADecrypt: "TPM2_RSA_Decrypt", tpm2.TPMCCSequenceComplete: "TPM2_SequenceComplete",
	tpm2.TPMCCSequenceUpdate: "TPM2_SequenceUpdate", tpm2.TPMCCSign: "TPM2_Sign", tpm2.TPMCCStartAuthSession: "TPM2_StartAuthSession",
	tpm2.TPMCCStartup: "TPM2_Startup", tpm2.TPMCCTestParms: "TPM2_TestParms", tpm2.TPMCCUnseal: "TPM2_Unseal",
	tpm2.TPMCCVerifySignature: "TPM2_VerifySignature",
}

// commandName returns the name of a command.
func commandName(cc tpm2.TPMCC) string {
	if name, ok := commands[cc]; ok {
		return name
	}
	return fmt.Sprintf("command 0x%x", uint32(cc))
}
