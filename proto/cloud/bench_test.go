package cloud_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

const (
	blockSize    = 512 << 10
	manifestSize = 1 << 10
)

func benchmarkRequest(b *testing.B, req cloud.Request) {
	body, err := cloud.EncodeRequest(req)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := cloud.EncodeRequest(req); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := cloud.DecodeRequest(cloud.Authenticated, body); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchmarkReply[R cloud.Reply](b *testing.B, to cloud.Exchange[R], rep cloud.Reply) {
	body, err := cloud.EncodeReply(rep)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := cloud.EncodeReply(rep); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := to.DecodeReply(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkVlobCreate(b *testing.B) {
	benchmarkRequest(b, &cloud.VlobCreateReq{RealmID: trust.NewRealmID(), VlobID: trust.NewVlobID(), KeyIndex: 1, Blob: make([]byte, manifestSize)})
}

func BenchmarkBlockCreate(b *testing.B) {
	benchmarkRequest(b, &cloud.BlockCreateReq{BlockID: trust.NewBlockID(), RealmID: trust.NewRealmID(), KeyIndex: 1, Block: make([]byte, blockSize)})
}

func BenchmarkOK(b *testing.B) { benchmarkReply(b, &cloud.VlobCreateReq{}, &cloud.OK{}) }

func BenchmarkTimestampOutOfBallpark(b *testing.B) {
	benchmarkReply(b, &cloud.VlobCreateReq{}, &cloud.TimestampOutOfBallpark{BallparkClientEarlyOffset: 300, BallparkClientLateOffset: 320})
}

func BenchmarkBlockRead(b *testing.B) {
	benchmarkReply(b, &cloud.BlockReadReq{}, &cloud.BlockReadOK{Block: make([]byte, blockSize), KeyIndex: 1})
}

// batch is the largest that a server sends.
func batch() *cloud.VlobReadBatchOK {
	item := cloud.VlobItem{VlobID: trust.NewVlobID(), KeyIndex: 1, Author: trust.NewDeviceID(), Version: 1, Blob: make([]byte, manifestSize)}
	return &cloud.VlobReadBatchOK{Items: slices.Repeat([]cloud.VlobItem{item}, 1000)}
}

func BenchmarkVlobReadBatch(b *testing.B) { benchmarkReply(b, &cloud.VlobReadBatchReq{}, batch()) }

// TestAllocations: what is allocated for a message does not grow with the number of its elements.
func TestAllocations(t *testing.T) {
	const most = 32
	rep := batch()
	body, err := cloud.EncodeReply(rep)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(10, func() { _, _ = cloud.EncodeReply(rep) }); n > most {
		t.Errorf("%v to write 1000 vlobs", n)
	}
	if n := testing.AllocsPerRun(10, func() { _, _ = (*cloud.VlobReadBatchReq)(nil).DecodeReply(body) }); n > most {
		t.Errorf("%v to read 1000 vlobs", n)
	}
}

func BenchmarkCertificateGet(b *testing.B) {
	const size = 300
	benchmarkReply(b, &cloud.CertificateGetReq{}, &cloud.CertificateGetOK{CommonCertificates: slices.Repeat([][]byte{make([]byte, size)}, 10_000)})
}

func BenchmarkEventFrame(b *testing.B) {
	rep, id := &cloud.EventVlob{RealmID: trust.NewRealmID(), VlobID: trust.NewVlobID(), Version: 1, Blob: make([]byte, manifestSize)}, &cloud.EventID{1}
	frame, err := cloud.EventFrame(rep, id)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := cloud.EventFrame(rep, id); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		r, from := (*cloud.EventReader)(nil), bytes.NewReader(nil)
		for b.Loop() {
			if from.Len() == 0 {
				from.Reset(bytes.Repeat(frame, 100))
				r = cloud.NewEventReader(from)
			}
			if _, err := r.Next(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
