package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// The work that clients ask for.
const (
	ping    = "ping"
	p256    = "sign P-256"
	rsa2048 = "sign RSA-2048"
	ed25519 = "sign Ed25519"

	hsmP256 = "sign P-256, SoftHSM2"
	hsmRSA  = "sign RSA-2048, SoftHSM2"
	tpmP256 = "sign P-256, swtpm"
	tpmRSA  = "sign RSA-2048, swtpm"
)

// The works of each kind of subject.
var (
	softwareWorks = []string{p256, rsa2048, ed25519}
	originalWorks = []string{p256, rsa2048}
	hardwareWorks = []string{hsmP256, hsmRSA, tpmP256, tpmRSA}
	// hardwareGoals are those that something is promised of.
	hardwareGoals = map[string]bool{hsmP256: true, tpmP256: true}
)

// signing is a key and how it signs.
type signing struct {
	name     string
	provider wire.ProviderID
	attrs    psa.Attributes
}

var (
	p256Key = psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: psa.UsageSignHash | psa.UsageVerifyHash,
		Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256},
	}
	rsaKey = psa.Attributes{
		Type: psa.KeyRSAPair, Bits: 2048, Usage: psa.UsageSignHash | psa.UsageVerifyHash,
		Alg: psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256},
	}
)

var signings = map[string]signing{
	p256:    {"p256", wire.ProviderMbedCrypto, p256Key},
	rsa2048: {"rsa2048", wire.ProviderMbedCrypto, rsaKey},
	ed25519: {"ed25519", wire.ProviderMbedCrypto, psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255, Usage: psa.UsageSignMessage | psa.UsageVerifyMessage,
		Alg: psa.Algorithm{Kind: psa.AlgPureEdDSA},
	}},
	hsmP256: {"token-p256", wire.ProviderPKCS11, p256Key},
	hsmRSA:  {"token-rsa", wire.ProviderPKCS11, rsaKey},
	tpmP256: {"tpm-p256", wire.ProviderTPM, p256Key},
	tpmRSA:  {"tpm-rsa", wire.ProviderTPM, rsaKey},
}

// makeKeys makes the keys that a subject signs with.
func makeKeys(ctx context.Context, s *subject) error {
	for _, work := range s.works {
		k := signings[work]
		session := socket.Session{Path: s.socket, UID: uid(), Provider: k.provider}
		if err := makeKey(ctx, session, k); err != nil && !errors.Is(err, wire.StatusAlreadyExists) {
			return fmt.Errorf("cannot make key %s: %w", k.name, err)
		}
	}
	return nil
}

func makeKey(ctx context.Context, session socket.Session, k signing) error {
	if k.attrs.Curve != psa.CurveEdwards {
		attrs, err := psa.EncodeAttributes(k.attrs)
		if err != nil {
			return err
		}
		return session.Do(ctx, wire.OpGenerateKey, &psapb.GenerateKey{KeyName: k.name, Attributes: attrs}, nil)
	}
	c, err := session.Keep(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	body, err := extended(&psapb.GenerateKey{KeyName: k.name}, &agentpb.Extension{Attributes: agent.EncodeAttributes(k.attrs)})
	if err != nil {
		return err
	}
	h := wire.Header{Flags: wire.FlagPersistent, Provider: wire.ProviderMbedCrypto, Opcode: wire.OpGenerateKey, AuthType: wire.AuthUnixPeer}
	a := c.Send(socket.Frame(h, uid(), body))
	if a.Err == nil && a.Status != wire.StatusSuccess {
		return a.Status
	}
	return a.Err
}

func uid() uint32 { return uint32(os.Getuid()) } //nolint:gosec // a uid has 32 bits

// extended is a message with extension fields behind it.
func extended(m proto.Message, ext *agentpb.Extension) ([]byte, error) {
	body, err := psa.Marshal(m)
	if err != nil {
		return nil, err
	}
	more, err := psa.Marshal(ext)
	return append(body, more...), err
}

// frame makes the request of a work.
func frame(work string, keep bool) ([]byte, error) {
	h := wire.Header{Provider: wire.ProviderMbedCrypto, Opcode: wire.OpSignHash, AuthType: wire.AuthUnixPeer}
	if keep {
		h.Flags = wire.FlagPersistent
	}
	if work == ping {
		h.Provider, h.Opcode = wire.ProviderCore, wire.OpPing
		return socket.Frame(h, uid(), nil), nil
	}
	k := signings[work]
	h.Provider = k.provider
	m := &psapb.Sign{KeyName: k.name, Input: []byte("thirty-two bytes to sign, always")}
	if work == ed25519 {
		h.Opcode = wire.OpSignMessage
		body, err := extended(m, &agentpb.Extension{Algorithm: agent.EncodeAlgorithm(k.attrs.Alg)})
		return socket.Frame(h, uid(), body), err
	}
	alg, err := psa.EncodeSignature(k.attrs.Alg)
	if err != nil {
		return nil, err
	}
	m.Alg = alg
	body, err := psa.Marshal(m)
	return socket.Frame(h, uid(), body), err
}

// requester makes the same request again and again.
type requester interface {
	once() error
	close()
}

// client is a requester of a service.
type client struct {
	path  string
	frame []byte
	keep  bool

	conn   net.Conn
	reader *wire.Reader
}

// answerLimit bounds an answer, waitLimit the wait for one.
const (
	answerLimit = 1 << 16
	waitLimit   = 30 * time.Second
)

// once makes one request: on the kept connection, or on one of its own.
func (c *client) once() error {
	if c.conn == nil {
		conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: c.path, Net: "unix"})
		if err != nil {
			return err
		}
		_ = conn.SetDeadline(time.Now().Add(time.Hour))
		c.conn, c.reader = conn, wire.NewReader(conn, answerLimit)
	}
	if _, err := c.conn.Write(c.frame); err != nil {
		return err
	}
	h, _, err := c.reader.ReadResponse()
	if err == nil && h.Status != wire.StatusSuccess {
		err = h.Status
	}
	if !c.keep {
		c.close()
	}
	return err
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}
