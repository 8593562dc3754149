package rules

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
)

// ErrUnknownCommand is a command that exists in the protocol and not on this server.
var ErrUnknownCommand = errors.New("the server does not have this command")

// handler runs a command of any type.
type handler func(ctx context.Context, s *Service, c *Call, req cloud.Request) (cloud.Reply, error)

// on makes a handler of a command.
func on[Q cloud.Request, R cloud.Reply](f func(*Service, context.Context, *Call, Q) (R, error)) handler {
	return func(ctx context.Context, s *Service, c *Call, req cloud.Request) (cloud.Reply, error) {
		q, ok := req.(Q)
		if !ok {
			return nil, fmt.Errorf("command %s has the request %T", req.Command(), req)
		}
		return f(s, ctx, c, q)
	}
}

// handlers are the commands that exist, by family and name. Add yours here.
var handlers = map[cloud.Family]map[string]handler{
	cloud.Anonymous: {
		"async_enrollment_cancel": on((*Service).asyncEnrollmentCancel),
		"async_enrollment_info":   on((*Service).asyncEnrollmentInfo),
		"async_enrollment_submit": on((*Service).asyncEnrollmentSubmit),
		"organization_bootstrap":  on((*Service).organizationBootstrap),
		"totp_fetch_opaque_key":   on((*Service).totpFetchOpaqueKey),
		"totp_setup_confirm":      on((*Service).anonymousTOTPSetupConfirm),
		"totp_setup_get_secret":   on((*Service).anonymousTOTPSetupGetSecret),
	},
	cloud.AnonymousServer: {
		"server_config": on((*Service).serverConfig),
	},
	cloud.Invited: {
		"invite_claimer_cancel_greeting_attempt": on((*Service).inviteClaimerCancelGreetingAttempt),
		"invite_claimer_start_greeting_attempt":  on((*Service).inviteClaimerStartGreetingAttempt),
		"invite_claimer_step":                    on((*Service).inviteClaimerStep),
		"invite_info":                            on((*Service).inviteInfo),
		"invite_shamir_recovery_reveal":          on((*Service).inviteShamirRecoveryReveal),
	},
	cloud.Authenticated: {
		"async_enrollment_accept":                on((*Service).asyncEnrollmentAccept),
		"async_enrollment_list":                  on((*Service).asyncEnrollmentList),
		"async_enrollment_reject":                on((*Service).asyncEnrollmentReject),
		"block_create":                           on((*Service).blockCreate),
		"block_read":                             on((*Service).blockRead),
		"certificate_get":                        on((*Service).certificateGet),
		"device_create":                          on((*Service).deviceCreate),
		"events_listen":                          on((*Service).eventsListen),
		"invite_cancel":                          on((*Service).inviteCancel),
		"invite_complete":                        on((*Service).inviteComplete),
		"invite_greeter_cancel_greeting_attempt": on((*Service).inviteGreeterCancelGreetingAttempt),
		"invite_greeter_start_greeting_attempt":  on((*Service).inviteGreeterStartGreetingAttempt),
		"invite_greeter_step":                    on((*Service).inviteGreeterStep),
		"invite_list":                            on((*Service).inviteList),
		"invite_new_device":                      on((*Service).inviteNewDevice),
		"invite_new_shamir_recovery":             on((*Service).inviteNewShamirRecovery),
		"invite_new_user":                        on((*Service).inviteNewUser),
		"list_frozen_users":                      on((*Service).listFrozenUsers),
		"organization_info":                      on((*Service).organizationInfo),
		"ping":                                   on((*Service).pingEverybody),
		"realm_create":                           on((*Service).realmCreate),
		"realm_get_keys_bundle":                  on((*Service).realmGetKeysBundle),
		"realm_rename":                           on((*Service).realmRename),
		"realm_rotate_key":                       on((*Service).realmRotateKey),
		"realm_self_promote_to_owner":            on((*Service).realmSelfPromoteToOwner),
		"realm_share":                            on((*Service).realmShare),
		"realm_unshare":                          on((*Service).realmUnshare),
		"realm_update_archiving":                 on((*Service).realmUpdateArchiving),
		"shamir_recovery_delete":                 on((*Service).shamirRecoveryDelete),
		"shamir_recovery_setup":                  on((*Service).shamirRecoverySetup),
		"totp_create_opaque_key":                 on((*Service).totpCreateOpaqueKey),
		"totp_setup_confirm":                     on((*Service).totpSetupConfirm),
		"totp_setup_get_secret":                  on((*Service).totpSetupGetSecret),
		"user_create":                            on((*Service).userCreate),
		"user_revoke":                            on((*Service).userRevoke),
		"user_update":                            on((*Service).userUpdate),
		"vlob_create":                            on((*Service).vlobCreate),
		"vlob_poll_changes":                      on((*Service).vlobPollChanges),
		"vlob_read_batch":                        on((*Service).vlobReadBatch),
		"vlob_read_versions":                     on((*Service).vlobReadVersions),
		"vlob_update":                            on((*Service).vlobUpdate),
	},
	cloud.TOS: {
		"tos_accept": on((*Service).tosAccept),
		"tos_get":    on((*Service).tosGet),
	},
}

func init() {
	for _, f := range []cloud.Family{cloud.Anonymous, cloud.AnonymousServer, cloud.Invited} {
		handlers[f]["ping"] = on((*Service).ping)
	}
}

// Run runs a command.
func (s *Service) Run(ctx context.Context, f cloud.Family, c *Call, req cloud.Request) (cloud.Reply, error) {
	h, ok := handlers[f][req.Command()]
	if !ok || req.Command() == "ping" && !s.Config.Debug {
		return nil, ErrUnknownCommand
	}
	return h(ctx, s, c, req)
}
