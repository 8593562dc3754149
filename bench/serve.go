package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-73b3884f/parsec-agent/agentd/host"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// What this program's own processes are called with.
const (
	serveArgument   = "serve"
	bareArgument    = "bare"
	profileArgument = "profile"
	handlerArgument = "handler"
	serverArgument  = "server"
	startArgument   = "start"
)

// serve is this program as a service.
func serve(args []string) int {
	var err error
	switch {
	case len(args) == 2 && args[0] == bareArgument:
		err = serveBare(args[1])
	case len(args) == 4 && args[0] == handlerArgument:
		err = serveHandler(args[1], args[2], args[3])
	case len(args) == 2 && args[0] == startArgument:
		err = serveStart(args[1])
	case len(args) > 2 && args[0] == serverArgument:
		err = serveServerProfiled(args[1], args[2:])
	case len(args) > 2 && args[0] == profileArgument:
		err = serveProfiled(args[1], args[2:])
	default:
		err = errors.New("bench serve is for bench itself")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

// serveProfiled is the agent under the profiler.
func serveProfiled(file string, args []string) (err error) {
	f, err := os.Create(file) //nolint:gosec // named by the caller
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	if status := host.Main(context.Background(), args, "profiled", os.Stdout, os.Stderr); status != 0 {
		return fmt.Errorf("the agent ended with status %d", status)
	}
	return nil
}

// signer is the bare program: it reads frames and signs the 32 bytes that are the last
// field of a body, with the standard library and nothing else. It checks nothing.
type signer struct {
	p256 *ecdsa.PrivateKey
	rsa  *rsa.PrivateKey
}

func serveBare(path string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s := &signer{}
	var err error
	if s.p256, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	if s.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = ln.Close() })
	for {
		conn, err := ln.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		go s.serve(conn)
	}
}

func (s *signer) serve(conn net.Conn) {
	defer conn.Close()
	r := wire.NewReader(conn, answerLimit)
	var out []byte
	for {
		q, err := r.ReadRequest()
		if err != nil {
			return
		}
		body := []byte{8, 1}
		if q.Opcode == wire.OpSignHash {
			if body, err = s.sign(q.Body); err != nil {
				return
			}
		}
		if out, err = wire.AppendResponse(out[:0], q.Header, body); err != nil {
			return
		}
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

func (s *signer) sign(body []byte) (out []byte, err error) {
	digest := body[len(body)-32:]
	var sig []byte
	if body[2] == 'p' { // the name of the key: p256 or rsa2048
		sig, err = ecdsa.SignASN1(rand.Reader, s.p256, digest)
	} else {
		sig, err = rsa.SignPKCS1v15(nil, s.rsa, crypto.SHA256, digest)
	}
	return protowire.AppendBytes(append(out, 0x0a), sig), err
}
