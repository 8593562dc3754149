package tool

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// keyName is the option that most subcommands have.
var keyName = option{'k', "key-name", "key-name", 0, false, true, "The name of the key"}

// commands are the subcommands, in the order of the alphabet. It is filled in by init, for
// help looks into it.
var commands []command

func init() {
	name := func(long, value, help string) option { return option{long: long, value: value, help: help} }
	commands = []command{
		{name: "create-csr", about: "Makes a certificate signing request (PKCS #10, PEM) for a key", run: createCSR, options: []option{
			name("cn", "common-name", "The common name of the subject"), name("c", "country", "The country of the subject"), keyName,
			name("l", "locality", "The locality of the subject"), name("o", "organization", "The organization of the subject"),
			name("ou", "organizational-unit", "The organizational unit of the subject"),
			name("serialNumber", "serial-number", "The serial number of the subject"), name("st", "state", "The state of the subject"),
			{long: "san", value: "subject-alternative-name", many: true, help: "A DNS name or IP address for which the certificate shall be good"},
		}},
		{name: "create-ecc-key", about: "Makes a P-256 key pair for ECDSA with SHA-256", options: []option{keyName}, run: createECC},
		{name: "create-rsa-key", about: "Makes an RSA key pair, for PKCS #1 v1.5 encryption unless told otherwise", run: createRSA, options: []option{
			{short: 's', long: "for-signing", help: "For PKCS #1 v1.5 signatures with SHA-256"},
			{short: 'o', long: "oaep", help: "For OAEP encryption with SHA-256"},
			{short: 'b', long: "bits", value: "bits", bits: 64, help: "The size of the key (default 2048)"},
			keyName,
		}},
		{name: "decrypt", about: "Decrypts with the algorithm of the key", options: []option{keyName}, arg: "input-data", run: decrypt},
		{
			name: "delete-client", about: "Destroys all keys of an application (administrators)", run: deleteClient,
			options: []option{{'c', "client", "client", 0, false, true, "The application"}},
		},
		{name: "delete-key", about: "Destroys a key", options: []option{keyName}, run: deleteKey},
		{name: "encrypt", about: "Encrypts with the algorithm of the key", options: []option{keyName}, arg: "input-data", run: encrypt},
		{name: "export-public-key", about: "Prints the public half of a key in PEM", run: exportPublic, options: []option{
			{long: "pkcs1", help: "In the PKCS #1 form (RSA only)"}, keyName,
		}},
		{
			name: "generate-random", about: "Prints random bytes", run: random,
			options: []option{{'n', "nbytes", "nbytes", 64, false, true, "How many bytes"}},
		},
		{name: "list-authenticators", about: "Lists the authenticators of the service", bare: true, run: listAuthenticators},
		{name: "list-clients", about: "Lists the applications that own keys (administrators)", run: listClients},
		{name: "list-keys", about: "Lists the keys of the caller", run: listKeys},
		{
			name: "list-opcodes", about: "Lists the operations of a provider", bare: true, run: listOpcodes,
			options: []option{{'p', "provider", "provider", 8, false, false, "The number of the provider"}},
		},
		{name: "list-providers", about: "Lists the providers of the service", bare: true, run: listProviders},
		{name: "ping", about: "Asks the service for the version of its protocol", bare: true, run: ping},
		{name: "sign", about: "Signs a text with the algorithm of the key, prints base64", options: []option{keyName}, arg: "input-data", run: sign},
	}
}

// signModule is where the original hashes and signs.
const signModule = "util"

// say logs a line of the subcommand's module.
func (r *run) say(format string, args ...any) {
	r.sayAs("subcommands::"+strings.ReplaceAll(r.args.command.name, "-", "_"), format, args...)
}

func (r *run) sayAs(module, format string, args ...any) {
	if r.log.info {
		r.log.line("INFO ", "parsec_tool::"+module, format, args...)
	}
}

// refuse logs an error of the subcommand's module and returns err.
func (r *run) refuse(err error, format string, args ...any) error {
	r.log.error("parsec_tool::subcommands::"+strings.ReplaceAll(r.args.command.name, "-", "_"), format, args...)
	return err
}

// refuseSigning logs an error of the module that hashes and signs.
func (r *run) refuseSigning(err error, format string, args ...any) error {
	r.log.error("parsec_tool::"+signModule, format, args...)
	return err
}

func (r *run) key() psa.KeyName { return psa.KeyName(r.args.text("key-name")) }

func ping(ctx context.Context, r *run) error {
	v, err := r.client.Ping(ctx)
	if err != nil {
		return err
	}
	r.say("Service wire protocol version")
	fmt.Fprintf(r.Out, "%d.%d\n", v.Major, v.Minor)
	return nil
}

func listProviders(ctx context.Context, r *run) error {
	found, err := r.client.ListProviders(ctx)
	if err != nil {
		return err
	}
	r.say("Available providers:")
	for _, p := range found {
		vendor := p.Vendor
		if vendor == "" {
			vendor = "Unspecified"
		}
		fmt.Fprintf(r.Out, "ID: 0x%02x (%s)\nDescription: %s\nVersion: %s\nVendor: %s\nUUID: %s\n\n",
			uint8(p.ID), providerName(p.ID), p.Description, p.Version, vendor, p.UUID)
	}
	return nil
}

func listAuthenticators(ctx context.Context, r *run) error {
	found, err := r.client.ListAuthenticators(ctx)
	if err != nil {
		return err
	}
	r.say("Available authenticators:")
	for _, a := range found {
		fmt.Fprintf(r.Out, "ID: 0x%02x (%s)\nDescription: %s\nVersion: %s\n\n", uint8(a.ID), authenticatorName(a.ID), a.Description, a.Version)
	}
	return nil
}

func listOpcodes(ctx context.Context, r *run) error {
	id := wire.ProviderCore
	if v := r.args.text("provider"); v != "" {
		n, err := strconv.ParseUint(strings.TrimPrefix(v, "+"), 10, 8)
		if err != nil || !wire.ProviderID(n).Known() {
			return errProvider
		}
		id = wire.ProviderID(n)
	}
	found, err := r.client.ListOpcodes(ctx, id)
	if err != nil {
		return err
	}
	r.say("Available opcodes for %s:", providerName(id))
	for _, op := range found {
		if op.Original() {
			fmt.Fprintf(r.Out, "0x%02x (%s)\n", uint32(op), op)
		}
	}
	return nil
}

func listKeys(ctx context.Context, r *run) error {
	keys, err := r.client.ListKeys(ctx)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		r.say("No keys currently available.")
		return nil
	}
	r.say("Available keys:")
	for _, k := range keys {
		fmt.Fprintf(r.Out, "* %s (%s, %s, %d bits, permitted algorithm: %s)\n",
			k.Name, providerName(k.Provider), debugType(k.Attributes), k.Attributes.Bits, debugAlgorithm(k.Attributes.Alg))
	}
	return nil
}

func listClients(ctx context.Context, r *run) error {
	found, err := r.client.ListClients(ctx)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		r.say("No clients in the service.")
		return nil
	}
	r.say("Parsec clients:")
	for _, name := range found {
		fmt.Fprintln(r.Out, name)
	}
	return nil
}

func deleteClient(ctx context.Context, r *run) error {
	name := r.args.text("client")
	if err := r.client.DeleteClient(ctx, name); err != nil {
		return err
	}
	r.say("Client \"%s\" deleted.", name) //nolint:gocritic // the original does not escape
	return nil
}

func random(ctx context.Context, r *run) error {
	n, err := strconv.ParseUint(strings.TrimPrefix(r.args.text("nbytes"), "+"), 10, 64)
	if err != nil {
		return err
	}
	r.say("Generating %d random bytes...", n)
	b, err := r.client.GenerateRandom(ctx, n)
	if err != nil {
		return err
	}
	r.say("Random bytes:")
	for _, v := range b {
		fmt.Fprintf(r.Out, "%02X ", v)
	}
	fmt.Fprintln(r.Out)
	return nil
}

func deleteKey(ctx context.Context, r *run) error {
	r.say("Deleting a key...")
	if err := r.client.DestroyKey(ctx, r.key()); err != nil {
		return err
	}
	r.say("Key \"%s\" deleted.", r.key())
	return nil
}

const signingUsage = psa.UsageSignHash | psa.UsageSignMessage | psa.UsageVerifyHash | psa.UsageVerifyMessage

func createECC(ctx context.Context, r *run) error {
	r.say("Creating ECC signing key...")
	return r.create(ctx, psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: signingUsage,
		Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256},
	})
}

func createRSA(ctx context.Context, r *run) error {
	a := psa.Attributes{
		Type: psa.KeyRSAPair, Bits: 2048, Usage: psa.UsageEncrypt | psa.UsageDecrypt,
		Alg: psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Crypt},
	}
	if v := r.args.text("bits"); v != "" {
		bits, err := strconv.ParseUint(strings.TrimPrefix(v, "+"), 10, 64)
		if err != nil {
			return err
		}
		a.Bits = bits
	}
	kind := "encryption"
	switch {
	case r.args.flags["for-signing"]:
		kind, a.Usage, a.Alg = "signing", signingUsage, psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256}
	case r.args.flags["oaep"]:
		a.Alg = psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA256}
	}
	r.say("Creating RSA %s key...", kind)
	return r.create(ctx, a)
}

func (r *run) create(ctx context.Context, a psa.Attributes) error {
	if err := r.client.GenerateKey(ctx, r.key(), a); err != nil {
		return err
	}
	r.say("Key \"%s\" created.", r.key())
	return nil
}

// attributes returns those of the first key with the name, as the original does.
func (r *run) attributes(ctx context.Context) (psa.Attributes, error) {
	keys, err := r.client.ListKeys(ctx)
	if err != nil {
		return psa.Attributes{}, err
	}
	i := slices.IndexFunc(keys, func(k client.KeyInfo) bool { return k.Name == r.key() })
	if i < 0 {
		return psa.Attributes{}, errNotFound
	}
	return keys[i].Attributes, nil
}
