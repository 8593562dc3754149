package client_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func authenticators(kinds ...wire.AuthType) *psapb.ListAuthenticatorsResult {
	m := &psapb.ListAuthenticatorsResult{}
	for _, k := range kinds {
		m.Authenticators = append(m.Authenticators, &psapb.ListAuthenticatorsResult_AuthenticatorInfo{Id: uint32(k)})
	}
	return m
}

func TestAuthenticationIsChosen(t *testing.T) {
	token := func(context.Context) (string, error) { return "a.b.c", nil }
	for _, tc := range []struct {
		name   string
		offers []wire.AuthType
		opts   client.Options
		kind   wire.AuthType
		field  string
		fails  bool
	}{
		{"peer", []wire.AuthType{wire.AuthUnixPeer, wire.AuthDirect}, client.Options{Application: "app"}, wire.AuthUnixPeer, "", false},
		{"direct", []wire.AuthType{wire.AuthDirect, wire.AuthUnixPeer}, client.Options{Application: "app"}, wire.AuthDirect, "app", false},
		{"direct without a name", []wire.AuthType{wire.AuthDirect, wire.AuthUnixPeer}, client.Options{}, wire.AuthUnixPeer, "", false},
		{"svid", []wire.AuthType{wire.AuthJWTSVID}, client.Options{Token: token}, wire.AuthJWTSVID, "a.b.c", false},
		{"anonymous", []wire.AuthType{wire.AuthUnixPeer}, client.Options{Anonymous: true}, wire.AuthNone, "", false},
		{"none", nil, client.Options{}, 0, "", true},
		{"none of ours", []wire.AuthType{wire.AuthDirect, wire.AuthJWTSVID, wire.AuthJWT}, client.Options{}, 0, "", true},
		{"name not UTF-8", []wire.AuthType{wire.AuthDirect}, client.Options{Application: "\xff"}, 0, "", true},
		{"field too long", []wire.AuthType{wire.AuthDirect}, client.Options{Application: strings.Repeat("x", 1<<16)}, 0, "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newServer(t, func(r request) reply {
				if r.Opcode == wire.OpListAuthenticators {
					return ok(authenticators(tc.offers...))
				}
				return reply{}
			})
			c := s.dial(tc.opts)
			err := c.DestroyKey(t.Context(), "k")
			if tc.fails {
				if s := wire.StatusOf(err); s != wire.StatusAuthenticatorNotRegistered && s != wire.StatusAuthenticationError {
					t.Errorf("got %v", err)
				}
				if _, err := c.GenerateRandom(t.Context(), 0); err != nil && tc.name != "field too long" {
					t.Errorf("random without an identity: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r := s.seen(wire.OpDestroyKey)[0]
			if r.AuthType != tc.kind || tc.field != "" && string(r.auth) != tc.field {
				t.Errorf("authentication %s %q", r.AuthType, r.auth)
			}
		})
	}
}

func TestTokenError(t *testing.T) {
	s := newServer(t, func(r request) reply {
		if r.Opcode == wire.OpListAuthenticators {
			return ok(authenticators(wire.AuthJWTSVID))
		}
		return reply{}
	})
	cause := errors.New("no agent")
	c := s.dial(client.Options{Token: func(context.Context) (string, error) { return "", cause }})
	if err := c.DestroyKey(t.Context(), "k"); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

func TestDefaultProvider(t *testing.T) {
	s := newServer(t, nil)
	c := s.dial(client.Options{})
	if err := errors.Join(c.DestroyKey(t.Context(), "a"), c.WithProvider(wire.ProviderTPM).DestroyKey(t.Context(), "b"),
		s.dial(client.Options{Provider: new(wire.ProviderPKCS11)}).DestroyKey(t.Context(), "c")); err != nil {
		t.Fatal(err)
	}
	var got []wire.ProviderID
	for _, r := range s.seen(wire.OpDestroyKey) {
		got = append(got, r.Provider)
	}
	if diff := cmp.Diff([]wire.ProviderID{wire.ProviderMbedCrypto, wire.ProviderTPM, wire.ProviderPKCS11}, got); diff != "" {
		t.Error(diff)
	}
	if n := len(s.seen(wire.OpListProviders)); n != 1 {
		t.Errorf("providers listed %d times", n)
	}
}

func TestInstanceIsNamed(t *testing.T) {
	s := newServer(t, func(r request) reply {
		if r.Opcode == agent.OpInfo {
			return ok(&agentpb.Info{Providers: []*agentpb.Info_Provider{{Name: "soft", Id: 1}, {Name: "hsm-b", Id: 2}}})
		}
		return reply{}
	})
	c := s.dial(client.Options{Instance: "hsm-b"})
	if err := c.GenerateKey(t.Context(), "k", p256()); err != nil {
		t.Fatal(err)
	}
	r := s.seen(wire.OpGenerateKey)[0]
	ext, err := agent.DecodeExtension(r.body)
	if err != nil || ext.GetProviderName() != "hsm-b" || r.Provider != wire.ProviderPKCS11 {
		t.Errorf("provider %s, extension %v, %v", r.Provider, ext, err)
	}
	var m psapb.GenerateKey
	if err := psa.Unmarshal(r.body, &m); err != nil || m.GetKeyName() != "k" {
		t.Errorf("body %v, %v", &m, err)
	}
	if _, err := client.Dial(t.Context(), client.Options{Endpoint: s.path, Instance: "other"}); !errors.Is(err, wire.StatusProviderNotRegistered) {
		t.Errorf("an unknown name: %v", err)
	}
}

func TestExtensionCarriesOurKinds(t *testing.T) {
	s := newServer(t, nil)
	c := s.dial(client.Options{})
	want := psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255, Usage: psa.UsageSignMessage | psa.UsageVerifyMessage,
		Alg: psa.Algorithm{Kind: psa.AlgPureEdDSA},
	}
	if err := c.ImportKey(t.Context(), "k", want, make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	ext, err := agent.DecodeExtension(s.seen(wire.OpImportKey)[0].body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := agent.DecodeAttributes(ext.GetAttributes())
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := c.SignMessage(t.Context(), "k", want.Alg, []byte("m")); err != nil {
		t.Fatal(err)
	}
	ext, err = agent.DecodeExtension(s.seen(wire.OpSignMessage)[0].body)
	if err != nil || ext.GetAlgorithm().GetKind() != uint32(psa.AlgPureEdDSA) {
		t.Errorf("algorithm %v, %v", ext, err)
	}
	// Nonsense is refused here: nothing of it is sent.
	bad := want
	bad.Alg = psa.Algorithm{Kind: psa.AlgECDSA}
	if err := c.GenerateKey(t.Context(), "k", bad); !errors.Is(err, wire.StatusInvalidEncoding) {
		t.Errorf("got %v", err)
	}
	if _, err := c.SignHash(t.Context(), "k", psa.Algorithm{Kind: psa.AlgGCM}, nil); err == nil {
		t.Error("GCM signs")
	}
	if n := len(s.seen(wire.OpGenerateKey)) + len(s.seen(wire.OpSignHash)); n != 0 {
		t.Errorf("%d requests of nonsense were sent", n)
	}
}

func TestRandomInParts(t *testing.T) {
	s := newServer(t, func(r request) reply {
		var m psapb.GenerateRandom
		if r.Opcode != wire.OpGenerateRandom || psa.Unmarshal(r.body, &m) != nil {
			return reply{}
		}
		return ok(&psapb.Output{Output: bytes.Repeat([]byte{byte(m.GetSize())}, int(min(m.GetSize(), 64)))})
	})
	c := s.dial(client.Options{})
	b, err := c.GenerateRandom(t.Context(), 150)
	want := bytes.Join([][]byte{bytes.Repeat([]byte{150}, 64), bytes.Repeat([]byte{86}, 64), bytes.Repeat([]byte{22}, 22)}, nil)
	if err != nil || !bytes.Equal(b, want) {
		t.Errorf("got %x, %v", b, err)
	}
	if b, err := c.GenerateRandom(t.Context(), 0); err != nil || len(b) != 0 {
		t.Errorf("none: %x, %v", b, err)
	}
}

func TestRandomWrongLength(t *testing.T) {
	for _, n := range []int{0, 5} {
		s := newServer(t, func(r request) reply {
			if r.Opcode != wire.OpGenerateRandom {
				return reply{}
			}
			return ok(&psapb.Output{Output: make([]byte, n)})
		})
		if _, err := s.dial(client.Options{}).GenerateRandom(t.Context(), 4); err == nil {
			t.Errorf("%d bytes for 4", n)
		}
	}
}

func TestInfoAndKeys(t *testing.T) {
	attrs := agent.EncodeAttributes(p256())
	s := newServer(t, func(r request) reply {
		switch r.Opcode {
		case agent.OpInfo:
			return ok(&agentpb.Info{
				Version: "1", UptimeMs: 1500, Mode: "user", Caller: &agentpb.Info_Caller{Application: "1000", AuthType: 3, Admin: true},
				Providers:   []*agentpb.Info_Provider{{Name: "soft", Id: 1, Opcodes: []uint32{2}}},
				KeyManagers: []*agentpb.Info_KeyManager{{Name: "kim", Entries: 3}}, Resources: &agentpb.Info_Resources{MemoryBytes: 7},
				Authenticators: []*agentpb.Info_Authenticator{{Id: 3, Primary: true}},
			})
		case agent.OpListKeys:
			return ok(&agentpb.ListKeysResult{Keys: []*agentpb.ListKeysResult_Key{
				{Name: "k", ProviderId: 3, Attributes: attrs, AuthType: 3, Application: "1000"},
				{Name: "k", ProviderId: 1, ProviderName: "soft", Attributes: attrs, Storage: "encrypted"},
			}})
		case agent.OpDoctor:
			return ok(&agentpb.DoctorResult{Findings: []*agentpb.DoctorResult_Finding{{Severity: "error", Area: "storage", Problem: "full"}}})
		default:
			return reply{}
		}
	})
	c := s.dial(client.Options{})
	info, err := c.Info(t.Context())
	if err != nil || info.Uptime.Milliseconds() != 1500 || !info.Caller.Admin || info.Providers[0].Name != "soft" || info.KeyManagers[0].Entries != 3 {
		t.Errorf("info %+v, %v", info, err)
	}
	first, err := c.FindKey(t.Context(), "k")
	if err != nil || first.Provider != wire.ProviderTPM {
		t.Errorf("found %+v, %v", first, err)
	}
	soft, err := c.WithProvider(wire.ProviderMbedCrypto).FindKey(t.Context(), "k")
	if err != nil || soft.Storage != "encrypted" || soft.Attributes.Usage != p256().Usage.Expand() {
		t.Errorf("found %+v, %v", soft, err)
	}
	if _, err := c.FindKey(t.Context(), "nope"); !errors.Is(err, wire.StatusDoesNotExist) {
		t.Errorf("got %v", err)
	}
	found, err := c.Doctor(t.Context())
	if err != nil || len(found) != 1 || found[0].Severity != client.SeverityError {
		t.Errorf("findings %+v, %v", found, err)
	}
}

func TestNumbersOutOfRange(t *testing.T) {
	s := newServer(t, func(r request) reply {
		switch r.Opcode {
		case wire.OpListProviders:
			return ok(&psapb.ListProvidersResult{Providers: []*psapb.ListProvidersResult_ProviderInfo{{Id: 256}}})
		case wire.OpListKeys:
			return ok(&psapb.ListKeysResult{Keys: []*psapb.ListKeysResult_KeyInfo{{Name: "x"}}})
		case agent.OpInfo:
			return ok(&agentpb.Info{Authenticators: []*agentpb.Info_Authenticator{{Id: 1 << 31}}})
		default:
			return reply{}
		}
	})
	c := s.dial(client.Options{})
	_, providers := c.ListProviders(t.Context())
	_, keys := c.ListKeys(t.Context())
	_, info := c.Info(t.Context())
	for _, err := range []error{providers, keys, info} {
		if _, is := errors.AsType[*client.ProtocolError](err); !is {
			t.Errorf("got %v", err)
		}
	}
}
