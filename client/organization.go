package client

import (
	"context"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// needsOrganizations is what the operations on organisations need the agent for.
const needsOrganizations = "organisations"

// Connection is how a device stands with its server.
type Connection struct {
	State          string // "locked", "offline", "connecting", "online", or what keeps the device from working
	Reason, Remedy string
	Since          time.Time
	Viewed         time.Time // up to when the certificates are known to be complete; zero for never
	Clock          string    // how the clocks differ, in words; empty where they agree
	Terms          string    // to be accepted: addresses, one a line, with the language before
	TermsChanged   time.Time
}

// Organization is what the agent keeps about an organisation for the caller's uid.
type Organization struct {
	Name, Server string
	Root         string // the address of the organisation, with its root key
	Fingerprint  []byte // of the root key that is pinned: SHA-256
	Pinned       time.Time
	Devices      []string   // ids
	Connection   Connection // of the device that is unlocked, if one is
}

// Link is a certificate of the chain of trust.
type Link struct {
	Kind         string // "user", "device", "profile" or "revocation"
	User, Device string // ids of what it is about
	Email, Name  string
	Label        string
	Profile      string
	Purpose      string // of a device
	Author       string // id of the device that signed; empty for the root key
	AuthorUser   string
	Time         time.Time // as the certificate says
}

// OrgStatus is how an organisation stands, as one device sees it.
type OrgStatus struct {
	Organization Organization
	Device       Device
	Profile      string
	Links        []Link
	Certificates [][]byte // as the server gave them, in their order
}

func readConnection(m *agentpb.Connection) Connection {
	return Connection{
		State: m.GetState(), Reason: m.GetReason(), Remedy: m.GetRemedy(), Since: moment(m.GetSinceUnixMs()), Viewed: moment(m.GetViewUnixMs()),
		Clock: m.GetClock(), Terms: m.GetTerms(), TermsChanged: microseconds(m.GetTermsUnixUs()),
	}
}

// microseconds is a time of a message; 0 stands for none.
func microseconds(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us)
}

func readOrganization(m *agentpb.Organization) Organization {
	return Organization{
		Name: m.GetOrganization(), Server: m.GetServer(), Root: m.GetRoot(), Fingerprint: m.GetFingerprint(), Pinned: moment(m.GetPinnedUnixMs()),
		Devices: m.GetDeviceIds(), Connection: readConnection(m.GetConnection()),
	}
}

func readLink(m *agentpb.Link) Link {
	return Link{
		Kind: m.GetKind(), User: m.GetUserId(), Device: m.GetDeviceId(), Email: m.GetEmail(), Name: m.GetName(), Label: m.GetLabel(),
		Profile: m.GetProfile(), Purpose: m.GetPurpose(), Author: m.GetAuthor(), AuthorUser: m.GetAuthorUser(), Time: time.UnixMicro(m.GetUnixUs()),
	}
}

// OrgOptions say what to tell beside how an organisation stands.
type OrgOptions struct {
	Chain        bool // who certified whom
	Certificates bool // the certificates themselves
}

// OrgStatus tells how the organisation of a device stands.
func (c *Client) OrgStatus(ctx context.Context, device string, o OrgOptions) (*OrgStatus, error) {
	s := &OrgStatus{}
	q := call{op: agent.OpOrgStatus, in: &agentpb.OrgStatus{Device: device, Chain: o.Chain, Certificates: o.Certificates}, object: deviceObject(device), needs: needsOrganizations}
	first := true
	err := c.long(ctx, q, func(l *lease, p *prepared) error {
		return l.stream(p, func(reply []byte) error {
			var m agentpb.OrgStatusResult
			if psa.Unmarshal(reply, &m) != nil {
				return l.nonsense("the state of an organisation cannot be decoded")
			}
			if first {
				s.Organization, s.Device, s.Profile = readOrganization(m.GetOrganization()), readDevice(m.GetDevice()), m.GetProfile()
				first = false
			}
			for _, link := range m.GetLinks() {
				s.Links = append(s.Links, readLink(link))
			}
			for _, certificate := range m.GetCertificates() {
				s.Certificates = append(s.Certificates, append([]byte(nil), certificate...))
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// ListOrganizations lists the organisations that the agent keeps something about.
func (c *Client) ListOrganizations(ctx context.Context) ([]Organization, error) {
	var m agentpb.ListOrganizationsResult
	if err := c.do(ctx, call{op: agent.OpListOrganizations, in: &agentpb.ListOrganizations{}, needs: needsOrganizations}, &m); err != nil {
		return nil, err
	}
	all := make([]Organization, 0, len(m.GetOrganizations()))
	for _, o := range m.GetOrganizations() {
		all = append(all, readOrganization(o))
	}
	return all, nil
}

// AcceptRollback has a device go on with a server that lost what it gave before.
func (c *Client) AcceptRollback(ctx context.Context, device string) (Connection, error) {
	var m agentpb.AcceptRollbackResult
	q := call{op: agent.OpAcceptRollback, in: &agentpb.AcceptRollback{Device: device}, once: true, object: deviceObject(device), needs: needsOrganizations}
	err := c.do(ctx, q, &m)
	return readConnection(m.GetConnection()), err
}

// ForgetOrganization gives up the pin of an organisation, by its name or host/name, and what is kept of it.
func (c *Client) ForgetOrganization(ctx context.Context, organization string) (Organization, error) {
	var m agentpb.ForgetOrganizationResult
	q := call{op: agent.OpForgetOrganization, in: &agentpb.ForgetOrganization{Organization: organization}, once: true, needs: needsOrganizations}
	err := c.do(ctx, q, &m)
	return readOrganization(m.GetOrganization()), err
}

// AcceptTerms accepts the terms of service that the person has seen: those that were changed at that time.
func (c *Client) AcceptTerms(ctx context.Context, device string, changed time.Time) (Connection, error) {
	var m agentpb.AcceptTermsResult
	q := call{op: agent.OpAcceptTerms, in: &agentpb.AcceptTerms{Device: device, UnixUs: changed.UnixMicro()}, object: deviceObject(device), needs: needsOrganizations}
	err := c.do(ctx, q, &m)
	return readConnection(m.GetConnection()), err
}

// Event is something that happened.
type Event struct {
	Kind       string
	Device     string // id
	Time       time.Time
	Text       string // for people
	Connection Connection
	Object     string // id of what it is about
	Work       string // id
	Lost       uint64 // how many events before this one were dropped, because they were not read
}

// Events calls each with what happens to the devices and works of the caller's uid, or to one device, until each returns an
// error or ctx ends.
func (c *Client) Events(ctx context.Context, device string, each func(Event) error) error {
	q := call{op: agent.OpEvents, in: &agentpb.Events{Device: device}, object: deviceObject(device), needs: needsOrganizations, patient: true}
	return c.long(ctx, q, func(l *lease, p *prepared) error {
		return l.stream(p, func(reply []byte) error {
			var m agentpb.Event
			if psa.Unmarshal(reply, &m) != nil {
				return l.nonsense("an event cannot be decoded")
			}
			return each(Event{
				Kind: m.GetKind(), Device: m.GetDeviceId(), Time: time.UnixMilli(m.GetUnixMs()), Text: m.GetText(),
				Connection: readConnection(m.GetConnection()), Object: m.GetObject(), Work: m.GetWorkId(), Lost: m.GetLost(),
			})
		})
	})
}
