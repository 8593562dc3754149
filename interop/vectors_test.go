package interop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// vector is one recorded exchange of testdata/parsec-service.json.
type vector struct {
	Name, Group string
	ClientUID   uint32 `json:"client_uid"`
	Request     string `json:"request_hex"`
	Response    string `json:"response_hex"`
	Status      uint16
	Compare     string
	HalfClose   bool `json:"half_close"`
}

func vectors(t *testing.T) []vector {
	t.Helper()
	data, err := os.ReadFile("../testdata/parsec-service.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) != 128 {
		t.Fatalf("%d vectors, want 128", len(file.Vectors))
	}
	return file.Vectors
}

// closed are the exchanges that need a PKCS#11 provider. Until it exists each of them
// answers that its provider is not configured; they are opened with the provider.
var closed = []string{
	"list_opcodes_pkcs11", "mbed_name_taken_in_other_provider",
	"pkcs11_generate_ecc_p256", "pkcs11_sign_hash", "pkcs11_verify_hash", "pkcs11_export_public", "pkcs11_export_key_not_supported",
	"pkcs11_import_rsa_public", "pkcs11_verify_with_imported_rsa", "pkcs11_import_private_not_supported", "pkcs11_hash_not_supported",
	"pkcs11_rsa_pss_generate", "pkcs11_rsa_pss_sign_not_supported", "pkcs11_generate_random", "pkcs11_can_do_crypto_use", "pkcs11_destroy",
}

// intended are the exchanges that a row of Differences makes different, with what we
// answer. A test below holds both together.
var intended = map[string]struct {
	row    string
	status wire.Status
}{
	"mbed_generate_p384_refused":      {"software-p384", wire.StatusSuccess},
	"mbed_generate_rsa_3072_refused":  {"software-rsa-3072", wire.StatusSuccess},
	"mbed_sign_message_not_supported": {"software-sign-message", wire.StatusSuccess},
	"mbed_cipher_not_supported":       {"software-cipher", wire.StatusNotPermitted},
	"list_opcodes_mbed":               {"software-opcodes", wire.StatusSuccess},
	"list_opcodes_tpm":                {"tpm-opcodes", wire.StatusSuccess},
	"tpm_random_1000_truncated_to_64": {"tpm-random", wire.StatusSuccess},
}

// replay is one run of the exchanges, with what later ones need of earlier ones.
type replay struct {
	t      *testing.T
	socket string
	bodies map[string][]byte // of our answers, by the name of the exchange
}

// TestVectors replays every recorded exchange against a running agent, as the users that
// the recording had.
func TestVectors(t *testing.T) {
	dir := agentdtest.Dir(t)
	a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: agentdtest.Config(dir) + tpmConfig("sqlite", tpmtest.Start(t).TCTI())})
	r := &replay{t: t, socket: a.Socket, bodies: map[string][]byte{}}
	count := map[string]int{}
	for _, v := range vectors(t) {
		if os.Getuid() != 0 && v.ClientUID != 1000 {
			needRoot(t)
			count["skipped, for they take root"]++
			continue
		}
		t.Run(v.Name, func(t *testing.T) { count[r.play(t, v)]++ })
	}
	t.Logf("exchanges: %v", count)
	if count["closed with their provider"] != len(closed) || count["different on purpose"] != len(intended) {
		t.Errorf("%d exchanges are named as closed, %d as intended differences", len(closed), len(intended))
	}
}

// needRoot fails where root is sure to be had.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal("asking as several users takes root")
	}
}

// play makes one exchange and says how it was judged.
func (r *replay) play(t *testing.T, v vector) string {
	frame := r.request(t, v)
	uid := v.ClientUID
	if os.Getuid() != 0 {
		uid = uint32(os.Getuid())
	}
	raw, err := socket.Raw(t.Context(), r.socket, uid, frame, v.HalfClose)
	got := socket.Parse(raw, err)
	if got.Err != nil {
		t.Fatal(got)
	}
	r.bodies[v.Name] = got.Body
	want := socket.Parse(unhex(t, v.Response), nil)
	if slices.Contains(closed, v.Name) {
		if want := wire.StatusProviderNotRegistered; got.Status != want {
			t.Errorf("status %v, want %v", got.Status, want)
		}
		return "closed with their provider"
	}
	if d, ok := intended[v.Name]; ok {
		if got.Status != d.status {
			t.Errorf("status %v, want %v as row %s says", got.Status, d.status, d.row)
		}
		return "different on purpose"
	}
	r.compare(t, v, want, got)
	return v.Compare
}

// request returns the bytes to send: the recorded ones, for this user, with what earlier
// answers made.
func (r *replay) request(t *testing.T, v vector) []byte {
	frame := unhex(t, v.Request)
	if os.Getuid() != 0 && len(frame) > 40 && frame[21] == byte(wire.AuthUnixPeer) && bytes.HasSuffix(frame, wire.AppendUID(nil, 1000)) {
		copy(frame[len(frame)-4:], wire.AppendUID(nil, uint32(os.Getuid())))
	}
	switch v.Name {
	case "mbed_verify_hash_ok":
		m := &psapb.Verify{}
		return r.rebuild(t, frame, m, func() { m.Signature = r.output(t, "mbed_sign_hash_ecdsa_p256") })
	case "tpm_verify_hash", "tpm_verify_hash_wrong_size":
		m := &psapb.Verify{}
		return r.rebuild(t, frame, m, func() { m.Signature = r.output(t, "tpm_sign_hash")[:len(m.GetSignature())] })
	case "tpm_attest_key_activate_credential":
		m := &psapb.AttestKey{}
		return r.rebuild(t, frame, m, func() { m.Parameters = makeCredential(t, r.bodies["tpm_prepare_key_attestation"], []byte(attested)) })
	case "mbed_asym_decrypt_pkcs1v15":
		m := &psapb.AsymmetricCrypt{}
		return r.rebuild(t, frame, m, func() { m.Input = r.output(t, "mbed_asym_encrypt_pkcs1v15") })
	}
	return frame
}

// rebuild decodes the body of a frame into m, and encodes it again when m is changed.
func (r *replay) rebuild(t *testing.T, frame []byte, m proto.Message, change func()) []byte {
	q, err := wire.NewReader(bytes.NewReader(frame), wire.DefaultBodyLimit).ReadRequest()
	if err != nil {
		t.Fatal(err)
	}
	if err := psa.Unmarshal(q.Body, m); err != nil {
		t.Fatal(err)
	}
	change()
	body, err := psa.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	out, err := wire.AppendRequest(nil, q.Header, body, q.Auth)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// output returns the one byte string of an earlier answer.
func (r *replay) output(t *testing.T, name string) []byte {
	t.Helper()
	return output(t, r.bodies[name])
}

func output(t *testing.T, body []byte) []byte {
	t.Helper()
	m := &psapb.Output{}
	if err := psa.Unmarshal(body, m); err != nil {
		t.Fatal(err)
	}
	return m.GetOutput()
}

// compare compares as the file says.
func (r *replay) compare(t *testing.T, v vector, want, got socket.Answer) {
	wantHeader, gotHeader := want.Header, got.Header
	wantHeader.BodyLen, gotHeader.BodyLen = 0, 0
	if gotHeader != wantHeader {
		t.Fatalf("header %+v, want %+v", gotHeader, wantHeader)
	}
	switch v.Compare {
	case "exact":
		wantBody := want.Body
		if v.Name == "list_providers" {
			wantBody = withoutClosed(t, wantBody)
		}
		if !bytes.Equal(got.Body, wantBody) {
			t.Errorf("body %x, want %x", got.Body, wantBody)
		}
	case "length":
		if len(got.Body) != len(want.Body) {
			t.Errorf("%d bytes, want %d", len(got.Body), len(want.Body))
		}
	case "opcode_set":
		sameMembers(t, &psapb.ListOpcodesResult{}, want.Body, got.Body)
	case "key_set":
		sameMembers(t, &psapb.ListKeysResult{}, want.Body, got.Body)
	case "verify_signature":
		r.verify(t, v, got.Body)
	case "structure":
		attestation(t, v.Name, got.Body)
	case "status":
		if v.Name == "mbed_asym_decrypt_pkcs1v15" {
			if plain := output(t, got.Body); string(plain) != string(r.plaintext(t)) {
				t.Errorf("decrypts to %q", plain)
			}
		}
	default:
		t.Errorf("no rule compares %q", v.Compare)
	}
}

// plaintext is what mbed_asym_encrypt_pkcs1v15 encrypted.
func (r *replay) plaintext(t *testing.T) []byte {
	for _, v := range vectors(t) {
		if v.Name == "mbed_asym_encrypt_pkcs1v15" {
			q, err := wire.NewReader(bytes.NewReader(unhex(t, v.Request)), wire.DefaultBodyLimit).ReadRequest()
			if err != nil {
				t.Fatal(err)
			}
			m := &psapb.AsymmetricCrypt{}
			if err := psa.Unmarshal(q.Body, m); err != nil {
				t.Fatal(err)
			}
			return m.GetInput()
		}
	}
	t.Fatal("no such exchange")
	return nil
}

// verify checks an ECDSA P-256 signature with the standard library.
func (r *replay) verify(t *testing.T, v vector, body []byte) {
	q, err := wire.NewReader(bytes.NewReader(unhex(t, v.Request)), wire.DefaultBodyLimit).ReadRequest()
	if err != nil {
		t.Fatal(err)
	}
	in, public := &psapb.Sign{}, &psapb.Output{}
	if err := psa.Unmarshal(q.Body, in); err != nil {
		t.Fatal(err)
	}
	s := socket.Session{Path: r.socket, UID: v.ClientUID, Provider: q.Provider}
	if os.Getuid() != 0 {
		s.UID = uint32(os.Getuid())
	}
	if err := s.Do(t.Context(), wire.OpExportPublicKey, &psapb.KeyRef{KeyName: in.GetKeyName()}, public); err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), public.GetOutput())
	if err != nil {
		t.Fatal(err)
	}
	sig := output(t, body)
	if len(sig) != 64 || !ecdsa.Verify(key, in.GetInput(), new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		t.Errorf("signature %x is wrong", sig)
	}
}

// withoutClosed takes the providers that are not there yet out of a recorded list.
func withoutClosed(t *testing.T, body []byte) []byte {
	t.Helper()
	m := &psapb.ListProvidersResult{}
	if err := psa.Unmarshal(body, m); err != nil {
		t.Fatal(err)
	}
	m.Providers = slices.DeleteFunc(m.GetProviders(), func(p *psapb.ListProvidersResult_ProviderInfo) bool {
		id := wire.ProviderID(p.GetId())
		return id == wire.ProviderPKCS11
	})
	out, err := psa.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sameMembers compares two lists without their order.
func sameMembers(t *testing.T, as proto.Message, want, got []byte) {
	t.Helper()
	if diff := sameSet(want, got, as); diff != "" {
		t.Error(diff)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDifferencesNameVectors: what is listed as different in the replay has a row, and
// the row names the exchange.
func TestDifferencesNameVectors(t *testing.T) {
	for name, d := range intended {
		row, ok := Lookup(d.row)
		if !ok || !slices.Contains(row.Shown, name) {
			t.Errorf("row %q of Differences does not name the exchange %s", d.row, name)
		}
	}
	names := map[string]bool{}
	for _, v := range vectors(t) {
		names[v.Name] = true
	}
	for _, name := range closed {
		if !names[name] {
			t.Errorf("no exchange is called %q", name)
		}
	}
	for _, row := range Differences {
		for _, shown := range row.Shown {
			if _, ok := intended[shown]; !strings.Contains(shown, ".") && !ok && !names[shown] {
				t.Errorf("row %s names %q, which is no exchange", row.ID, shown)
			}
		}
	}
}
