package s3_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/blockstest"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/s3"
	"github.com/seed-73b3884f/parsec-agent/server/s3test"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func options(address *url.URL) s3.Options {
	return s3.Options{
		Endpoint: address, Region: s3test.Region, Bucket: s3test.Bucket, Key: s3test.Key, Secret: s3.NewSecret(s3test.Secret),
		Log: slog.New(slog.DiscardHandler),
	}
}

func open(t *testing.T, o s3.Options) *s3.Store {
	t.Helper()
	s, err := s3.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestS3(t *testing.T) {
	blockstest.Run(t, blockstest.Config{
		Place: func(t testing.TB) string { return s3test.Start(t, s3test.Options{}).URL().String() },
		Open: func(_ testing.TB, place string) (blocks.Store, error) {
			address, err := url.Parse(place)
			if err != nil {
				return nil, err
			}
			return s3.Open(context.Background(), options(address))
		},
		Slow: true,
	})
}

// older is a store that does not know conditional writes: it does not look at them, or
// refuses them.
type older struct {
	refuses bool
	mu      sync.Mutex // guards the field below
	objects map[string][]byte
}

func (o *older) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	object, there := o.objects[r.URL.Path]
	switch {
	case r.Method == http.MethodHead: // of the bucket
	case r.Method == http.MethodPut && o.refuses && r.Header.Get("If-None-Match") != "":
		w.WriteHeader(http.StatusNotImplemented)
		_, _ = io.WriteString(w, `<Error><Code>NotImplemented</Code></Error>`)
	case r.Method == http.MethodPut:
		o.objects[r.URL.Path], _ = io.ReadAll(r.Body)
	case r.Method == http.MethodDelete:
		delete(o.objects, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	case !there:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `<Error><Code>NoSuchKey</Code></Error>`)
	default:
		w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
		_, _ = w.Write(object)
	}
}

func TestWithoutConditions(t *testing.T) {
	for _, refuses := range []bool{false, true} {
		server := httptest.NewServer(&older{refuses: refuses, objects: map[string][]byte{}})
		t.Cleanup(server.Close)
		address, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		o := options(address)
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		s, org, id := open(t, o), blockstest.Org(t, "o"), trust.NewBlockID()
		if !strings.Contains(log.String(), "no conditional writes") {
			t.Errorf("nobody is told: %q", log.String())
		}
		want := blockstest.Content(id, 0, 1000)
		for range 2 {
			if err := s.Create(t.Context(), org, id, want); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Create(t.Context(), org, id, blockstest.Content(id, 1, 1000)); !errors.Is(err, blocks.ErrExists) {
			t.Errorf("overwritten: %v", err)
		}
		if got, err := s.Read(t.Context(), org, id); err != nil || string(got) != string(want) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if err := s.Delete(t.Context(), org, id); err != nil {
			t.Error(err)
		}
		if _, err := s.Read(t.Context(), org, id); !errors.Is(err, blocks.ErrNotFound) {
			t.Errorf("read what is deleted: %v", err)
		}
	}
}

// TestObjects: objects are where the original puts them, and what it put there is read.
func TestObjects(t *testing.T) {
	gateway := s3test.Start(t, s3test.Options{})
	s, org := open(t, options(gateway.URL())), blockstest.Org(t, "CoolOrg")
	const name = "3b917792-35ac-409f-9af1-fe6de8d2b905"
	id, _ := blocks.ParseName(name)
	if err := s.Create(t.Context(), org, id, []byte("content")); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(gateway.Objects, "CoolOrg", name))
	if err != nil || string(got) != "content" {
		t.Errorf("%q, %v", got, err)
	}
	for strange, content := range map[string]string{"CoolOrg/README": "dear", "CoolOrg/" + strings.ToUpper(name): "x", "CoolOrg/00/" + name: "y"} {
		file := filepath.Join(gateway.Objects, strange)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if page, err := s.List(t.Context(), org, nil, 1); err != nil || len(page) != 1 || page[0].ID != id {
		t.Errorf("it lists %v, %v", page, err)
	}
	if err := os.Truncate(filepath.Join(gateway.Objects, "CoolOrg", name), blocks.MaxSize+1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(t.Context(), org, id); !errors.Is(err, blocks.ErrCorrupt) {
		t.Errorf("an object that is too large: %v", err)
	}
	if err := s.Create(t.Context(), org, id, nil); !errors.Is(err, blocks.ErrExists) {
		t.Errorf("overwritten: %v", err)
	}
}

// TestReadOnly: nothing is written to the bucket of an original server.
func TestReadOnly(t *testing.T) {
	gateway := s3test.Start(t, s3test.Options{})
	o := options(gateway.URL())
	o.ReadOnly = true
	s, org, id := open(t, o), blockstest.Org(t, "o"), trust.NewBlockID()
	file := filepath.Join(gateway.Objects, blocks.ObjectKey(org, id))
	if err := errors.Join(os.Mkdir(filepath.Dir(file), 0o700), os.WriteFile(file, []byte("theirs"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Read(t.Context(), org, id); err != nil || string(got) != "theirs" {
		t.Errorf("%q, %v", got, err)
	}
	if err := s.Create(t.Context(), org, trust.NewBlockID(), nil); !errors.Is(err, blocks.ErrInvalid) {
		t.Errorf("create: %v", err)
	}
	if err := s.Delete(t.Context(), org, id); !errors.Is(err, blocks.ErrInvalid) {
		t.Errorf("delete: %v", err)
	}
	if left, err := os.ReadDir(gateway.Objects); err != nil || len(left) != 1 {
		t.Errorf("the bucket has %v, %v", left, err)
	}
}

// TestOutage: the gateway is killed under load, and service resumes by itself.
func TestOutage(t *testing.T) {
	gateway := s3test.Start(t, s3test.Options{})
	s := open(t, options(gateway.URL()))
	blockstest.Outage(t, s, func() {
		gateway.Kill()
		if err := s.Health(t.Context()); !errors.Is(err, blocks.ErrUnavailable) {
			t.Errorf("health without a gateway: %v", err)
		}
		gateway.Start()
	})
	if err := s.Health(t.Context()); err != nil {
		t.Errorf("health afterwards: %v", err)
	}
}

func TestTLS(t *testing.T) {
	gateway := s3test.Start(t, s3test.Options{TLS: true})
	o := options(gateway.URL())
	if s, err := s3.Open(t.Context(), o); err == nil {
		t.Errorf("an unknown authority is trusted: %v", s.Close())
	}
	o.Roots = gateway.Roots
	s, org, id := open(t, o), blockstest.Org(t, "o"), trust.NewBlockID()
	if err := s.Create(t.Context(), org, id, []byte("content")); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Read(t.Context(), org, id); err != nil || string(got) != "content" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestRefusedAtTheStart: a wrong key, bucket or address ends the start with a reason.
func TestRefusedAtTheStart(t *testing.T) {
	gateway := s3test.Start(t, s3test.Options{})
	for what, c := range map[string]struct {
		change func(*s3.Options)
		want   string
	}{
		"secret":         {func(o *s3.Options) { o.Secret = s3.NewSecret("wrong") }, `bucket "blocks"`},
		"bucket":         {func(o *s3.Options) { o.Bucket = "other" }, `bucket "other" is not there`},
		"no bucket":      {func(o *s3.Options) { o.Bucket = "" }, "needs a bucket"},
		"no region":      {func(o *s3.Options) { o.Region, o.Endpoint = "", nil }, "needs a region"},
		"path":           {func(o *s3.Options) { o.Endpoint = gateway.URL().JoinPath("x") }, "http or https with a host"},
		"other scheme":   {func(o *s3.Options) { o.Endpoint = &url.URL{Scheme: "ftp", Host: "h"} }, "http or https with a host"},
		"user":           {func(o *s3.Options) { u := *gateway.URL(); u.User = url.User("u"); o.Endpoint = &u }, "http or https with a host"},
		"nobody listens": {func(o *s3.Options) { o.Endpoint = &url.URL{Scheme: "http", Host: "127.0.0.1:1"} }, "cannot look for bucket"},
	} {
		o := options(gateway.URL())
		c.change(&o)
		if s, err := s3.Open(t.Context(), o); err == nil {
			t.Errorf("%s: opened: %v", what, s.Close())
		} else if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "wrong") {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}

// TestBrokenAnswers: an answer that breaks off is asked for again, and never taken for a block.
func TestBrokenAnswers(t *testing.T) {
	for breaks, works := range map[int]bool{2: true, 3: false} {
		left := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodPut:
				w.WriteHeader(http.StatusPreconditionFailed)
			case r.Method == http.MethodGet && left > 0:
				left--
				w.Header().Set("Content-Length", "7")
				w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
				_, _ = io.WriteString(w, "con")
				_ = http.NewResponseController(w).Flush() // a test server can
				panic(http.ErrAbortHandler)
			case r.Method == http.MethodGet:
				w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
				_, _ = io.WriteString(w, "content")
			}
		}))
		address, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		s := open(t, options(address))
		left = breaks
		got, err := s.Read(t.Context(), blockstest.Org(t, "o"), trust.NewBlockID())
		if works != (err == nil && string(got) == "content") || !works && !errors.Is(err, blocks.ErrUnavailable) {
			t.Errorf("%d answers break off: %q, %v", breaks, got, err)
		}
		server.Close()
	}
}

func TestSecretIsHidden(t *testing.T) {
	o := options(nil)
	o.Secret = s3.NewSecret("canary")
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("options", "secret", o.Secret, "all", o)
	text := fmt.Sprintf("%v %+v %#v %s %q %x %d", o, o, o, o.Secret, o.Secret, o.Secret, o.Secret) + log.String()
	if _, err := json.Marshal(o.Secret); err == nil {
		t.Error("it is written as JSON")
	}
	if strings.Contains(text, "canary") || strings.Contains(text, "63616e617279") {
		t.Errorf("it shows in %s", text)
	}
}
