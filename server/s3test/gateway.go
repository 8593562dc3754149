package s3test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// limit bounds how long a gateway may take to answer.
const limit = 60 * time.Second

// What every gateway has.
const (
	Region = "test-region"
	Bucket = "blocks"
	Key    = "testkey"
	Secret = "testsecret"
)

// Options of a gateway; the zero value speaks plain HTTP.
type Options struct {
	// TLS has the gateway speak TLS with a certificate of its own for 127.0.0.1.
	TLS bool
}

// Gateway is an S3 gateway with the bucket Bucket.
type Gateway struct {
	// Roots are what a client of a gateway with TLS trusts.
	Roots *x509.CertPool
	// Objects is the directory of the bucket.
	Objects string

	t      testing.TB
	binary string
	dir    string
	args   []string
	scheme string
	front  net.Listener
	pipes  sync.WaitGroup
	proc   *exec.Cmd
}

// Start starts a gateway with an empty bucket; it ends with the test.
func Start(t testing.TB, o Options) *Gateway {
	t.Helper()
	binary := find(t)
	dir, err := os.MkdirTemp("/tmp", "s3-") //nolint:usetesting // the path of t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	g := &Gateway{t: t, binary: binary, dir: dir, scheme: "http", Objects: filepath.Join(dir, "data", Bucket)}
	t.Cleanup(g.end)
	g.args = []string{"--port", g.socket(), "--access", Key, "--secret", Secret, "--region", Region, "--quiet", "--keep-alive"}
	if o.TLS {
		g.scheme = "https"
		g.Roots = g.certify()
	}
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "data"), 0o700), os.Mkdir(filepath.Join(dir, "meta"), 0o700)); err != nil {
		t.Fatal(err)
	}
	g.args = append(g.args, "posix", "--sidecar", filepath.Join(dir, "meta"), filepath.Join(dir, "data"))
	if g.front, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	g.pipes.Go(g.forward)
	g.Start()
	g.makeBucket()
	return g
}

func (g *Gateway) socket() string { return filepath.Join(g.dir, "socket") }

// URL is the address of the gateway.
func (g *Gateway) URL() *url.URL {
	return &url.URL{Scheme: g.scheme, Host: g.front.Addr().String()}
}

// forward carries connections of the address to the socket of the gateway: so the address
// is free of races, and stays the same.
func (g *Gateway) forward() {
	for {
		client, err := g.front.Accept()
		if err != nil {
			return // closed
		}
		server, err := net.Dial("unix", g.socket())
		if err != nil {
			_ = client.Close() // as a host without the program does
			continue
		}
		both := func() { _ = errors.Join(client.Close(), server.Close()) } // one end ends the other
		g.pipes.Go(func() { defer both(); _, _ = io.Copy(server, client) })
		g.pipes.Go(func() { defer both(); _, _ = io.Copy(client, server) })
	}
}

// Start starts the gateway, also again after Kill, on the same objects.
func (g *Gateway) Start() {
	g.t.Helper()
	if err := os.Remove(g.socket()); err != nil && !errors.Is(err, os.ErrNotExist) {
		g.t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(g.dir, "log"))
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	p := exec.Command(g.binary, g.args...)
	p.Env, p.Stdout, p.Stderr = []string{"PATH=/usr/bin:/bin"}, log, log
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.Start(); err != nil {
		g.t.Fatal(err)
	}
	g.proc = p
	for end := time.Now().Add(limit); ; time.Sleep(10 * time.Millisecond) {
		if err = g.answers(); err == nil {
			return
		}
		if time.Now().After(end) {
			text, _ := os.ReadFile(log.Name())
			g.t.Fatalf("versitygw does not answer: %v\n%s", err, text)
		}
	}
}

func (g *Gateway) transport() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: g.Roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
}

func (g *Gateway) answers() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.URL().String(), nil)
	if err != nil {
		return err
	}
	answer, err := g.transport().RoundTrip(r) // a refusal is an answer
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// Kill ends the gateway as a power failure would; the objects stay.
func (g *Gateway) Kill() {
	if g.proc != nil {
		_ = g.proc.Process.Kill() // it may have ended
		_ = g.proc.Wait()         // killed
		g.proc = nil
	}
}

// Client is a client of the library, for a test that looks behind the store.
func (g *Gateway) Client() *minio.Client {
	g.t.Helper()
	c, err := minio.New(g.front.Addr().String(), &minio.Options{
		Creds: credentials.NewStaticV4(Key, Secret, ""), Secure: g.Roots != nil, Region: Region, Transport: g.transport(),
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return c
}

func (g *Gateway) makeBucket() {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := g.Client().MakeBucket(ctx, Bucket, minio.MakeBucketOptions{Region: Region}); err != nil {
		g.t.Fatal(fmt.Errorf("make the bucket: %w", err))
	}
}

func (g *Gateway) end() {
	g.Kill()
	if g.front != nil {
		_ = g.front.Close() // ends forward
		g.pipes.Wait()
	}
	if err := os.RemoveAll(g.dir); err != nil {
		g.t.Error(err)
	}
}
