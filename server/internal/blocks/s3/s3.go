package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Store is a bucket.
type Store struct {
	client      *minio.Core
	transport   *http.Transport
	bucket      string
	conditional bool
	readOnly    bool
}

// errReadOnly is what writing to a store that was opened for reading gives.
var errReadOnly = fmt.Errorf("%w: the store was opened for reading only", blocks.ErrInvalid)

var _ blocks.Store = (*Store)(nil)

// Open checks that the bucket is there and what the store can do.
func Open(ctx context.Context, o Options) (*Store, error) {
	client, transport, err := o.client()
	if err != nil {
		return nil, fmt.Errorf("S3 store: %w", err)
	}
	s := &Store{client: client, transport: transport, bucket: o.Bucket, readOnly: o.ReadOnly}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err = s.exists(ctx); err == nil && !o.ReadOnly {
		s.conditional, err = s.probe(ctx)
	}
	if err != nil {
		transport.CloseIdleConnections()
		return nil, fmt.Errorf("S3 store: %w", err)
	}
	if !s.conditional && !o.ReadOnly {
		o.Log.WarnContext(ctx, "object store has no conditional writes: it is looked at before each write", "bucket", o.Bucket)
	}
	return s, nil
}

func (s *Store) exists(ctx context.Context) error {
	there, err := s.client.BucketExists(ctx, s.bucket)
	if err != nil {
		return fmt.Errorf("cannot look for bucket %q: %w", s.bucket, err)
	}
	if !there {
		return fmt.Errorf("bucket %q is not there, or may not be seen with this key", s.bucket)
	}
	return nil
}

// probeKey is no organisation's: names of organisations have no dot.
const probeKey = ".parsec-agent-probe"

// probe reports whether the store refuses to overwrite when it is asked to. The object
// stays, so that the next start writes nothing.
func (s *Store) probe(ctx context.Context) (bool, error) {
	for range 2 {
		switch err := s.put(ctx, probeKey, []byte("conditional writes"), true); verdict(err) {
		case done:
		case taken:
			return true, nil
		case unknown:
			return false, nil
		default:
			return false, fmt.Errorf("cannot write to bucket %q: %w", s.bucket, err)
		}
	}
	return false, nil
}

// put writes an object in one request, with its digest in the signature.
func (s *Store) put(ctx context.Context, key string, data []byte, conditional bool) error {
	o := minio.PutObjectOptions{ContentType: "application/octet-stream", DisableContentSha256: true}
	if conditional {
		o.SetMatchETagExcept("*")
	}
	sum := sha256.Sum256(data)
	_, err := s.client.PutObject(ctx, s.bucket, key, bytes.NewReader(data), int64(len(data)), "", hex.EncodeToString(sum[:]), o)
	return err
}

// Create implements blocks.Store.
func (s *Store) Create(ctx context.Context, org trust.OrganizationID, id trust.BlockID, data []byte) error {
	if s.readOnly {
		return errReadOnly
	}
	if err := blocks.CheckCreate(ctx, org, data); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key := blocks.ObjectKey(org, id)
	// What is in the way may be deleted before it is looked at, and a write that meets
	// another is refused without there being an object.
	for range 5 {
		finished, err := s.create(ctx, key, data)
		if finished || err != nil {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return blocks.Unavailable(ctx.Err())
		}
	}
	return fmt.Errorf("%w: others write the same object", blocks.ErrUnavailable)
}

// create reports whether the block is there now.
func (s *Store) create(ctx context.Context, key string, data []byte) (bool, error) {
	if !s.conditional {
		if there, err := s.compare(ctx, key, data); there || err != nil {
			return there, err
		}
	}
	err := s.put(ctx, key, data, s.conditional)
	switch verdict(err) {
	case done:
		return true, nil
	case taken:
		return s.compare(ctx, key, data)
	case conflict:
		return false, nil
	default:
		return false, blocks.Unavailable(err)
	}
}

// compare reports whether the object is there with this content; other content is an error.
func (s *Store) compare(ctx context.Context, key string, data []byte) (bool, error) {
	old, err := s.read(ctx, key)
	switch {
	case isAbsent(err):
		return false, nil
	case isCorrupt(err), err == nil && subtle.ConstantTimeCompare(old, data) != 1:
		return false, blocks.ErrExists
	}
	return err == nil, err
}

// Read implements blocks.Store.
func (s *Store) Read(ctx context.Context, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	if err := blocks.Check(ctx, org); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.read(ctx, blocks.ObjectKey(org, id))
}

// read tries again when the answer breaks off, which the library does not.
func (s *Store) read(ctx context.Context, key string) ([]byte, error) {
	var err error
	for range attempts {
		var body io.ReadCloser
		var info minio.ObjectInfo
		body, info, _, err = s.client.GetObject(ctx, s.bucket, key, minio.GetObjectOptions{})
		if err != nil {
			if verdict(err) == absent {
				return nil, blocks.ErrNotFound
			}
			return nil, blocks.Unavailable(err)
		}
		var data []byte
		data, err = io.ReadAll(io.LimitReader(body, blocks.MaxSize+1))
		_ = body.Close() // it was only read
		switch {
		case err == nil && len(data) > blocks.MaxSize:
			return nil, fmt.Errorf("%w: it has more than %d bytes", blocks.ErrCorrupt, blocks.MaxSize)
		case err == nil && int64(len(data)) == info.Size:
			return data, nil
		case err == nil:
			err = fmt.Errorf("the answer has %d bytes of %d", len(data), info.Size)
		}
	}
	return nil, blocks.Unavailable(err)
}

// Delete implements blocks.Store.
func (s *Store) Delete(ctx context.Context, org trust.OrganizationID, id trust.BlockID) error {
	if s.readOnly {
		return errReadOnly
	}
	if err := blocks.Check(ctx, org); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := s.client.RemoveObject(ctx, s.bucket, blocks.ObjectKey(org, id), minio.RemoveObjectOptions{})
	if err != nil && verdict(err) != absent {
		return blocks.Unavailable(err)
	}
	return nil
}

// List implements blocks.Store.
func (s *Store) List(ctx context.Context, org trust.OrganizationID, after *trust.BlockID, limit int) ([]blocks.Entry, error) {
	if err := blocks.CheckList(ctx, org, limit); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	prefix := blocks.Prefix(org)
	o := minio.ListObjectsOptions{Prefix: prefix, Recursive: true, MaxKeys: limit}
	if after != nil {
		o.StartAfter = prefix + blocks.Name(*after)
	}
	page := []blocks.Entry{}
	for object := range s.client.ListObjectsIter(ctx, s.bucket, o) {
		if object.Err != nil {
			return nil, blocks.Unavailable(object.Err)
		}
		name, _ := strings.CutPrefix(object.Key, prefix)
		if id, ok := blocks.ParseName(name); ok && blocks.Past(id, after) {
			page = append(page, blocks.Entry{ID: id, Modified: object.LastModified})
		}
		if len(page) == limit {
			break
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, blocks.Unavailable(err)
	}
	return page, nil
}

// Health implements blocks.Store.
func (s *Store) Health(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.exists(ctx); err != nil {
		return blocks.Unavailable(err)
	}
	return nil
}

// Close implements blocks.Store.
func (s *Store) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}
