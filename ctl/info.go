package ctl

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// infoResult is the JSON result of info. Against the original service only the fields
// above Version are there.
type infoResult struct {
	Service    string         `json:"service"` // "parsec-agent" or "original"
	Socket     string         `json:"socket"`
	Origin     string         `json:"origin"`
	Protocol   string         `json:"protocol"`
	Providers  []infoProvider `json:"providers"`
	Authentics []infoAuth     `json:"authenticators"`

	Version     string         `json:"version,omitempty"`
	Uptime      float64        `json:"uptime_seconds,omitempty"`
	Mode        string         `json:"mode,omitempty"`
	Caller      *infoCaller    `json:"caller,omitempty"`
	Config      string         `json:"config,omitempty"`
	KeyManagers []infoManager  `json:"key_managers,omitempty"`
	Resources   *infoResources `json:"resources,omitempty"`
	GoVersion   string         `json:"go,omitempty"`
}

type infoProvider struct {
	providerRef
	UUID        string `json:"uuid"`
	Description string `json:"description"`
	State       string `json:"state,omitempty"`
	Reason      string `json:"reason,omitempty"`
	Remedy      string `json:"remedy,omitempty"`
	Keys        uint64 `json:"keys"`
	Storage     string `json:"storage,omitempty"`
	KeyManager  string `json:"key_manager,omitempty"`
}

type infoAuth struct {
	ID          uint8  `json:"id"`
	Kind        string `json:"kind"`
	Description string `json:"description"`
	Primary     bool   `json:"primary,omitempty"`
}

type infoCaller struct {
	ownerRef
	UID   uint32 `json:"uid"`
	GID   uint32 `json:"gid"`
	PID   int32  `json:"pid"`
	Admin bool   `json:"admin"`
}

type infoManager struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Path    string `json:"path"`
	Entries uint64 `json:"entries"`
	Bytes   uint64 `json:"bytes"`
	Schema  uint32 `json:"schema,omitempty"`
}

type infoResources struct {
	Memory          uint64 `json:"memory_bytes"`
	Connections     uint64 `json:"connections"`
	Goroutines      uint64 `json:"goroutines"`
	FileDescriptors uint64 `json:"file_descriptors"`
	Requests        uint64 `json:"requests"`
	Refused         uint64 `json:"refused"`
}

func (p *Program) info() *cobra.Command {
	return &cobra.Command{
		Use:   "info",
		Short: "Describe the service: version, providers, who you are to it",
		Long: `Describe the service. Administrators of a parsec-agent also see its configuration,
stores and use of resources; of the original service there is less to tell.`,
		Args: cobra.NoArgs,
		RunE: p.service(func(ctx context.Context, c *client.Client, _ []string) error {
			v, err := c.Ping(ctx)
			if err != nil {
				return err
			}
			r := infoResult{
				Service: "original", Socket: c.Endpoint().Path, Origin: string(c.Endpoint().Origin),
				Protocol:  fmt.Sprintf("%d.%d", v.Major, v.Minor),
				Providers: []infoProvider{}, Authentics: []infoAuth{},
			}
			if c.Persistent() {
				err = r.agent(ctx, c)
			} else {
				err = r.original(ctx, c)
			}
			if err != nil {
				return err
			}
			return p.emit(r, r.print)
		}),
	}
}

// agent fills in what a parsec-agent tells.
func (r *infoResult) agent(ctx context.Context, c *client.Client) error {
	i, err := c.Info(ctx)
	if err != nil {
		return err
	}
	r.Service, r.Version, r.Uptime, r.Mode, r.Config, r.GoVersion = "parsec-agent", i.Version, i.Uptime.Seconds(), i.Mode, i.ConfigPath, i.GoVersion
	for _, s := range i.Providers {
		r.Providers = append(r.Providers, infoProvider{
			refProvider(s.ID, s.Name), s.UUID, s.Description, s.State, s.Reason, s.Remedy, s.Keys, s.Storage, s.KeyManager,
		})
	}
	for _, a := range i.Authenticators {
		r.Authentics = append(r.Authentics, infoAuth{uint8(a.ID), a.ID.String(), a.Description, a.Primary})
	}
	r.Caller = &infoCaller{ownerRef{i.Caller.Auth.String(), i.Caller.Application}, i.Caller.UID, i.Caller.GID, i.Caller.PID, i.Caller.Admin}
	for _, m := range i.KeyManagers {
		r.KeyManagers = append(r.KeyManagers, infoManager(m))
	}
	if i.Resources != (client.Resources{}) {
		r.Resources = &infoResources{
			i.Resources.MemoryBytes, i.Resources.Connections, i.Resources.Goroutines, i.Resources.FileDescriptors,
			i.Resources.Requests, i.Resources.Refused,
		}
	}
	return nil
}

// original gathers what the original service tells.
func (r *infoResult) original(ctx context.Context, c *client.Client) error {
	providers, err := c.ListProviders(ctx)
	if err != nil {
		return err
	}
	auths, err := c.ListAuthenticators(ctx)
	if err != nil {
		return err
	}
	held := map[wire.ProviderID]uint64{}
	if keys, err := c.ListKeys(ctx); err == nil { // without an identity there are no keys to count
		for _, k := range keys {
			held[k.Provider]++
		}
	}
	for _, s := range providers {
		if s.ID == wire.ProviderCore {
			r.Version = s.Version.String()
		}
		r.Providers = append(r.Providers, infoProvider{
			providerRef: refProvider(s.ID, ""), UUID: s.UUID, Description: s.Description, Keys: held[s.ID],
		})
	}
	for i, a := range auths {
		r.Authentics = append(r.Authentics, infoAuth{uint8(a.ID), a.ID.String(), a.Description, i == 0})
	}
	return nil
}

func (r *infoResult) print(w io.Writer) {
	t := newTable(w)
	name := "Parsec service (the original) " + r.Version
	if r.Service == "parsec-agent" {
		name = fmt.Sprintf("parsec-agent %s, %s mode, up %s", r.Version, r.Mode, time.Duration(r.Uptime*float64(time.Second)).Round(time.Second))
	}
	t.row("service", name)
	t.row("socket", fmt.Sprintf("%s (%s)", r.Socket, r.Origin))
	t.row("protocol", r.Protocol)
	for _, s := range r.Providers {
		text := fmt.Sprintf("%s (%s), %s", s.label(), hexNumber(uint64(s.ID)), counted(s.Keys, "key"))
		if s.State != "" {
			text += ", " + s.State
		}
		if s.Storage != "" {
			text += ", new keys " + s.Storage
		}
		t.row("provider", text)
	}
	for _, a := range r.Authentics {
		t.row("authenticator", a.Kind)
	}
	if c := r.Caller; c != nil {
		text := fmt.Sprintf("%q by %s, uid %d", c.Application, c.Authentication, c.UID)
		if c.Admin {
			text += ", administrator"
		}
		t.row("you are", text)
	}
	if r.Config != "" {
		t.row("configuration", r.Config)
	}
	for _, m := range r.KeyManagers {
		t.row("key manager", fmt.Sprintf("%s (%s) at %s: %s, %s", m.Name, m.Kind, m.Path, counted(m.Entries, "key"), terminal.Bytes(m.Bytes)))
	}
	if u := r.Resources; u != nil {
		t.row("resources", fmt.Sprintf("%s memory, %s, %s, %s", terminal.Bytes(u.Memory),
			counted(u.Connections, "connection"), counted(u.Goroutines, "goroutine"), counted(u.FileDescriptors, "descriptor")))
		t.row("requests", fmt.Sprintf("%d since start, %s refused", u.Requests, counted(u.Refused, "connection")))
	}
	t.flush()
	for _, s := range r.Providers {
		explain(w, s.Name, s.Reason, s.Remedy)
	}
}
