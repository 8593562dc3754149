package client_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

type vector struct {
	Name     string `json:"name"`
	Request  string `json:"request_hex"`
	Response string `json:"response_hex"`
	Status   uint16 `json:"status"`
}

func vectors(t *testing.T) []vector {
	t.Helper()
	data, err := os.ReadFile("../testdata/parsec-service.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []vector `json:"vectors"`
	}
	if err := json.Unmarshal(data, &file); err != nil || len(file.Vectors) < 100 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	return file.Vectors
}

// call makes the request that a recorded frame holds through the typed interface. It
// returns the output of the answer, and false for frames that no client of ours sends.
type typed func(t *testing.T, c *client.Client, body []byte) ([]byte, error)

func decode[M any, P interface {
	*M
	proto.Message
}](t *testing.T, body []byte,
) *M {
	t.Helper()
	m := new(M)
	if err := psa.Unmarshal(body, P(m)); err != nil {
		t.Fatalf("body: %v", err)
	}
	return m
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func nothing(err error) ([]byte, error) { return nil, err }

// typedCalls are the operations by opcode.
var typedCalls = map[wire.Opcode]typed{
	wire.OpPing: func(t *testing.T, c *client.Client, _ []byte) ([]byte, error) {
		_, err := c.Ping(t.Context())
		return nil, err
	},
	wire.OpListProviders: func(t *testing.T, c *client.Client, _ []byte) ([]byte, error) {
		found, err := c.ListProviders(t.Context())
		if len(found) != 4 || found[0].ID != wire.ProviderMbedCrypto || found[3].Version.String() != "1.4.1" {
			t.Errorf("providers %+v", found)
		}
		return nil, err
	},
	wire.OpListAuthenticators: func(t *testing.T, c *client.Client, _ []byte) ([]byte, error) {
		found, err := c.ListAuthenticators(t.Context())
		if len(found) != 1 || found[0].ID != wire.AuthUnixPeer {
			t.Errorf("authenticators %+v", found)
		}
		return nil, err
	},
	wire.OpListOpcodes: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		_, err := c.ListOpcodes(t.Context(), wire.ProviderID(decode[psapb.ListOpcodes](t, b).GetProviderId()))
		return nil, err
	},
	wire.OpListKeys: func(t *testing.T, c *client.Client, _ []byte) ([]byte, error) {
		_, err := c.ListKeys(t.Context())
		return nil, err
	},
	wire.OpListClients: func(t *testing.T, c *client.Client, _ []byte) ([]byte, error) {
		_, err := c.ListClients(t.Context())
		return nil, err
	},
	wire.OpDeleteClient: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		return nothing(c.DeleteClient(t.Context(), decode[psapb.DeleteClient](t, b).GetClient()))
	},
	wire.OpGenerateKey: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		m := decode[psapb.GenerateKey](t, b)
		return nothing(c.GenerateKey(t.Context(), psa.KeyName(m.GetKeyName()), must(psa.DecodeAttributes(m.GetAttributes()))(t)))
	},
	wire.OpImportKey: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		m := decode[psapb.ImportKey](t, b)
		return nothing(c.ImportKey(t.Context(), psa.KeyName(m.GetKeyName()), must(psa.DecodeAttributes(m.GetAttributes()))(t), m.GetData()))
	},
	wire.OpDestroyKey: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		return nothing(c.DestroyKey(t.Context(), psa.KeyName(decode[psapb.KeyRef](t, b).GetKeyName())))
	},
	wire.OpExportPublicKey: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		return c.ExportPublicKey(t.Context(), psa.KeyName(decode[psapb.KeyRef](t, b).GetKeyName()))
	},
	wire.OpExportKey: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		return c.ExportKey(t.Context(), psa.KeyName(decode[psapb.KeyRef](t, b).GetKeyName()))
	},
	wire.OpSignHash: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		m := decode[psapb.Sign](t, b)
		return c.SignHash(t.Context(), psa.KeyName(m.GetKeyName()), must(psa.DecodeSignature(m.GetAlg()))(t), m.GetInput())
	},
	wire.OpSignMessage: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		m := decode[psapb.Sign](t, b)
		return c.SignMessage(t.Context(), psa.KeyName(m.GetKeyName()), must(psa.DecodeSignature(m.GetAlg()))(t), m.GetInput())
	},
	wire.OpVerifyHash: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		m := decode[psapb.Verify](t, b)
		alg := must(psa.DecodeSignature(m.GetAlg()))(t)
		return nothing(c.VerifyHash(t.Context(), psa.KeyName(m.GetKeyName()), alg, m.GetInput(), m.GetSignature()))
	},
	wire.OpAsymmetricEncrypt: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		m := decode[psapb.AsymmetricCrypt](t, b)
		return c.AsymmetricEncrypt(t.Context(), psa.KeyName(m.GetKeyName()), must(psa.DecodeEncryption(m.GetAlg()))(t), m.GetInput(), m.GetSalt())
	},
	wire.OpAsymmetricDecrypt: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		m := decode[psapb.AsymmetricCrypt](t, b)
		return c.AsymmetricDecrypt(t.Context(), psa.KeyName(m.GetKeyName()), must(psa.DecodeEncryption(m.GetAlg()))(t), m.GetInput(), m.GetSalt())
	},
	wire.OpAEADEncrypt: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		m := decode[psapb.AeadCrypt](t, b)
		alg := must(psa.DecodeAEAD(m.GetAlg()))(t)
		return c.AEADEncrypt(t.Context(), psa.KeyName(m.GetKeyName()), alg, m.GetNonce(), m.GetAdditionalData(), m.GetInput())
	},
	wire.OpAEADDecrypt: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		m := decode[psapb.AeadCrypt](t, b)
		alg := must(psa.DecodeAEAD(m.GetAlg()))(t)
		return c.AEADDecrypt(t.Context(), psa.KeyName(m.GetKeyName()), alg, m.GetNonce(), m.GetAdditionalData(), m.GetInput())
	},
	wire.OpCipherEncrypt: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		m := decode[psapb.CipherCrypt](t, b)
		return c.CipherEncrypt(t.Context(), psa.KeyName(m.GetKeyName()), must(psa.DecodeCipher(m.GetAlg()))(t), m.GetInput())
	},
	wire.OpHashCompute: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		m := decode[psapb.HashCompute](t, b)
		return c.HashCompute(t.Context(), psa.Hash(m.GetAlg()), m.GetInput())
	},
	wire.OpHashCompare: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		m := decode[psapb.HashCompare](t, b)
		return nothing(c.HashCompare(t.Context(), psa.Hash(m.GetAlg()), m.GetInput(), m.GetHash()))
	},
	wire.OpRawKeyAgreement: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		m := decode[psapb.RawKeyAgreement](t, b)
		return c.RawKeyAgreement(t.Context(), psa.KeyName(m.GetPrivateKeyName()), must(psa.DecodeRawAgreement(m.GetAlg()))(t), m.GetPeerKey())
	},
	wire.OpGenerateRandom: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		return c.GenerateRandom(t.Context(), decode[psapb.GenerateRandom](t, b).GetSize())
	},
	wire.OpCanDoCrypto: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		m := decode[psapb.CanDoCrypto](t, b)
		return nothing(c.CanDoCrypto(t.Context(), psa.Check(m.GetCheckType()), must(psa.DecodeAttributes(m.GetAttributes()))(t)))
	},
	wire.OpPrepareKeyAttestation: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		m := decode[psapb.PrepareKeyAttestation](t, b).GetParameters().GetActivateCredential()
		_, err := c.PrepareKeyAttestation(t.Context(), psa.KeyName(m.GetAttestedKeyName()), psa.KeyName(m.GetAttestingKeyName()))
		return nil, err
	},
	wire.OpAttestKey: func(t *testing.T, c *client.Client, b []byte) ([]byte, error) {
		m := decode[psapb.AttestKey](t, b)
		p := m.GetParameters().GetActivateCredential()
		_, err := c.AttestKey(t.Context(), psa.KeyName(m.GetAttestedKeyName()), psa.KeyName(m.GetAttestingKeyName()), p.GetCredentialBlob(), p.GetSecret())
		return nil, err
	},
}

// TestGoldenVectors replays the recorded exchanges with the original service from the
// client's side: what the typed interface sends is what was recorded, byte by byte, and
// the recorded answers are understood.
func TestGoldenVectors(t *testing.T) {
	for _, v := range vectors(t) {
		if notOurs[v.Name] != "" {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			req, err := hex.DecodeString(v.Request)
			if err != nil {
				t.Fatal(err)
			}
			want, err := wire.NewReader(bytes.NewReader(req), wire.DefaultBodyLimit).ReadRequest()
			if err != nil {
				t.Fatal(err)
			}
			call := typedCalls[want.Opcode]
			if call == nil {
				t.Fatalf("no typed call for %s", want.Opcode)
			}
			replay(t, v, want, call)
		})
	}
}

// notOurs are the recorded requests that the typed interface cannot make, and why.
var notOurs = map[string]string{
	"err_bad_magic":                    "a malformed header",
	"err_bad_header_size":              "a malformed header",
	"err_bad_version_major":            "a malformed header",
	"err_bad_version_minor":            "a malformed header",
	"err_reserved_byte":                "a malformed header",
	"err_content_type":                 "a malformed header",
	"err_accept_type":                  "a malformed header",
	"err_auth_type_unknown":            "a malformed header",
	"err_unknown_opcode":               "refused here: the original has no such operation",
	"err_opcode_zero":                  "there is no such operation",
	"err_provider_unknown":             "Ping goes to the core provider",
	"err_core_op_on_crypto_provider":   "Ping goes to the core provider",
	"err_body_too_long":                "only the header was recorded",
	"err_truncated_header":             "half a frame",
	"err_truncated_auth":               "half a frame",
	"mbed_generate_missing_attributes": "attributes are always sent",
	"tpm_random_1000_truncated_to_64":  "the rest is asked for again: TestRandomInParts",
}

func replay(t *testing.T, v vector, want wire.Request, call typed) {
	t.Helper()
	answer, err := hex.DecodeString(v.Response)
	if err != nil {
		t.Fatal(err)
	}
	armed := false
	s := newServer(t, func(request) reply {
		if armed {
			return reply{raw: answer}
		}
		return reply{}
	})
	c := s.dial(client.Options{OneShot: true, Anonymous: want.AuthType == wire.AuthNone}).WithProvider(want.Provider)
	armed = true
	out, err := call(t, c, want.Body)
	seen := s.seen(want.Opcode)
	if len(seen) == 0 {
		t.Fatalf("nothing was sent: %v", err)
	}
	got := seen[len(seen)-1]
	if got.Provider != want.Provider || got.Flags != 0 || got.Session != 0 {
		t.Errorf("header %+v, recorded %+v", got.Header, want.Header)
	}
	if want.Opcode != wire.OpPing && want.Opcode != wire.OpListOpcodes && got.AuthType != want.AuthType {
		t.Errorf("authentication %s, recorded %s", got.AuthType, want.AuthType)
	}
	if !sameBody(t, want.Opcode, got.body, want.Body) {
		t.Errorf("sent     %x\nrecorded %x", got.body, want.Body)
	}
	if status := wire.StatusOf(err); status != wire.Status(v.Status) {
		t.Errorf("status %d, recorded %d: %v", status, v.Status, err)
	}
	if v.Status == 0 && out != nil {
		var m psapb.Output
		if err := psa.Unmarshal(answer[wire.HeaderSize:], &m); err != nil || !bytes.Equal(m.GetOutput(), out) {
			t.Errorf("output %x, recorded %x", out, m.GetOutput())
		}
	}
}

// sameBody compares bodies. Attributes that went through package psa carry the implied
// usage flags too, and a field that the recording client did not know is not ours.
func sameBody(t *testing.T, op wire.Opcode, got, want []byte) bool {
	t.Helper()
	normal := func(b []byte) []byte {
		var attrs *psapb.KeyAttributes
		var m proto.Message
		switch op {
		case wire.OpGenerateKey:
			g := decode[psapb.GenerateKey](t, b)
			attrs, m = g.GetAttributes(), g
		case wire.OpImportKey:
			g := decode[psapb.ImportKey](t, b)
			attrs, m = g.GetAttributes(), g
		case wire.OpCanDoCrypto:
			g := decode[psapb.CanDoCrypto](t, b)
			attrs, m = g.GetAttributes(), g
		case wire.OpPing:
			return nil
		default:
			return b
		}
		u := attrs.GetKeyPolicy().GetKeyUsageFlags()
		u.SignMessage = u.GetSignMessage() || u.GetSignHash()
		u.VerifyMessage = u.GetVerifyMessage() || u.GetVerifyHash()
		out, err := psa.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	return bytes.Equal(normal(got), normal(want))
}
