package rules_test

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
)

func TestWithoutOrganization(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o, ping := s.Bootstrapped(), &cloud.PingReq{Ping: "hello"}
		for _, a := range []*Answer{o.Anonymous(ping), s.Send(o.Prepare(cloud.AnonymousServer, ping, ""))} {
			if rep := Decode[cloud.PingOK](t, a, ping.DecodeReply); rep.Pong != "hello" {
				t.Errorf("%+v", rep)
			}
		}
		OK(t, s.Send(o.Prepare(cloud.AnonymousServer, &cloud.ServerConfigReq{}, "")))
		Want(t, o.First.Do(&cloud.EventsListenReq{}), "not_available")
	})
	Each(t, Options{Configure: func(c *rules.Config) { c.Debug = false }}, func(t *testing.T, s *Server) {
		o, ping := s.Bootstrapped(), &cloud.PingReq{Ping: "hello"}
		WantHTTP(t, o.Anonymous(ping), cloud.StatusBadContent)
		WantHTTP(t, s.Send(o.Prepare(cloud.AnonymousServer, ping, "")), cloud.StatusBadContent)
		WantHTTP(t, o.First.Do(ping), cloud.StatusBadContent)
	})
}
