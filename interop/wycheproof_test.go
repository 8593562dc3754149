package interop

import (
	"bytes"
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest/wycheproof"
)

// TestWycheproof replays the vectors of Project Wycheproof through the socket: every key
// is imported, every operation called by frames on persistent connections.
func TestWycheproof(t *testing.T) {
	dir := memoryDir(t)
	config := agentdtest.Config(dir) + "\n[agent]\naudit = \"off\"\n"
	a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: strings.Replace(config, "allow_root", "allow_deprecated = true\nallow_root", 1)})
	p := &proof{socket: a.Socket, exceptions: map[string]int{}}
	t.Run("files", func(t *testing.T) {
		for _, file := range wycheproof.Files() {
			t.Run(file, func(t *testing.T) {
				t.Parallel()
				p.file(t, file)
			})
		}
	})
	t.Logf("%d cases with %d keys: %d valid, %d refused as they must be", p.cases, p.keys, p.valid, p.refused)
	for reason, n := range p.exceptions {
		t.Logf("exception: %s: %d valid cases are refused", reason, n)
	}
	if p.cases < 10000 && !testing.Short() {
		t.Errorf("only %d cases", p.cases)
	}
}

// memoryDir is a state directory that costs no waiting for a disk, where there is one.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "pa-") //nolint:usetesting // memory, which t.TempDir is not
	if err != nil {
		return agentdtest.Dir(t)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// proof is the replay with what it counts.
type proof struct {
	socket string

	mu                          sync.Mutex // guards the fields below
	cases, keys, valid, refused int
	exceptions                  map[string]int
}

// proving replays one file on one connection, with the key of the case before at hand.
type proving struct {
	proof *proof
	t     *testing.T
	conn  *socket.Conn
	name  string

	attrs psa.Attributes
	data  []byte
	made  error // of the import
}

// file replays one file.
func (p *proof) file(t *testing.T, file string) {
	conn, err := socket.Session{Path: p.socket, UID: uint32(os.Getuid()), Provider: wire.ProviderMbedCrypto}.Keep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := &proving{proof: p, t: t, conn: conn, name: file}
	cases := wycheproof.Load(t, file)
	step := 1
	if testing.Short() {
		step = 11
	}
	for i := 0; i < len(cases); i += step {
		if err := r.replay(&cases[i]); err != nil {
			t.Errorf("%v %v: %v", &cases[i], cases[i].Flags, err)
		}
	}
	r.destroy()
}

// replay makes one case and returns what is wrong with the answer.
func (r *proving) replay(c *wycheproof.Case) error {
	// A verification runs twice, of the message and of its hash.
	if c.Op == wycheproof.VerifyMessage && c.Algorithm().Kind != psa.AlgPureEdDSA {
		c.Attributes.Usage |= psa.UsageVerifyHash
	}
	err := r.key(c)
	if err == nil {
		err = r.operate(c)
	}
	if bad := wire.StatusOf(err); bad == wire.StatusGenericError {
		return err
	}
	r.count(c, err)
	switch {
	case c.Exception != "" && err == nil:
		return fmt.Errorf("it is an exception (%s), and succeeds", c.Exception)
	case c.Exception != "":
		return nil
	case c.Want == wycheproof.Valid:
		return err
	case c.Want == wycheproof.Invalid && err == nil:
		return fmt.Errorf("it is invalid, and accepted")
	}
	return nil
}

func (r *proving) count(c *wycheproof.Case, err error) {
	p := r.proof
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cases++
	switch {
	case c.Exception != "":
		p.exceptions[c.Exception]++
	case err == nil:
		p.valid++
	default:
		p.refused++
	}
}

// key imports the key of a case, unless the case before had the same.
func (r *proving) key(c *wycheproof.Case) error {
	if r.attrs == c.Attributes && r.data != nil && bytes.Equal(r.data, c.KeyData) {
		return r.made
	}
	r.destroy()
	r.attrs, r.data = c.Attributes, bytes.Clone(c.KeyData)
	r.made = r.send(wire.OpImportKey, &psapb.ImportKey{KeyName: r.name, Data: c.KeyData}, &agentpb.Extension{
		Attributes: agent.EncodeAttributes(c.Attributes),
	}, nil)
	r.proof.mu.Lock()
	r.proof.keys++
	r.proof.mu.Unlock()
	return r.made
}

func (r *proving) destroy() {
	if r.data != nil && r.made == nil {
		if err := r.send(wire.OpDestroyKey, &psapb.KeyRef{KeyName: r.name}, nil, nil); err != nil {
			r.t.Errorf("destroying: %v", err)
		}
	}
	r.data = nil
}

// send makes a flagged request, with an extension if there is one.
func (r *proving) send(op wire.Opcode, m proto.Message, ext *agentpb.Extension, out *psapb.Output) error {
	body, err := psa.Marshal(m)
	if err != nil {
		return err
	}
	if ext != nil {
		more, err := psa.Marshal(ext)
		if err != nil {
			return err
		}
		body = append(body, more...)
	}
	h := wire.Header{Flags: wire.FlagPersistent, Provider: wire.ProviderMbedCrypto, Opcode: op, AuthType: wire.AuthUnixPeer}
	a := r.conn.Send(socket.Frame(h, r.conn.UID, body))
	switch {
	case a.Err != nil:
		r.t.Fatalf("%v: %v", op, a.Err)
	case a.Status != wire.StatusSuccess:
		return a.Status
	case out != nil:
		return psa.Unmarshal(a.Body, out)
	}
	return nil
}

// operate calls the operation of a case and compares its result.
func (r *proving) operate(c *wycheproof.Case) error {
	op, m := request(r.t, c, r.name)
	var ext *agentpb.Extension
	if c.Algorithm().Kind == psa.AlgPureEdDSA {
		ext = &agentpb.Extension{Algorithm: agent.EncodeAlgorithm(c.Algorithm())}
	}
	out := &psapb.Output{}
	err := r.send(op, m, ext, out)
	if c.Op == wycheproof.VerifyMessage {
		return r.verifyHash(c, err)
	}
	if err == nil && c.Op != wycheproof.MAC && !bytes.Equal(out.GetOutput(), c.Output) {
		return wire.Errorf(wire.StatusGenericError, "result %x, want %x", out.GetOutput(), c.Output)
	}
	return err
}

// verifyHash verifies the hash of a message too, as the original's clients do: the answer
// is that of VerifyMessage.
func (r *proving) verifyHash(c *wycheproof.Case, message error) error {
	std := c.Algorithm().Hash.Std()
	if !std.Available() {
		return message
	}
	h := std.New()
	h.Write(c.Input)
	alg, err := psa.EncodeSignature(c.Algorithm())
	if err != nil {
		return err
	}
	err = r.send(wire.OpVerifyHash, &psapb.Verify{KeyName: r.name, Alg: alg, Input: h.Sum(nil), Signature: c.Output}, nil, nil)
	if wire.StatusOf(err) != wire.StatusOf(message) {
		return wire.Errorf(wire.StatusGenericError, "VerifyMessage answers %v, VerifyHash %v", message, err)
	}
	return message
}

// request is the operation of a case and its message.
func request(t *testing.T, c *wycheproof.Case, name string) (wire.Opcode, proto.Message) {
	t.Helper()
	alg := c.Algorithm()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	switch c.Op {
	case wycheproof.VerifyMessage:
		m := &psapb.Verify{KeyName: name, Input: c.Input, Signature: c.Output}
		var err error
		if alg.Kind != psa.AlgPureEdDSA {
			m.Alg, err = psa.EncodeSignature(alg)
		}
		must(err)
		return wire.OpVerifyMessage, m
	case wycheproof.Decrypt:
		a, err := psa.EncodeEncryption(alg)
		must(err)
		return wire.OpAsymmetricDecrypt, &psapb.AsymmetricCrypt{KeyName: name, Alg: a, Input: c.Input, Salt: c.Salt}
	case wycheproof.Seal, wycheproof.Open:
		a, err := psa.EncodeAEAD(alg)
		must(err)
		op := wire.OpAEADEncrypt
		if c.Op == wycheproof.Open {
			op = wire.OpAEADDecrypt
		}
		return op, &psapb.AeadCrypt{KeyName: name, Alg: a, Nonce: c.Nonce, AdditionalData: c.AdditionalData, Input: c.Input}
	case wycheproof.CipherDecrypt:
		return wire.OpCipherDecrypt, &psapb.CipherCrypt{KeyName: name, Alg: psa.EncodeCipher(alg), Input: c.Input}
	case wycheproof.MAC:
		a, err := psa.EncodeMAC(alg)
		must(err)
		return wire.OpMACVerify, &psapb.MacVerify{KeyName: name, Alg: a, Input: c.Input, Mac: c.Output}
	default:
		return wire.OpRawKeyAgreement, &psapb.RawKeyAgreement{Alg: psa.EncodeRawAgreement(alg), PrivateKeyName: name, PeerKey: c.Input}
	}
}
