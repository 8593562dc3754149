package agentd

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/agentd/authn"
	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// unlockers are who may give the PIN of a provider, beside administrators.
type unlockers struct {
	users  []string
	groups []uint32
}

// unlockers reads them from the configuration.
func (b *builder) unlockers(ctx context.Context, p config.Provider) unlockers {
	if p.PKCS11 == nil {
		return unlockers{}
	}
	found, unknown := authn.LookupGroups(p.PKCS11.UnlockGroups)
	groups, distrusted := authn.TrustedGroups(found)
	for _, w := range append(unknown, distrusted...) {
		b.log.LogAttrs(ctx, slog.LevelWarn, "provider_warning", slog.String("provider", p.Name), slog.String("warning", w))
	}
	return unlockers{users: p.PKCS11.UnlockUsers, groups: groups}
}

// mayUnlock reports whether the caller may give the PIN of an instance: a wrong one uses up
// a try of a token that belongs to the machine.
func (r *request) mayUnlock(inst *instance) bool {
	// A name means somebody under one authenticator only: that of [authenticator].
	primary := r.who.Auth == r.backend.config.Authenticator.Type
	if r.who.Admin || primary && slices.Contains(inst.unlockers.users, r.who.App) {
		return true
	}
	return r.authenticated() && slices.ContainsFunc(inst.unlockers.groups, func(gid uint32) bool {
		in, err := r.conn.peer.InGroup(gid)
		return err == nil && in
	})
}

// decodeUnlock takes the PIN of a token from a person, or forgets it.
func decodeUnlock(r *request) (action, error) {
	m := &agentpb.Unlock{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		defer clear(m.GetPin())
		inst := r.backend.named(m.GetProviderName())
		object := fmt.Sprintf("provider %q", m.GetProviderName())
		if inst == nil {
			return nil, &wire.Error{
				Status: wire.StatusProviderNotRegistered, Object: object, Reason: "no provider has that name", Remedy: "parsecctl provider list",
			}
		}
		r.instance = inst // for the audit record
		if !r.mayUnlock(inst) {
			return nil, &wire.Error{
				Status: wire.StatusAdminOperation, Object: object, Reason: describe(r.who) + " may not give its PIN",
				Remedy: "ask an administrator, who can also name you in unlock_users or unlock_groups of the provider",
			}
		}
		p, ok := inst.provider.(providers.Unlocker)
		if !ok {
			return nil, &wire.Error{Status: wire.StatusNotSupported, Object: object, Reason: "it has no PIN that a person could give"}
		}
		if m.GetLock() {
			return nil, about(object, p.Lock(ctx))
		}
		out, err := p.Unlock(ctx, providers.UnlockOptions{PIN: m.GetPin(), Pad: m.GetPinPad(), LastTry: m.GetLastTry()})
		if err != nil {
			return nil, about(object, err)
		}
		result := &agentpb.UnlockResult{Token: out.Token, Already: out.Already}
		if !out.Until.IsZero() {
			result.UntilUnixMs = out.Until.UnixMilli()
		}
		return psa.Marshal(result)
	}, nil
}
