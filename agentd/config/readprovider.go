package config

import (
	"encoding/hex"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
)

// providerTypes are the values of provider_type.
var providerTypes = map[string]wire.ProviderID{
	"MbedCrypto": wire.ProviderMbedCrypto, "Pkcs11": wire.ProviderPKCS11, "Tpm": wire.ProviderTPM,
	"CryptoAuthLib": wire.ProviderCryptoAuthLib, "TrustedService": wire.ProviderTrustedService,
}

func readProviders(root *section, c *Config) []Provider {
	sections := root.tables("provider")
	if v, given := root.values["provider"]; !given || isEmpty(v) {
		root.r.fail("provider", "need one provider", "add a table [[provider]]")
	}
	var all []Provider
	for _, s := range sections {
		p := readProvider(s, c)
		for _, earlier := range all {
			if p.Name == earlier.Name && (p.Name != "" || s.values["name"] != nil) {
				s.r.fail(s.at("name"), fmt.Sprintf("duplicate provider names found: %q", p.Name), "give each provider a name of its own")
			}
		}
		all = append(all, p)
	}
	return all
}

func readProvider(s *section, c *Config) Provider {
	var p Provider
	if s.require("provider_type") {
		t := s.choice("provider_type", "", "MbedCrypto", "Pkcs11", "Tpm", "CryptoAuthLib", "TrustedService")
		p.Type = providerTypes[t]
	}
	if p.Type == wire.ProviderCryptoAuthLib || p.Type == wire.ProviderTrustedService {
		s.r.fail(s.at("provider_type"), fmt.Sprintf("provider not compiled: this agent does not support %s", p.Type), "remove the provider")
		return p // what its other keys mean is unknown here
	}
	p.Name = s.text("name", defaultProviderName(p.Type))
	p.KeyManager = s.requiredText("key_info_manager")
	manager, found := c.KeyManager(p.KeyManager)
	if !found && s.values["key_info_manager"] != nil {
		s.r.fail(s.at("key_info_manager"), fmt.Sprintf("key info manager builder not found: no [[key_manager]] is named %q", p.KeyManager), c.suggestManager(p.KeyManager))
	}
	switch p.Type {
	case wire.ProviderMbedCrypto:
		p.Software = readSoftware(s, manager)
	case wire.ProviderPKCS11:
		p.Required = s.optionalFlag("required")
		p.PKCS11 = readPKCS11(s, manager)
	case wire.ProviderTPM:
		p.Required = s.optionalFlag("required")
		p.TPM = readTPM(s)
	default:
		return p // the type is missing or wrong, which is reported
	}
	s.close()
	return p
}

func (c *Config) suggestManager(name string) string {
	names := make([]string, len(c.KeyManagers))
	for i, m := range c.KeyManagers {
		names[i] = m.Name
	}
	if near := nearest(name, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

func readSoftware(s *section, manager KeyManager) *Software {
	p := defaultSoftware()
	if manager.Path != "" {
		p.KeyStorePath = manager.keyStorePath()
	}
	_, p.KeyStoreGiven = s.values["key_store_path"]
	p.KeyStorePath = s.absPath("key_store_path", p.KeyStorePath)
	p.KeyStorage = providers.Protection(s.choice("key_storage", string(p.KeyStorage),
		string(providers.ProtectionEncrypted), string(providers.ProtectionCompatible)))
	p.RootKeyCredential = s.text("root_key_credential", p.RootKeyCredential)
	if n := p.RootKeyCredential; n == "" || n != filepath.Base(n) || strings.HasPrefix(n, ".") {
		s.fail("root_key_credential", "%q is not the name of a credential", n)
	}
	p.RootKey = s.choice("root_key", p.RootKey, RootKeyAuto, RootKeyFile, RootKeyCredential, RootKeyTPM)
	p.RootKeyTPM = s.text("root_key_tpm", p.RootKeyTPM)
	p.RootKeyPCRs = s.pcrs("root_key_pcrs")
	if p.RootKey != RootKeyTPM && (p.RootKeyTPM != "" || len(p.RootKeyPCRs) > 0) {
		s.fail("root_key", "root_key_tpm and root_key_pcrs are for root_key = %q", RootKeyTPM)
	}
	const most = 1 << 20
	p.CacheKeys = int(s.count("cache_keys", int64(p.CacheKeys), 0, most))
	return p
}

// pcrs returns a list of registers of a TPM, each once.
func (s *section) pcrs(key string) []uint {
	const most = 23
	v, given := s.take(key)
	if !given {
		return nil
	}
	array, ok := v.([]any)
	if !ok {
		s.fail(key, "expected an array of integers, found %s", kind(v))
		return nil
	}
	var all []uint
	for _, e := range array {
		n, ok := e.(int64)
		if !ok || n < 0 || n > most || slices.Contains(all, uint(n)) {
			s.fail(key, "expected numbers of PCR, 0 to %d, each once", most)
			return nil
		}
		all = append(all, uint(n))
	}
	return all
}

func readPKCS11(s *section, manager KeyManager) *PKCS11 {
	p := &PKCS11{
		LibraryPath:              s.libraryPath("library_path"),
		Serial:                   strings.TrimSpace(s.text("serial_number", "")),
		UserPIN:                  s.secret("user_pin"),
		SoftwarePublicOperations: s.flag("software_public_operations", false),
		AllowExport:              s.flag("allow_export", true),
		TokenURI:                 s.text("token_uri", ""),
		UserPINFile:              s.absPath("user_pin_file", ""),
		UserPINCredential:        s.text("user_pin_credential", ""),
		UserPINPrompt:            s.flag("user_pin_prompt", false),
		UserPINLifetime:          s.millis("user_pin_lifetime", 0, 0),
		UnlockUsers:              s.texts("unlock_users", []string{}),
		UnlockGroups:             s.texts("unlock_groups", []string{}),
	}
	if manager.Path != "" {
		p.RecordPath = filepath.Join(manager.keyStorePath(), "pkcs11-pins")
	}
	p.check(s)
	if _, given := s.take("slot_number"); given {
		slot := uint64(s.count("slot_number", 0, 0, math.MaxInt64)) //nolint:gosec // count returns no negative number
		p.Slot = &slot
	}
	return p
}

// check refuses what contradicts itself.
func (p *PKCS11) check(s *section) {
	if p.TokenURI != "" {
		if _, err := pkcs11.ParseURI(p.TokenURI); err != nil {
			s.fail("token_uri", "%v", err)
		}
	}
	if n := p.UserPINCredential; n != "" && (n != filepath.Base(n) || strings.HasPrefix(n, ".")) {
		s.fail("user_pin_credential", "%q is not the name of a credential", n)
	}
	p.checkPIN(s)
}

// checkPIN refuses more than one source of the PIN, and settings of a source that is not used.
func (p *PKCS11) checkPIN(s *section) {
	sources := 0
	for _, given := range []bool{p.UserPIN != nil, p.UserPINFile != "", p.UserPINCredential != "", p.UserPINPrompt} {
		if given {
			sources++
		}
	}
	if sources > 1 {
		s.fail("user_pin", "the PIN comes from one of user_pin, user_pin_file, user_pin_credential and user_pin_prompt")
	}
	s.checkGroups("unlock_groups", p.UnlockGroups)
	for key, given := range map[string]bool{
		"user_pin_lifetime": p.UserPINLifetime > 0, "unlock_users": len(p.UnlockUsers) > 0, "unlock_groups": len(p.UnlockGroups) > 0,
	} {
		if given && !p.UserPINPrompt {
			s.fail(key, "it is about the PIN that a person gives: set user_pin_prompt = true")
		}
	}
}

// libraryPath returns a required library. A bare file name is left to the dynamic loader,
// which looks for it in its own directories.
func (s *section) libraryPath(key string) string {
	if !s.require(key) {
		return ""
	}
	if name := s.text(key, ""); name != "" && !strings.ContainsAny(name, "/\x00") {
		return name
	}
	return s.absPath(key, "")
}

func readTPM(s *section) *TPM {
	p := &TPM{SkipIfNone: s.flag("skip_if_no_tpm", false), EndorsementAuth: s.secret("endorsement_hierarchy_auth")}
	if s.require("owner_hierarchy_auth") {
		p.OwnerAuth = s.secret("owner_hierarchy_auth")
	}
	if text := s.requiredText("tcti"); s.values["tcti"] != nil {
		t, err := parseTCTI(text)
		if err != nil {
			s.fail("tcti", "%q is no way to a TPM: %v", text, err)
		}
		p.TCTI = t
	}
	return p
}

// secret returns a value that may be prefixed by str: (the rest counts) or hex: (decoded),
// or nil when the key is absent.
func (s *section) secret(key string) *Secret {
	if _, given := s.take(key); !given {
		return nil
	}
	text := s.text(key, "")
	if rest, ok := strings.CutPrefix(text, "str:"); ok {
		return NewSecret([]byte(rest))
	}
	if rest, ok := strings.CutPrefix(text, "hex:"); ok {
		b, err := hex.DecodeString(rest)
		if err != nil {
			clear(b)
			s.fail(key, "what follows hex: is not an even number of hexadecimal digits")
			return nil
		}
		return NewSecret(b)
	}
	return NewSecret([]byte(text))
}

// optionalFlag returns a truth value, nil when the key is absent.
func (s *section) optionalFlag(key string) *bool {
	if _, given := s.take(key); !given {
		return nil
	}
	v := s.flag(key, false)
	return &v
}

// isEmpty reports whether v is an array without elements.
func isEmpty(v any) bool {
	a, ok := v.([]any)
	return ok && len(a) == 0
}
