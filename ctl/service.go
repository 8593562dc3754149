package ctl

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// options turns the global options into those of the client.
func (p *Program) options() client.Options {
	o := client.Options{Endpoint: p.global.socket, Application: p.global.app, Timeout: p.global.timeout}
	if o.Endpoint == "" {
		o.Endpoint = p.Endpoint
	}
	if p.global.timeout == 0 {
		o.Timeout = -1
	}
	if path := p.global.token; path != "" {
		// Read for every request: whoever renews the token replaces the file.
		o.Token = func(context.Context) (string, error) {
			data, err := p.read(path, wire.MaxAuthLen)
			return strings.TrimSpace(string(data)), err
		}
	}
	return o
}

// with connects to the service, runs fn and closes.
func (p *Program) with(ctx context.Context, fn func(*client.Client) error) error {
	c, err := client.Dial(ctx, p.options())
	if err != nil {
		return err
	}
	defer c.Close()
	view, err := p.choose(ctx, c)
	if err != nil {
		return err
	}
	return fn(view)
}

// service is the body of a command that asks the service something.
func (p *Program) service(fn func(ctx context.Context, c *client.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return p.with(cmd.Context(), func(c *client.Client) error { return fn(cmd.Context(), c, args) })
	}
}

// kindNames are what --provider calls the kinds of provider, beside their numbers.
var kindNames = map[string]wire.ProviderID{
	"core": wire.ProviderCore, "software": wire.ProviderMbedCrypto, "mbed-crypto": wire.ProviderMbedCrypto,
	"mbedcrypto": wire.ProviderMbedCrypto, "pkcs11": wire.ProviderPKCS11, "tpm": wire.ProviderTPM,
	"trusted-service": wire.ProviderTrustedService, "trustedservice": wire.ProviderTrustedService,
	"cryptoauthlib": wire.ProviderCryptoAuthLib,
}

// choose applies --provider: a number, the configured name of an instance, or a kind.
func (p *Program) choose(ctx context.Context, c *client.Client) (*client.Client, error) {
	name := p.global.provider
	if name == "" {
		return c, nil
	}
	if id, ok := providerNumber(name); ok {
		return c.WithProvider(id), nil
	}
	if c.Persistent() {
		view, err := c.WithInstance(ctx, name)
		if err == nil || wire.StatusOf(err) != wire.StatusProviderNotRegistered {
			return view, err
		}
	}
	if id, ok := kindNames[strings.ToLower(name)]; ok {
		return c.WithProvider(id), nil
	}
	return nil, &wire.Error{
		Status: wire.StatusProviderNotRegistered, Reason: fmt.Sprintf("no provider has the name %q", name), Remedy: "parsecctl provider list",
	}
}

func providerNumber(name string) (wire.ProviderID, bool) {
	n, err := strconv.ParseUint(name, 0, 8)
	return wire.ProviderID(n), err == nil
}

// locate finds a key and returns a view of the client that reaches it.
func (p *Program) locate(ctx context.Context, c *client.Client, name string) (*client.Client, client.KeyInfo, error) {
	info, err := c.FindKey(ctx, psa.KeyName(name))
	if err != nil {
		return nil, info, err
	}
	return c.WithProvider(info.Provider), info, nil
}

// completeKeys offers the names of the caller's keys to the shell for the first argument,
// and files for those after it.
func (p *Program) completeKeys(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	err := p.with(cmd.Context(), func(c *client.Client) error {
		keys, err := c.Keys(cmd.Context())
		for _, k := range keys {
			names = append(names, string(k.Name))
		}
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
