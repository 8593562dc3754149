package main

import (
	"bytes"
	"fmt"
	"net/url"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// What servers are asked for.
const (
	askConfig       = "server_config"
	askEnrollment   = "async_enrollment_info"
	readVlob        = "vlob_read_batch"
	getCertificates = "certificate_get"
	createVlob      = "vlob_create"
	createBlock     = "block_create"
	readBlock       = "block_read"
)

// serverWorks are the small ones in their order; blocks come after all others, since the original keeps them in its memory.
var (
	serverWorks  = []string{askConfig, askEnrollment, readVlob, getCertificates, createVlob}
	serverBlocks = []string{createBlock, readBlock}
)

// How large things are.
const (
	serverVlob         = 1000
	serverBlock        = 512 << 10
	serverCertificates = 1000
)

// spare is for how many seconds more than a load lasts authorisations are made.
const spare = 30

// shot makes the request of a work for a device, as of now.
func (o *serverOrganisation) shot(work string, d *serverDevice, each time.Duration) (*shot, error) {
	now, err := trust.DateTimeOf(time.Now())
	if err != nil {
		return nil, err
	}
	s, family, fresh := &shot{}, cloud.Authenticated, []byte(nil)
	var req cloud.Request
	switch work {
	case askConfig:
		req, family = &cloud.ServerConfigReq{}, cloud.AnonymousServer
	case askEnrollment:
		req, family = &cloud.AsyncEnrollmentInfoReq{EnrollmentID: o.submitted}, cloud.Anonymous
	case readVlob:
		req, s.least = &cloud.VlobReadBatchReq{RealmID: d.realm, Vlobs: []trust.VlobID{d.vlob}}, serverVlob
	case getCertificates:
		req, s.least = &cloud.CertificateGetReq{RealmAfter: map[trust.RealmID]trust.DateTime{}}, 100*serverClients
	case createVlob:
		r := &cloud.VlobCreateReq{RealmID: d.realm, VlobID: trust.NewVlobID(), Timestamp: now, Blob: random(serverVlob)}
		req, fresh = r, r.VlobID[:]
	case createBlock:
		r := &cloud.BlockCreateReq{BlockID: trust.NewBlockID(), RealmID: d.realm, Block: random(serverBlock)}
		req, fresh = r, r.BlockID[:]
	case readBlock:
		req, s.least = &cloud.BlockReadReq{BlockID: d.block, RealmID: d.realm}, serverBlock
	default:
		return nil, fmt.Errorf("nothing is known of work %q", work)
	}
	body, err := cloud.EncodeRequest(req)
	if err != nil {
		return nil, err
	}
	if family == cloud.Authenticated {
		if err := s.authorise(d, now.Time(), int(each/time.Second)+spare); err != nil {
			return nil, err
		}
	}
	return s, s.compose(o.path(family), body, fresh)
}

func (o *serverOrganisation) path(f cloud.Family) string {
	if f == cloud.AnonymousServer {
		return "/" + f.String()
	}
	return "/" + f.String() + "/" + url.PathEscape(o.id.String())
}

// authorise makes authorisations for some seconds.
func (s *shot) authorise(d *serverDevice, from time.Time, seconds int) error {
	s.since = from.Unix()
	for i := range seconds {
		token, err := cloud.NewDeviceToken(d.id, from.Add(time.Duration(i)*time.Second), d.key)
		if err != nil {
			return err
		}
		s.tokens = append(s.tokens, token)
	}
	return nil
}

// compose writes the request down, and finds what is written over.
func (s *shot) compose(path string, body, fresh []byte) error {
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: bench\r\n%s: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n",
		path, cloud.HeaderVersion, cloud.Current, cloud.ContentMsgpack, len(body))
	at := 0
	if len(s.tokens) > 0 {
		at = len(head) + len("Authorization: ")
		head += "Authorization: " + s.tokens[0] + "\r\n"
	}
	s.frame = append([]byte(head+"\r\n"), body...)
	if at > 0 {
		s.token = s.frame[at : at+len(s.tokens[0])]
	}
	if fresh != nil {
		i := bytes.Index(s.frame, fresh)
		if i < 0 {
			return fmt.Errorf("the id is not in the request")
		}
		s.id = s.frame[i : i+len(fresh)]
	}
	return nil
}

// shots are the requests of a work for so many connections.
func (o *serverOrganisation) shots(work string, clients int, each time.Duration) ([]*shot, error) {
	all := []*shot{}
	for i := range clients {
		s, err := o.shot(work, &o.devices[i], each)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}
