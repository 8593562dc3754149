package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	frontend "github.com/seed-73b3884f/parsec-agent/client"
)

// peopleAgent is what our agent costs with devices that follow their servers, each of an organisation of its own.
type peopleAgent struct {
	// Usages are what the process holds by the number of unlocked devices: none after a start, then one, then all.
	Usages []agentUsage `json:"usages"`
	// Wakeups are how often the process began to run after it had been at rest, in Seconds in which nobody asked for anything, with all devices connected;
	// Switches how often a thread of it was switched to, and Processor how long it ran.
	Wakeups   int64         `json:"wakeups"`
	Switches  int64         `json:"switches"`
	Seconds   float64       `json:"seconds"`
	Processor time.Duration `json:"processor_ns"`
}

type agentUsage struct {
	Devices int `json:"devices"`
	agentdtest.Usage
}

// onlineLimit bounds how long a device may take to be connected and up to date.
const onlineLimit = time.Minute

// personsAgent is an agent of the caller's own.
type personsAgent struct {
	command agentdtest.Command
	process *agentdtest.Process
	client  *frontend.Client
}

// newPersonsAgent builds the agent and starts it on an empty state.
func (b *peopleBed) newPersonsAgent(ctx context.Context) (*personsAgent, error) {
	program, err := agentdtest.Build(ctx, b.dir, false)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(b.dir, "agent")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	a := &personsAgent{command: agentdtest.Command{
		Argv: []string{program, "--user", "--allow-root"}, Dir: dir, UID: uid(), Socket: filepath.Join(dir, "parsec", "parsec.sock"),
		Env: []string{
			"PATH=/usr/bin:/bin", "HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "XDG_STATE_HOME=" + filepath.Join(dir, "state"),
			"XDG_CONFIG_HOME=" + filepath.Join(dir, "config"), "NO_PROXY=*",
		},
	}}
	return a, a.start(ctx)
}

func (a *personsAgent) start(ctx context.Context) (err error) {
	if a.process, err = agentdtest.StartProcess(ctx, a.command); err == nil {
		a.client, err = frontend.Dial(ctx, frontend.Options{Endpoint: a.command.Socket})
	}
	return err
}

func (a *personsAgent) stop() (err error) {
	if a.client != nil {
		err = a.client.Close()
	}
	if a.process != nil {
		err = errors.Join(err, a.process.Stop())
	}
	a.client, a.process = nil, nil
	return err
}

// bootstrap makes an organisation and returns the device.
func (a *personsAgent) bootstrap(ctx context.Context, address string) (device string, err error) {
	w, _, err := a.client.BeginBootstrap(ctx, frontend.Bootstrap{
		Address: address, Details: frontend.Details{Name: "Alice", Email: "alice@example.com", Label: "laptop"},
	})
	if err != nil {
		return "", err
	}
	err = a.client.WatchWork(ctx, w.ID, func(now frontend.Work, _ []frontend.Notice) error {
		w = now
		if now.State == "waiting" {
			return fmt.Errorf("the bootstrap does not run: %w", now.Failure)
		}
		if now.Question == nil {
			return nil
		}
		_, err := a.client.AnswerWork(ctx, now.ID, now.Question.Step, frontend.WorkAnswer{Password: []byte(peoplePassword)})
		return err
	})
	if err == nil && w.Result == nil {
		err = fmt.Errorf("the bootstrap is %s: %w", w.State, w.Failure)
	}
	if err != nil {
		return "", err
	}
	return w.Result.Device, nil
}

// unlock opens a device and waits until it is connected and up to date.
func (a *personsAgent) unlock(ctx context.Context, device string) error {
	if _, _, err := a.client.UnlockDevice(ctx, device, frontend.DeviceSecret{Password: []byte(peoplePassword)}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, onlineLimit)
	defer cancel()
	for {
		s, err := a.client.OrgStatus(ctx, device, frontend.OrgOptions{})
		if err != nil {
			return err
		}
		if c := s.Organization.Connection; c.State == "online" && !c.Viewed.IsZero() {
			return nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("device %s is %s: %w", device, s.Organization.Connection.State, err)
		}
	}
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// measureAgent makes organisations through an agent, starts it anew and unlocks their devices.
func (b *peopleBed) measureAgent(ctx context.Context, devices int, idle time.Duration) (m *peopleAgent, err error) {
	a, err := b.newPersonsAgent(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.stop()) }()
	ids := make([]string, devices)
	for i := range ids {
		if ids[i], err = a.bootstrap(ctx, b.unborn()); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(a.stop(), a.start(ctx)); err != nil {
		return nil, err
	}
	m = &peopleAgent{}
	for i := 0; i <= devices; i++ {
		if i > 0 {
			if err := a.unlock(ctx, ids[i-1]); err != nil {
				return nil, err
			}
		}
		if i > 1 && i < devices {
			continue
		}
		if err := m.use(ctx, a, i, min(settle, idle)); err != nil {
			return nil, err
		}
	}
	return m, m.watch(ctx, a, idle)
}

// use takes what the process holds once it is at rest.
func (m *peopleAgent) use(ctx context.Context, a *personsAgent, devices int, rest time.Duration) error {
	if err := pause(ctx, rest); err != nil {
		return err
	}
	u, err := a.process.Usage()
	m.Usages = append(m.Usages, agentUsage{devices, u})
	return err
}

// look is how often it is looked whether the process has run. What it does between two looks is one wake-up.
const look = 10 * time.Millisecond

// watch counts wake-ups. The connections of the client are closed: nobody asks.
func (m *peopleAgent) watch(ctx context.Context, a *personsAgent, idle time.Duration) error {
	err := a.client.Close()
	a.client = nil
	if err != nil {
		return err
	}
	if err := pause(ctx, min(settle, idle)); err != nil {
		return err
	}
	before, err := a.process.Usage()
	if err != nil {
		return err
	}
	ran, err := a.process.CPU()
	if err != nil {
		return err
	}
	begin, last, running := time.Now(), before.Wakeups, false
	for time.Since(begin) < idle {
		if err := pause(ctx, look); err != nil {
			return err
		}
		now, err := a.process.Usage()
		if err != nil {
			return err
		}
		if now.Wakeups != last && !running {
			m.Wakeups++
		}
		running, last = now.Wakeups != last, now.Wakeups
	}
	m.Seconds, m.Switches = time.Since(begin).Seconds(), last-before.Wakeups
	m.Processor, err = a.process.CPU()
	m.Processor -= ran
	return err
}
