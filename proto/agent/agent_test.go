package agent_test

import (
	"encoding/hex"
	"errors"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// valid draws one of some valid algorithms with every parameter in use.
func valid() *rapid.Generator[psa.Algorithm] {
	return rapid.SampledFrom([]psa.Algorithm{
		{},
		{Kind: psa.AlgHash, Hash: psa.HashSHA3512},
		{Kind: psa.AlgHMAC, Hash: psa.HashSHA256, Truncated: true, Length: 1<<32 - 1},
		{Kind: psa.AlgCBCPKCS7},
		{Kind: psa.AlgGCM, Truncated: true, Length: 8},
		{Kind: psa.AlgECDSA, Hash: psa.HashAny},
		{Kind: psa.AlgPureEdDSA},
		{Kind: psa.AlgECDH, KDF: psa.AlgTLS12PSKToMS, KDFHash: psa.HashMD2},
	})
}

func TestAttributesRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := psa.Attributes{
			Type: psa.KeyType(rapid.IntRange(1, 14).Draw(rt, "type")), Bits: uint64(rapid.Uint32().Draw(rt, "bits")),
			Usage: psa.Usage(rapid.IntRange(0, int(psa.UsageAll)).Draw(rt, "usage")).Expand(), Alg: valid().Draw(rt, "algorithm"),
		}
		if want.Type.ECC() {
			want.Curve = rapid.SampledFrom([]psa.Curve{psa.CurveEdwards, psa.CurveSECPK1, psa.CurveMontgomery}).Draw(rt, "curve")
		}
		b, err := psa.Marshal(agent.EncodeAttributes(want))
		if err != nil {
			rt.Fatal(err)
		}
		m := &agentpb.Attributes{}
		if err := psa.Unmarshal(b, m); err != nil {
			rt.Fatal(err)
		}
		if got, err := agent.DecodeAttributes(m); err != nil || got != want {
			rt.Fatalf("%+v becomes %+v, %v", want, got, err)
		}
	})
}

func TestAlgorithmRoundTrip(t *testing.T) {
	for k := range psa.Kind(0xff) {
		for _, h := range []psa.Hash{psa.HashNone, psa.HashMD2, psa.HashSHA3512, psa.HashAny} {
			want := psa.Algorithm{Kind: k, Hash: h}
			got, err := agent.DecodeAlgorithm(agent.EncodeAlgorithm(want))
			if (err == nil) != (want.Valid() == nil) || err == nil && got != want {
				t.Errorf("%v becomes %v, %v", want, got, err)
			}
		}
	}
}

// TestRangesAreNotCut: a number beyond its type is refused, never taken modulo 256.
func TestRangesAreNotCut(t *testing.T) {
	aes := uint32(psa.KeyAES)
	for name, m := range map[string]*agentpb.Attributes{
		"type":           {Type: 256 + aes},
		"curve":          {Type: uint32(psa.KeyECCPair), Curve: 256 + 2},
		"group":          {Type: aes, Group: 256},
		"usage":          {Type: aes, Usage: uint32(psa.UsageAll) + 1},
		"usage, high":    {Type: aes, Usage: 1 << 16},
		"kind":           {Type: aes, Algorithm: &agentpb.Algorithm{Kind: 256}},
		"hash":           {Type: aes, Algorithm: &agentpb.Algorithm{Kind: uint32(psa.AlgECDSA), Hash: 256 + 7}},
		"kdf":            {Type: aes, Algorithm: &agentpb.Algorithm{Kind: uint32(psa.AlgECDH), Kdf: 256 + uint32(psa.AlgHKDF), KdfHash: 7}},
		"kdf hash":       {Type: aes, Algorithm: &agentpb.Algorithm{Kind: uint32(psa.AlgECDH), Kdf: uint32(psa.AlgHKDF), KdfHash: 256 + 7}},
		"nothing at all": {},
	} {
		if a, err := agent.DecodeAttributes(m); !errors.Is(err, wire.StatusInvalidEncoding) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	if _, err := agent.DecodeAttributes(nil); !errors.Is(err, wire.StatusInvalidEncoding) {
		t.Errorf("absent attributes: %v", err)
	}
	if a, err := agent.DecodeAlgorithm(nil); err != nil || a != (psa.Algorithm{}) {
		t.Errorf("an absent algorithm is none: %v, %v", a, err)
	}
}

func TestExtension(t *testing.T) {
	plain, err := psa.Marshal(&psapb.GenerateKey{KeyName: "web"})
	if err != nil {
		t.Fatal(err)
	}
	ext, err := psa.Marshal(&agentpb.Extension{ProviderName: "second", Algorithm: &agentpb.Algorithm{Kind: uint32(psa.AlgPureEdDSA)}})
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{"behind": append(slices.Clip(plain), ext...), "before": append(slices.Clip(ext), plain...)} {
		got, err := agent.DecodeExtension(body)
		if err != nil || got.GetProviderName() != "second" || psa.Kind(got.GetAlgorithm().GetKind()) != psa.AlgPureEdDSA {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		m := &psapb.GenerateKey{}
		if err := psa.Unmarshal(body, m); err != nil || m.GetKeyName() != "web" {
			t.Errorf("%s: the original's message is %v, %v", name, m, err)
		}
	}
	for _, body := range [][]byte{nil, plain} {
		if got, err := agent.DecodeExtension(body); err != nil || got != nil {
			t.Errorf("%x: %v, %v", body, got, err)
		}
	}
	for _, body := range []string{"c23e05", "0a05", "ff", "c03e01", "c23e01ff"} {
		if got, err := agent.DecodeExtension(unhex(t, body)); !errors.Is(err, wire.StatusDeserializingBody) {
			t.Errorf("%s: %v, %v", body, got, err)
		}
	}
	if agent.FirstField != 1000 {
		t.Errorf("extensions begin at %d", agent.FirstField)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOpcodes(t *testing.T) {
	ops := agent.Opcodes()
	names := map[string]bool{}
	for i, op := range ops {
		if op < wire.FirstAgentOpcode || i > 0 && op <= ops[i-1] || op.Original() || names[agent.Name(op)] || agent.Name(op) == op.String() {
			t.Errorf("operation %d is 0x%x %q", i, op, agent.Name(op))
		}
		names[agent.Name(op)] = true
	}
	if len(ops) < 8 || agent.Name(wire.OpPing) != "Ping" {
		t.Errorf("%d operations, ping is %q", len(ops), agent.Name(wire.OpPing))
	}
}

// messages are all messages of the agent that a peer decodes.
func messages() []proto.Message {
	return []proto.Message{
		&agentpb.ErrorDetail{}, &agentpb.Extension{}, &agentpb.Attributes{}, &agentpb.Info{}, &agentpb.DoctorResult{},
		&agentpb.ListKeys{}, &agentpb.ListKeysResult{}, &agentpb.Protect{}, &agentpb.Progress{}, &agentpb.Backup{},
		&agentpb.Chunk{}, &agentpb.Restore{}, &agentpb.Empty{}, &agentpb.Unlock{}, &agentpb.UnlockResult{},
		&agentpb.ListUnnamed{}, &agentpb.ListUnnamedResult{}, &agentpb.Adopt{}, &agentpb.AdoptResult{},
		&agentpb.CertifyKey{}, &agentpb.CertifyKeyResult{}, &agentpb.VerifyAttestation{}, &agentpb.AttestationReport{},
		&agentpb.SealRoot{}, &agentpb.SealRootResult{}, &agentpb.RecoverRoot{}, &agentpb.RecoverRootResult{},
		&agentpb.Inspect{}, &agentpb.InspectResult{},
		&agentpb.ListDevices{}, &agentpb.ListDevicesResult{}, &agentpb.UnlockDevice{}, &agentpb.UnlockDeviceResult{},
		&agentpb.LockDevice{}, &agentpb.LockDeviceResult{}, &agentpb.ProtectDevice{}, &agentpb.ProtectDeviceResult{},
		&agentpb.ImportDevice{}, &agentpb.ImportDeviceResult{}, &agentpb.ExportDevice{}, &agentpb.ExportDeviceResult{},
		&agentpb.Begin{}, &agentpb.BeginResult{}, &agentpb.Watch{}, &agentpb.WatchResult{}, &agentpb.Answer{}, &agentpb.AnswerResult{},
		&agentpb.Cancel{}, &agentpb.CancelResult{}, &agentpb.ListWorks{}, &agentpb.ListWorksResult{},
		&agentpb.OrgStatus{}, &agentpb.OrgStatusResult{}, &agentpb.ListOrganizations{}, &agentpb.ListOrganizationsResult{},
		&agentpb.AcceptRollback{}, &agentpb.AcceptRollbackResult{}, &agentpb.ForgetOrganization{}, &agentpb.ForgetOrganizationResult{},
		&agentpb.AcceptTerms{}, &agentpb.AcceptTermsResult{},
		&agentpb.ListUsers{}, &agentpb.ListUsersResult{}, &agentpb.RevokeUser{}, &agentpb.RevokeUserResult{},
		&agentpb.UpdateUser{}, &agentpb.UpdateUserResult{},
		&agentpb.NewInvitation{}, &agentpb.NewInvitationResult{}, &agentpb.ListInvitations{}, &agentpb.ListInvitationsResult{},
		&agentpb.CancelInvitation{}, &agentpb.CancelInvitationResult{}, &agentpb.Events{}, &agentpb.Event{},
		&agentpb.ListRecoveries{}, &agentpb.ListRecoveriesResult{}, &agentpb.SetUpRecovery{}, &agentpb.SetUpRecoveryResult{},
		&agentpb.DeleteRecovery{}, &agentpb.DeleteRecoveryResult{},
	}
}

// FuzzMessages: every message of the agent decodes to something that encodes to the same.
func FuzzMessages(f *testing.F) {
	for i := range messages() {
		f.Add(uint8(i), []byte{0x0a, 1, 'x', 0x10, 1})
	}
	f.Add(uint8(0), mustMarshal(f, &agentpb.ErrorDetail{Object: `key "web"`, Reason: "no", Remedy: "parsecctl doctor", Reference: "1"}))
	f.Add(uint8(3), mustMarshal(f, &agentpb.Info{Providers: []*agentpb.Info_Provider{{Opcodes: []uint32{1, 1 << 16}}}}))
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		m := messages()[int(which)%len(messages())]
		if err := psa.Unmarshal(body, m); err != nil {
			if !errors.Is(err, wire.StatusDeserializingBody) {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		back := proto.Clone(m)
		proto.Reset(back)
		if err := psa.Unmarshal(mustMarshal(t, m), back); err != nil || !proto.Equal(m, back) {
			t.Fatalf("%v becomes %v, %v", m, back, err)
		}
		if a, ok := m.(*agentpb.Attributes); ok {
			if attrs, err := agent.DecodeAttributes(a); err == nil && attrs.Valid() != nil {
				t.Fatalf("accepted %+v, yet %v", attrs, attrs.Valid())
			}
		}
	})
}

// FuzzExtension: the scan for extension fields agrees with a whole decoding.
func FuzzExtension(f *testing.F) {
	f.Add(mustMarshal(f, &psapb.GenerateKey{KeyName: "web"}))
	f.Add(mustMarshal(f, &agentpb.Extension{ProviderName: "second", Attributes: &agentpb.Attributes{Type: 11, Curve: 100}}))
	f.Add([]byte{0xc2, 0x3e, 5})
	f.Add([]byte{0x0b, 0xc2, 0x3e, 1, 'x', 0x0c})
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := agent.DecodeExtension(body)
		whole := &agentpb.Extension{}
		wholeErr := psa.Unmarshal(body, whole)
		switch {
		case err != nil:
			if wholeErr == nil || !errors.Is(err, wire.StatusDeserializingBody) {
				t.Fatalf("refused with %v, the whole: %v", err, wholeErr)
			}
		case got == nil:
			if wholeErr == nil && !proto.Equal(whole, &agentpb.Extension{}) {
				t.Fatalf("overlooked %v", whole)
			}
		case wholeErr != nil || !proto.Equal(got, whole):
			t.Fatalf("got %v, the whole is %v, %v", got, whole, wholeErr)
		}
	})
}

func mustMarshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := psa.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
