package cloud

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"
)

// probe stands for the question whether an organisation exists.
const probe = "probe"

// repeatable are the commands that may be executed twice: they only ask, or the second time finds what the first left and says the same.
// A command that changes something is the caller's to repeat, who can tell the statuses of a second time (block_already_exists, …) from those of a first.
var repeatable = map[string]bool{
	probe: true, "ping": true, "server_config": true, "organization_info": true, "list_frozen_users": true,
	"certificate_get": true, "realm_get_keys_bundle": true, "vlob_read_batch": true, "vlob_read_versions": true, "vlob_poll_changes": true, "block_read": true,
	"invite_list": true, "invite_info": true, "invite_greeter_step": true, "invite_claimer_step": true,
	"async_enrollment_info": true, "async_enrollment_list": true, "tos_get": true, "tos_accept": true,
	"account_info": true, "auth_method_list": true, "auth_method_password_get_algorithm": true, "organization_self_list": true, "invite_self_list": true,
	"vault_item_list": true, "vault_item_recovery_list": true, "totp_setup_get_secret": true,
}

// MayRepeat reports whether [Do] tries the command again when it does not know whether it was executed.
func MayRepeat(command string) bool { return repeatable[command] }

// Waits between attempts at a command.
const (
	firstWait = 500 * time.Millisecond
	mostWait  = 10 * time.Second
)

// persist makes attempts while the server cannot be reached.
func (c *Client) persist(ctx context.Context, command string, attempt func(context.Context) (reply []byte, sent bool, err error)) ([]byte, error) {
	wait := firstWait
	for n := 1; ; n++ {
		reply, sent, err := attempt(ctx)
		if err == nil {
			return reply, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if n >= c.o.Attempts || !errors.Is(err, ErrOffline) || sent && !repeatable[command] {
			return nil, err
		}
		if sleep(ctx, jitter(wait)) != nil {
			return nil, err
		}
		wait = min(2*wait, mostWait)
	}
}

// jitter returns between half of a wait and all of it, so that clients do not come back together.
func jitter(wait time.Duration) time.Duration {
	b := [2]byte{}
	_, _ = rand.Read(b[:]) // never fails
	return wait/2 + wait/2*time.Duration(binary.BigEndian.Uint16(b[:]))/(1<<16)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
