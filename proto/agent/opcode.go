// Package agent holds what this agent speaks beyond the original protocol, all of it
// only on requests that carry wire.FlagPersistent:
//
//   - operations of our own (opcodes from 0x1_0000 on provider 0) and their messages;
//   - extensions of the original's messages: fields with numbers from 1000 at the top
//     level of a body (message Extension), which every other reader skips;
//   - the ErrorDetail that is the body of an answer with another status than success.
//
// The messages are generated, in agentpb. Numbers are append-only. The document is
// docs/spec/parsec-agent.md.
package agent

import (
	"maps"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// The operations of the agent.
const (
	// OpInfo: Empty → Info. Anyone; administrators see more.
	OpInfo wire.Opcode = wire.FirstAgentOpcode + iota
	// OpDoctor: Empty → DoctorResult. Anyone; administrators see every owner's matters.
	OpDoctor
	// OpListKeys: ListKeys → ListKeysResult, with what the original's list cannot say.
	OpListKeys
	// OpProtect: Protect → stream of Progress, the last with the result. The owner of the
	// keys; all keys for administrators.
	OpProtect
	// OpBackup: Backup → stream of Chunk. Administrators.
	OpBackup
	// OpRestore: Restore → stream of Progress. The archive is sent by RestoreChunk
	// requests that precede it on the same connection. Administrators.
	OpRestore
	// OpRestoreChunk: Chunk → Empty.
	OpRestoreChunk
	// OpListOpcodes: Empty → opcodes of the agent itself, as psa ListOpcodesResult.
	OpListOpcodes
	// OpListUnnamed: ListUnnamed → ListUnnamedResult, what lies in devices without a name.
	// Administrators.
	OpListUnnamed wire.Opcode = 0x1_0008
	// OpAdopt: Adopt → AdoptResult, gives a name to it. Administrators.
	OpAdopt wire.Opcode = 0x1_0009
	// OpUnlock: Unlock → UnlockResult. Administrators, and who the configuration of the
	// provider names.
	OpUnlock wire.Opcode = 0x1_000A
	// OpCertifyKey: CertifyKey → CertifyKeyResult, at the provider of the key. The owner.
	OpCertifyKey wire.Opcode = 0x1_000B
	// OpVerifyAttestation: VerifyAttestation → AttestationReport. Anyone with a name.
	OpVerifyAttestation wire.Opcode = 0x1_000C
	// OpSealRoot: SealRoot → SealRootResult. Administrators.
	OpSealRoot wire.Opcode = 0x1_000D
	// OpRecoverRoot: RecoverRoot → RecoverRootResult. Administrators.
	OpRecoverRoot wire.Opcode = 0x1_000E
	// OpInspect: Inspect → InspectResult. Anyone.
	OpInspect wire.Opcode = 0x1_000F

	// Operations on the devices of the calling uid.

	// OpListDevices: ListDevices → ListDevicesResult.
	OpListDevices wire.Opcode = 0x1_0010
	// OpUnlockDevice: UnlockDevice → UnlockDeviceResult.
	OpUnlockDevice wire.Opcode = 0x1_0011
	// OpLockDevice: LockDevice → LockDeviceResult.
	OpLockDevice wire.Opcode = 0x1_0012
	// OpProtectDevice: ProtectDevice → ProtectDeviceResult, changes how a device is protected.
	OpProtectDevice wire.Opcode = 0x1_0013
	// OpImportDevice: ImportDevice, with a descriptor → ImportDeviceResult.
	OpImportDevice wire.Opcode = 0x1_0014
	// OpExportDevice: ExportDevice → ExportDeviceResult, for another program or for recovery.
	OpExportDevice wire.Opcode = 0x1_0015

	// Works of the calling uid: what asks a person.

	// OpBegin: Begin → BeginResult.
	OpBegin wire.Opcode = 0x1_0016
	// OpWatch: Watch → stream of WatchResult.
	OpWatch wire.Opcode = 0x1_0017
	// OpAnswer: Answer → AnswerResult.
	OpAnswer wire.Opcode = 0x1_0018
	// OpCancel: Cancel → CancelResult.
	OpCancel wire.Opcode = 0x1_0019
	// OpListWorks: ListWorks → ListWorksResult.
	OpListWorks wire.Opcode = 0x1_001A

	// Operations on the organisations of the devices of the calling uid.

	// OpOrgStatus: OrgStatus → stream of OrgStatusResult.
	OpOrgStatus wire.Opcode = 0x1_001B
	// OpListOrganizations: ListOrganizations → ListOrganizationsResult.
	OpListOrganizations wire.Opcode = 0x1_001C
	// OpAcceptRollback: AcceptRollback → AcceptRollbackResult.
	OpAcceptRollback wire.Opcode = 0x1_001D
	// OpForgetOrganization: ForgetOrganization → ForgetOrganizationResult.
	OpForgetOrganization wire.Opcode = 0x1_001E
	// OpAcceptTerms: AcceptTerms → AcceptTermsResult.
	OpAcceptTerms wire.Opcode = 0x1_001F
	// OpListUsers: ListUsers → stream of ListUsersResult.
	OpListUsers wire.Opcode = 0x1_0020
	// OpRevokeUser: RevokeUser → RevokeUserResult.
	OpRevokeUser wire.Opcode = 0x1_0021
	// OpUpdateUser: UpdateUser → UpdateUserResult, changes a profile.
	OpUpdateUser wire.Opcode = 0x1_0022
	// OpNewInvitation: NewInvitation → NewInvitationResult.
	OpNewInvitation wire.Opcode = 0x1_0023
	// OpListInvitations: ListInvitations → ListInvitationsResult.
	OpListInvitations wire.Opcode = 0x1_0024
	// OpCancelInvitation: CancelInvitation → CancelInvitationResult.
	OpCancelInvitation wire.Opcode = 0x1_0025
	// OpEvents: Events → stream of Event.
	OpEvents wire.Opcode = 0x1_0026
	// OpListRecoveries: ListRecoveries → ListRecoveriesResult.
	OpListRecoveries wire.Opcode = 0x1_0027
	// OpSetUpRecovery: SetUpRecovery → SetUpRecoveryResult.
	OpSetUpRecovery wire.Opcode = 0x1_0028
	// OpDeleteRecovery: DeleteRecovery → DeleteRecoveryResult.
	OpDeleteRecovery wire.Opcode = 0x1_0029
)

var names = map[wire.Opcode]string{
	OpInfo: "AgentInfo", OpDoctor: "AgentDoctor", OpListKeys: "AgentListKeys", OpProtect: "AgentProtect",
	OpBackup: "AgentBackup", OpRestore: "AgentRestore", OpRestoreChunk: "AgentRestoreChunk",
	OpListOpcodes: "AgentListOpcodes", OpListUnnamed: "AgentListUnnamed", OpAdopt: "AgentAdopt", OpUnlock: "AgentUnlock",
	OpCertifyKey: "AgentCertifyKey", OpVerifyAttestation: "AgentVerifyAttestation",
	OpSealRoot: "AgentSealRoot", OpRecoverRoot: "AgentRecoverRoot",
	OpInspect:     "AgentInspect",
	OpListDevices: "AgentListDevices", OpUnlockDevice: "AgentUnlockDevice", OpLockDevice: "AgentLockDevice",
	OpProtectDevice: "AgentProtectDevice", OpImportDevice: "AgentImportDevice", OpExportDevice: "AgentExportDevice",
	OpBegin: "AgentBegin", OpWatch: "AgentWatch", OpAnswer: "AgentAnswer", OpCancel: "AgentCancel", OpListWorks: "AgentListWorks",
	OpOrgStatus: "AgentOrgStatus", OpListOrganizations: "AgentListOrganizations", OpAcceptRollback: "AgentAcceptRollback",
	OpForgetOrganization: "AgentForgetOrganization", OpAcceptTerms: "AgentAcceptTerms",
	OpListUsers: "AgentListUsers", OpRevokeUser: "AgentRevokeUser", OpUpdateUser: "AgentUpdateUser",
	OpNewInvitation: "AgentNewInvitation", OpListInvitations: "AgentListInvitations", OpCancelInvitation: "AgentCancelInvitation",
	OpEvents: "AgentEvents", OpListRecoveries: "AgentListRecoveries", OpSetUpRecovery: "AgentSetUpRecovery", OpDeleteRecovery: "AgentDeleteRecovery",
}

// Name returns the name of an agent operation, or the original's of any other.
func Name(op wire.Opcode) string {
	if n, ok := names[op]; ok {
		return n
	}
	return op.String()
}

// Opcodes returns all operations of the agent, in order.
func Opcodes() []wire.Opcode {
	return slices.Sorted(maps.Keys(names))
}
