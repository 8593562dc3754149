package s3

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Options say where a bucket is and how it is reached.
type Options struct {
	// Endpoint is the address of the store, http or https with host and port only. None
	// means that of Amazon in the region.
	Endpoint *url.URL
	// Region goes into signatures. With an endpoint it may be empty, which means us-east-1.
	Region string
	Bucket string
	Key    string
	Secret Secret
	Lookup Lookup
	// ReadOnly has nothing written, not even to see what the store can do.
	ReadOnly bool
	// Roots are the certificate authorities to trust in place of the system's.
	Roots *x509.CertPool
	Log   *slog.Logger
}

// Lookup is how a bucket is named in requests.
type Lookup int

// Ways of naming a bucket.
const (
	// LookupAuto is by host for Amazon and others that are known to want it, else by path.
	LookupAuto Lookup = iota
	// LookupPath is https://host/bucket/object.
	LookupPath
	// LookupHost is https://bucket.host/object.
	LookupHost
)

// Secret is a secret key. It shows itself to nobody but the library that signs with it.
type Secret struct {
	_ [0]func() // not comparable
	s string
}

// NewSecret takes a secret key.
func NewSecret(s string) Secret { return Secret{s: s} }

const hidden = "(secret)"

// String hides it.
func (Secret) String() string { return hidden }

// GoString hides it.
func (Secret) GoString() string { return hidden }

// Format hides it from every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) } // to whoever prints

// LogValue hides it.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON refuses.
func (Secret) MarshalJSON() ([]byte, error) { return nil, errors.New("a secret is not written") }

// Limits of one attempt. All attempts of one call have patience together.
const (
	dialLimit     = 5 * time.Second
	handshake     = 10 * time.Second
	responseLimit = 20 * time.Second
	attempts      = 3
	patience      = time.Minute
)

// endpoint is the host, and whether TLS is spoken.
func (o *Options) endpoint() (host string, secure bool, err error) {
	u := o.Endpoint
	if u == nil {
		return "s3." + o.Region + ".amazonaws.com", true, nil
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return "", false, errors.New("the address of an S3 store is http or https with a host, and a port if need be")
	}
	return u.Host, u.Scheme == "https", nil
}

// Check reports what cannot be.
func (o *Options) Check() error {
	if o.Region == "" && o.Endpoint == nil {
		return errors.New("an S3 store without an address needs a region")
	}
	for what, value := range map[string]string{"bucket": o.Bucket, "access key": o.Key, "secret key": o.Secret.s} {
		if value == "" {
			return fmt.Errorf("an S3 store needs a %s", what)
		}
	}
	_, _, err := o.endpoint()
	return err
}

func (o *Options) client() (*minio.Core, *http.Transport, error) {
	if err := o.Check(); err != nil {
		return nil, nil, err
	}
	host, secure, err := o.endpoint()
	if err != nil {
		return nil, nil, err
	}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialLimit, KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots},
		TLSHandshakeTimeout:   handshake,
		ResponseHeaderTimeout: responseLimit,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       time.Minute,
		MaxIdleConns:          64,
		MaxIdleConnsPerHost:   64,
		DisableCompression:    true,
	}
	core, err := minio.NewCore(host, &minio.Options{
		Creds: credentials.NewStaticV4(o.Key, o.Secret.s, ""), Secure: secure, Region: cmp.Or(o.Region, "us-east-1"), Transport: transport,
		BucketLookup: map[Lookup]minio.BucketLookupType{LookupPath: minio.BucketLookupPath, LookupHost: minio.BucketLookupDNS}[o.Lookup],
		MaxRetries:   attempts,
	})
	return core, transport, err
}
