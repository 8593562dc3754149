package agentd

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/agentd/unit"
	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// The severities of findings.
const (
	severityOK      = "ok"
	severityNote    = "note"
	severityWarning = "warning"
	severityError   = "error"
)

// examination collects what a doctor's round finds.
type examination struct {
	request  *request
	findings []*agentpb.DoctorResult_Finding
}

func (e *examination) add(area, severity, object, problem, remedy string) {
	e.findings = append(e.findings, &agentpb.DoctorResult_Finding{
		Area: area, Severity: severity, Object: object, Problem: problem, Remedy: remedy,
	})
}

// decodeDoctor examines the agent from the inside. Everybody learns whether the agent and
// their own keys are well; administrators learn of everything.
func decodeDoctor(r *request) (action, error) {
	return func(ctx context.Context, r *request) ([]byte, error) {
		e := &examination{request: r}
		e.identity()
		e.ownKeys(ctx)
		e.ownDevices()
		e.states()
		if r.who.Admin {
			e.settings(r.backend.config)
			e.sandbox(r.backend.config)
			e.stores()
			e.providers(ctx)
			e.limits()
		}
		return psa.Marshal(&agentpb.DoctorResult{Findings: e.findings})
	}, r.nothing()
}

// identity tells the caller who the agent takes it for.
func (e *examination) identity() {
	if !e.request.authenticated() {
		e.add("identity", severityNote, "caller", "the request was not authenticated, so keys were not examined", "")
		return
	}
	role := "owner of its own keys"
	if e.request.who.Admin {
		role = "administrator"
	}
	e.add("identity", severityOK, describe(e.request.who), role, "")
}

// ownKeys checks that every key of the caller can be reached.
func (e *examination) ownKeys(ctx context.Context) {
	if !e.request.authenticated() {
		return
	}
	keys := e.request.backend.keysOf(func(k kim.Entry) bool { return k.Owner == e.request.owner() })
	for _, k := range keys {
		p, ok := k.instance.provider.(providers.Protector)
		if !ok {
			continue
		}
		if _, err := p.Protection(ctx, k.key()); err != nil {
			e.add("keys", severityError, quoteKey(k.Name), "the provider cannot read the key: "+err.Error(),
				"restore it from a backup (parsecctl restore FILE), or give it up: parsecctl key delete NAME")
		}
	}
	e.add("keys", severityOK, describe(e.request.who), fmt.Sprintf("%d keys", len(keys)), "")
}

// settings reports choices of the configuration that weaken it.
func (e *examination) settings(c *config.Config) {
	for _, a := range c.Authenticators() {
		if a.Type == wire.AuthDirect {
			e.add("configuration", severityWarning, "authenticator Direct", "every caller may claim every identity", "use UnixPeerCredentials or JwtSvid")
		}
	}
	if c.Agent.Audit.Kind == config.AuditOff {
		e.add("configuration", severityWarning, "agent.audit", "requests leave no audit record", `set audit = "log"`)
	}
	if c.Core.AllowDeprecated {
		e.add("configuration", severityWarning, "core_settings.allow_deprecated", "keys of deprecated kinds can be made", "set it to false when they are no longer needed")
	}
	if c.Core.AllowRoot {
		e.add("configuration", severityWarning, "core_settings.allow_root", "the agent may run as root", "run it as its own user")
	}
}

// sandbox compares what the configuration needs with what the system's unit opens.
func (e *examination) sandbox(c *config.Config) {
	if c.Layout.User || !unit.Within() {
		return
	}
	if missing := unit.Root("").Missing(c); len(missing) > 0 {
		e.add("sandbox", severityWarning, "parsec.service", "the configuration needs settings that the unit lacks: "+strings.Join(missing, ", "),
			"systemctl daemon-reload && systemctl restart parsec; where no generator writes them: parsec-agentd --drop-ins /etc/systemd/system before that")
		return
	}
	e.add("sandbox", severityOK, "parsec.service", "opens what the configuration needs", "")
}

// stores reports entries that nothing serves.
func (e *examination) stores() {
	for _, st := range e.request.backend.stores {
		hidden := 0
		for _, entry := range st.All() {
			if entry.Owner != kim.Internal() && e.request.backend.holder(entry) == nil {
				hidden++
				if hidden <= 10 {
					e.add("storage", severityWarning, fmt.Sprintf("%s of %s", quoteKey(entry.Name), entry.Owner.App),
						fmt.Sprintf("it belongs to provider %q, which is not configured; its name stays taken", entry.Provider.Name),
						"configure a provider of that name over key manager "+st.name)
				}
			}
		}
		i := st.Info()
		e.add("storage", severityOK, fmt.Sprintf("key manager %q", st.name), fmt.Sprintf("%d entries in %s, %d of providers that are not configured", i.Entries, i.Path, hidden), "")
	}
}

// states tells everybody who may have keys which providers are not ready, and what to do
// about it.
func (e *examination) states() {
	if !e.request.authenticated() {
		return
	}
	for _, inst := range e.request.backend.instances {
		severity := severityError
		state := inst.state()
		switch state.Condition {
		case providers.Ready:
			continue
		case providers.Locked, providers.Starting:
			severity = severityWarning
		default:
		}
		e.add("provider", severity, fmt.Sprintf("provider %q", inst.ref.Name), string(state.Condition)+": "+state.Reason, state.Remedy)
	}
}

// providers lets each provider examine its own storage, unless its device is not ready.
func (e *examination) providers(ctx context.Context) {
	for _, inst := range e.request.backend.instances {
		ready := inst.state().Condition == providers.Ready
		if _, device := inst.provider.(providers.Device); device && !ready {
			continue
		}
		object := fmt.Sprintf("provider %q", inst.ref.Name)
		p, ok := inst.provider.(providers.Examiner)
		if !ok {
			e.add("provider", severityOK, object, "ready", "")
			continue
		}
		found, err := p.Examine(ctx, inst.examined())
		if err != nil {
			e.add("provider", severityError, object, "its storage cannot be examined: "+err.Error(), "")
			continue
		}
		for _, f := range found {
			e.add("provider", f.Severity, object+": "+f.Object, f.Problem, f.Remedy)
		}
		if ready {
			e.add("provider", severityOK, object, fmt.Sprintf("ready, %d findings", len(found)), "")
		}
	}
}

// limits reports callers that were turned away.
func (e *examination) limits() {
	if n := e.request.conn.service.ledger.refused.Load(); n > 0 {
		e.add("limits", severityNote, "agent.limits", fmt.Sprintf("%d connections or requests were refused since start", n),
			"see the audit log for who asked; raise [agent.limits] if they were legitimate")
	}
}
