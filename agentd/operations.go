package agentd

import (
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// class says which providers an operation belongs to.
type class int

const (
	core   class = iota // provider 0
	crypto              // any other provider
)

// access says who may use an operation.
type access int

const (
	admins access = iota // the default of a forgotten field is the narrowest
	owners               // callers with an application identity, on their own keys
	anyone               // also callers without authentication
)

// operation is a row of the operation table. decode reads and validates the body and
// returns what is to be done; ours marks operations for flagged requests only.
type operation struct {
	class  class
	access access
	ours   bool
	decode func(*request) (action, error)
}

// attended are the operations whose answers go on for as long as the caller listens. They
// take no place at work, for they wait; the limit of connections bounds them.
var attended = map[wire.Opcode]bool{agent.OpWatch: true, agent.OpEvents: true}

// operations is the one table of what the agent can be asked.
var operations = map[wire.Opcode]operation{
	wire.OpPing:               {core, anyone, false, decodePing},
	wire.OpListProviders:      {core, anyone, false, decodeListProviders},
	wire.OpListOpcodes:        {core, anyone, false, decodeListOpcodes},
	wire.OpListAuthenticators: {core, anyone, false, decodeListAuthenticators},
	wire.OpListKeys:           {core, owners, false, decodeListKeys},
	wire.OpListClients:        {core, admins, false, decodeListClients},
	wire.OpDeleteClient:       {core, admins, false, decodeDeleteClient},

	wire.OpGenerateKey:     {crypto, owners, false, decodeGenerateKey},
	wire.OpImportKey:       {crypto, owners, false, decodeImportKey},
	wire.OpDestroyKey:      {crypto, owners, false, decodeDestroyKey},
	wire.OpExportPublicKey: {crypto, owners, false, decodeExportPublicKey},
	wire.OpExportKey:       {crypto, owners, false, decodeExportKey},

	wire.OpSignHash:          {crypto, owners, false, decodeSignHash},
	wire.OpVerifyHash:        {crypto, owners, false, decodeVerifyHash},
	wire.OpSignMessage:       {crypto, owners, false, decodeSignMessage},
	wire.OpVerifyMessage:     {crypto, owners, false, decodeVerifyMessage},
	wire.OpAsymmetricEncrypt: {crypto, owners, false, decodeAsymmetricEncrypt},
	wire.OpAsymmetricDecrypt: {crypto, owners, false, decodeAsymmetricDecrypt},
	wire.OpAEADEncrypt:       {crypto, owners, false, decodeAEADEncrypt},
	wire.OpAEADDecrypt:       {crypto, owners, false, decodeAEADDecrypt},
	wire.OpCipherEncrypt:     {crypto, owners, false, decodeCipherEncrypt},
	wire.OpCipherDecrypt:     {crypto, owners, false, decodeCipherDecrypt},
	wire.OpMACCompute:        {crypto, owners, true, decodeMACCompute},
	wire.OpMACVerify:         {crypto, owners, true, decodeMACVerify},
	wire.OpRawKeyAgreement:   {crypto, owners, false, decodeRawKeyAgreement},

	wire.OpHashCompute:    {crypto, anyone, false, decodeHashCompute},
	wire.OpHashCompare:    {crypto, anyone, false, decodeHashCompare},
	wire.OpGenerateRandom: {crypto, anyone, false, decodeGenerateRandom},
	wire.OpCanDoCrypto:    {crypto, owners, false, decodeCanDoCrypto},

	wire.OpAttestKey:             {crypto, owners, false, decodeAttestKey},
	wire.OpPrepareKeyAttestation: {crypto, owners, false, decodePrepareKeyAttestation},

	agent.OpInfo:         {core, anyone, true, decodeInfo},
	agent.OpDoctor:       {core, anyone, true, decodeDoctor},
	agent.OpListKeys:     {core, owners, true, decodeListKeysDetailed},
	agent.OpListOpcodes:  {core, anyone, true, decodeListAgentOpcodes},
	agent.OpBackup:       {core, admins, true, decodeBackup},
	agent.OpRestore:      {core, admins, true, decodeRestore},
	agent.OpRestoreChunk: {core, admins, true, decodeRestoreChunk},
	agent.OpProtect:      {core, owners, true, decodeProtect},
	agent.OpListUnnamed:  {core, admins, true, decodeListUnnamed},
	agent.OpAdopt:        {core, admins, true, decodeAdopt},
	agent.OpUnlock:       {core, owners, true, decodeUnlock},

	agent.OpCertifyKey:        {crypto, owners, true, decodeCertifyKey},
	agent.OpVerifyAttestation: {core, owners, true, decodeVerifyAttestation},

	agent.OpSealRoot:    {core, admins, true, decodeSealRoot},
	agent.OpRecoverRoot: {core, admins, true, decodeRecoverRoot},

	agent.OpInspect: {core, anyone, true, decodeInspect},

	agent.OpListDevices:   {core, owners, true, decodeListDevices},
	agent.OpUnlockDevice:  {core, owners, true, decodeUnlockDevice},
	agent.OpLockDevice:    {core, owners, true, decodeLockDevice},
	agent.OpProtectDevice: {core, owners, true, decodeProtectDevice},
	agent.OpImportDevice:  {core, owners, true, decodeImportDevice},
	agent.OpExportDevice:  {core, owners, true, decodeExportDevice},

	agent.OpBegin:     {core, owners, true, decodeBegin},
	agent.OpWatch:     {core, owners, true, decodeWatch},
	agent.OpAnswer:    {core, owners, true, decodeAnswer},
	agent.OpCancel:    {core, owners, true, decodeCancel},
	agent.OpListWorks: {core, owners, true, decodeListWorks},

	agent.OpOrgStatus:          {core, owners, true, decodeOrgStatus},
	agent.OpListOrganizations:  {core, owners, true, decodeListOrganizations},
	agent.OpAcceptRollback:     {core, owners, true, decodeAcceptRollback},
	agent.OpForgetOrganization: {core, owners, true, decodeForgetOrganization},
	agent.OpAcceptTerms:        {core, owners, true, decodeAcceptTerms},
	agent.OpListUsers:          {core, owners, true, decodeListUsers},
	agent.OpRevokeUser:         {core, owners, true, decodeRevokeUser},
	agent.OpUpdateUser:         {core, owners, true, decodeUpdateUser},
	agent.OpNewInvitation:      {core, owners, true, decodeNewInvitation},
	agent.OpListInvitations:    {core, owners, true, decodeListInvitations},
	agent.OpCancelInvitation:   {core, owners, true, decodeCancelInvitation},
	agent.OpEvents:             {core, owners, true, decodeEvents},
	agent.OpListRecoveries:     {core, owners, true, decodeListRecoveries},
	agent.OpSetUpRecovery:      {core, owners, true, decodeSetUpRecovery},
	agent.OpDeleteRecovery:     {core, owners, true, decodeDeleteRecovery},
}
