package agentd

import (
	"context"
	"errors"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
)

// patience is how long the start waits for a device that it can do without. The device goes
// on connecting after that.
const patience = 10 * time.Second

// admit connects a device, or takes it as it is where the configuration allows that: it is
// then listed, keeps its key names, and answers every request with what is wrong.
func (b *builder) admit(ctx context.Context, inst *instance, d providers.Device) (providers.Provider, error) {
	waiting := ctx
	if r := inst.config.Required; r == nil || !*r {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	err := d.Connect(waiting)
	if err == nil || ctx.Err() == nil && tolerated(inst.config, err) {
		return d, nil
	}
	return nil, errors.Join(err, d.Close())
}

// tolerated reports whether the agent starts although a device is not ready. By default it
// does where that may pass by itself or waits for a person, and not where the configuration
// is wrong, for then the sooner somebody knows, the better.
func tolerated(p config.Provider, err error) bool {
	if p.TPM != nil && p.TPM.SkipIfNone && errors.Is(err, tpm.ErrAbsent) {
		return false // it is left out instead
	}
	if p.Required != nil {
		return !*p.Required
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	c := providers.ConditionOf(err)
	return c == providers.Absent || c == providers.Locked
}

// state tells how an instance is; what is in software is ready if its root key opens.
func (i *instance) state() providers.State {
	switch p := i.provider.(type) {
	case providers.Device:
		return p.State()
	case providers.RootKeeper:
		if p.Locked() {
			return providers.State{
				Condition: providers.Locked, Reason: "its root key does not open, so its encrypted keys cannot be used",
				Remedy: "see the log for why; parsecctl key recover opens them with the recovery key",
			}
		}
	}
	return providers.State{Condition: providers.Ready}
}

// reachable returns why the keys of an instance cannot be removed now. Those that are nothing
// but their ids always can.
func (i *instance) reachable(ctx context.Context) error {
	d, ok := i.provider.(providers.Device)
	if _, alone := i.provider.(providers.SelfContained); !ok || alone {
		return nil
	}
	return d.Connect(ctx)
}
