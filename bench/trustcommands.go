package main

import (
	"crypto/rand"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Shapes of commands.
const (
	commandCertificates = 1000
	commandFolders      = 100
)

// commandWorks encode and decode those commands that carry much, and a small one.
func commandWorks(o *organisation, folders []folder) ([]trustWork, error) {
	realm, block := trust.NewRealmID(), make([]byte, trustBlock+trust.SecretKeyOverhead)
	_, _ = rand.Read(block) // never fails
	all := []trustWork{}
	for _, command := range []struct {
		name string
		req  cloud.Request
	}{
		{"vlob_create of a folder", &cloud.VlobCreateReq{
			RealmID: realm, VlobID: folders[0].announced.ID, KeyIndex: 1, Timestamp: folders[0].announced.Timestamp, Blob: folders[0].sealed,
		}},
		{"block_create of a block", &cloud.BlockCreateReq{BlockID: trust.NewBlockID(), RealmID: realm, KeyIndex: 1, Block: block}},
	} {
		works, err := codecWorks(command.name, func() ([]byte, error) { return cloud.EncodeRequest(command.req) }, func(body []byte) error {
			_, err := cloud.DecodeRequest(cloud.Authenticated, body)
			return err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, works...)
	}
	for _, answer := range []struct {
		name   string
		reply  cloud.Reply
		decode func([]byte) error
	}{
		{"certificate_get of 1000 certificates", certificates(o), func(body []byte) error {
			_, err := (*cloud.CertificateGetReq)(nil).DecodeReply(body)
			return err
		}},
		{"vlob_read_batch of 100 folders", vlobs(folders), func(body []byte) error {
			_, err := (*cloud.VlobReadBatchReq)(nil).DecodeReply(body)
			return err
		}},
	} {
		works, err := codecWorks(answer.name, func() ([]byte, error) { return cloud.EncodeReply(answer.reply) }, answer.decode)
		if err != nil {
			return nil, err
		}
		all = append(all, works...)
	}
	return all, nil
}

// codecWorks are both directions of a codec.
func codecWorks(name string, encode func() ([]byte, error), decode func([]byte) error) ([]trustWork, error) {
	body, err := encode()
	return []trustWork{
		{name: "encode " + name, size: len(body), run: repeat(func() (func() error, error) {
			return func() error {
				_, err := encode()
				return err
			}, nil
		})},
		{name: "decode " + name, size: len(body), run: repeat(func() (func() error, error) {
			return func() error { return decode(body) }, nil
		})},
	}, err
}

func certificates(o *organisation) *cloud.CertificateGetOK {
	n := min(commandCertificates, len(o.batch.Common))
	return &cloud.CertificateGetOK{CommonCertificates: o.batch.Common[:n]}
}

func vlobs(folders []folder) *cloud.VlobReadBatchOK {
	ok := &cloud.VlobReadBatchOK{}
	for i := range min(commandFolders, len(folders)) {
		a := &folders[i].announced
		ok.Items = append(ok.Items, cloud.VlobItem{
			VlobID: a.ID, KeyIndex: 1, Author: *a.Author.Device, Version: a.Version, CreatedOn: a.Timestamp, Blob: folders[i].sealed,
		})
	}
	return ok
}
