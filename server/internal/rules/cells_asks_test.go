package rules_test

import (
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// asks make the requests of profileCells, dated now. Each would be ok for somebody who may ask it, unless its name says otherwise.
var asks = map[string]func(*cast, *actor) cloud.Request{
	"async_enrollment_accept": func(_ *cast, a *actor) cloud.Request { return acceptReq(a.Device, a.newcomer, a.accepted) },
	"async_enrollment_list":   func(*cast, *actor) cloud.Request { return &cloud.AsyncEnrollmentListReq{} },
	"async_enrollment_reject": func(_ *cast, a *actor) cloud.Request {
		return &cloud.AsyncEnrollmentRejectReq{EnrollmentID: a.rejected}
	},
	"block_create": func(_ *cast, a *actor) cloud.Request { return blockReq(a.realm) },
	"block_read": func(_ *cast, a *actor) cloud.Request {
		return &cloud.BlockReadReq{BlockID: a.block, RealmID: a.realm}
	},
	"certificate_get": func(*cast, *actor) cloud.Request {
		return &cloud.CertificateGetReq{RealmAfter: map[trust.RealmID]trust.DateTime{}}
	},
	"device_create":             func(_ *cast, a *actor) cloud.Request { return a.DeviceCreateReq(a.Sibling()) },
	"device_create for another": func(c *cast, a *actor) cloud.Request { return a.DeviceCreateReq(c.pal.Sibling()) },
	"events_listen":             func(*cast, *actor) cloud.Request { return &cloud.EventsListenReq{} },
	"invite_list":               func(*cast, *actor) cloud.Request { return &cloud.InviteListReq{} },
	"invite_new_device":         func(*cast, *actor) cloud.Request { return &cloud.InviteNewDeviceReq{} },
	"invite_new_shamir_recovery": func(c *cast, _ *actor) cloud.Request {
		return &cloud.InviteNewShamirRecoveryReq{ClaimerUserID: c.claire.User}
	},
	"invite_new_user": func(c *cast, a *actor) cloud.Request {
		return &cloud.InviteNewUserReq{ClaimerEmail: c.first.Org.NewDevice("invited-" + a.Handle.Label.String()).Handle.Email}
	},
	"list_frozen_users": func(*cast, *actor) cloud.Request { return &cloud.ListFrozenUsersReq{} },
	"organization_info": func(*cast, *actor) cloud.Request { return &cloud.OrganizationInfoReq{} },
	"ping":              func(*cast, *actor) cloud.Request { return &cloud.PingReq{Ping: "x"} },
	"realm_create": func(_ *cast, a *actor) cloud.Request {
		return &cloud.RealmCreateReq{RealmRoleCertificate: a.RoleReq(trust.NewRealmID(), a.User, trust.Owner)}
	},
	"realm_create for another": func(c *cast, a *actor) cloud.Request {
		return &cloud.RealmCreateReq{RealmRoleCertificate: a.RoleReq(trust.NewRealmID(), c.pal.User, trust.Owner)}
	},
	"realm_get_keys_bundle": func(_ *cast, a *actor) cloud.Request {
		return &cloud.RealmGetKeysBundleReq{RealmID: a.realm, KeyIndex: 1}
	},
	"realm_rename":     func(_ *cast, a *actor) cloud.Request { return renameReq(a.Device, a.realm) },
	"realm_rotate_key": func(_ *cast, a *actor) cloud.Request { return a.RotationReq(a.bare, 1, a.User) },
	"realm_self_promote_to_owner": func(_ *cast, a *actor) cloud.Request {
		return &cloud.RealmSelfPromoteToOwnerReq{RealmRoleCertificate: a.RoleReq(a.orphan, a.User, trust.Owner)}
	},
	"realm_share":   func(c *cast, a *actor) cloud.Request { return share(a.Device, a.realm, c.pal.User, trust.Reader, 1) },
	"realm_unshare": func(c *cast, a *actor) cloud.Request { return unshare(a.Device, a.realm, c.pal.User) },
	"realm_update_archiving": func(_ *cast, a *actor) cloud.Request {
		return archiveReq(a.Device, a.closing, trust.Archived)
	},
	"shamir_recovery_delete": func(_ *cast, a *actor) cloud.Request {
		return deleteReq(a.Device, a.recovery.deletion(a.Device))
	},
	"shamir_recovery_setup":  func(c *cast, a *actor) cloud.Request { return recoveryOf(a.Device, c.pal.User).sign(a.Device) },
	"totp_create_opaque_key": func(*cast, *actor) cloud.Request { return &cloud.TOTPCreateOpaqueKeyReq{} },
	"totp_setup_confirm": func(_ *cast, a *actor) cloud.Request {
		return &cloud.TOTPSetupConfirmReq{OneTimePassword: code(a.Device, a.secret, 0)}
	},
	"totp_setup_get_secret":   func(*cast, *actor) cloud.Request { return &cloud.TOTPSetupGetSecretReq{} },
	"user_create of ADMIN":    enrols(trust.Admin),
	"user_create of STANDARD": enrols(trust.Standard),
	"user_create of OUTSIDER": enrols(trust.Outsider),
	"user_revoke of ADMIN":    revokes("user_revoke of ADMIN"),
	"user_revoke of STANDARD": revokes("user_revoke of STANDARD"),
	"user_revoke of OUTSIDER": revokes("user_revoke of OUTSIDER"),
	"user_revoke of oneself":  func(_ *cast, a *actor) cloud.Request { return revokeReq(a.Device, a.User) },
	"user_revoke of somebody revoked": func(c *cast, a *actor) cloud.Request {
		return revokeReq(a.Device, c.gone.User)
	},
	"user_revoke of nobody":   func(_ *cast, a *actor) cloud.Request { return revokeReq(a.Device, trust.NewUserID()) },
	"user_update of ADMIN":    updates("user_update of ADMIN", trust.Standard),
	"user_update of STANDARD": updates("user_update of STANDARD", trust.Admin),
	"user_update of OUTSIDER": updates("user_update of OUTSIDER", trust.Standard),
	"user_update of oneself": func(_ *cast, a *actor) cloud.Request {
		return profileReq(a.Device, a.User, trust.Standard)
	},
	"user_update of somebody revoked": func(c *cast, a *actor) cloud.Request {
		return profileReq(a.Device, c.gone.User, trust.Admin)
	},
	"user_update of nobody": func(_ *cast, a *actor) cloud.Request {
		return profileReq(a.Device, trust.NewUserID(), trust.Admin)
	},
	"vlob_create":       func(_ *cast, a *actor) cloud.Request { return a.VlobReq(a.realm, 1, "x") },
	"vlob_poll_changes": func(_ *cast, a *actor) cloud.Request { return &cloud.VlobPollChangesReq{RealmID: a.realm} },
	"vlob_read_batch": func(_ *cast, a *actor) cloud.Request {
		return &cloud.VlobReadBatchReq{RealmID: a.realm, Vlobs: []trust.VlobID{a.vlob}}
	},
	"vlob_read_versions": func(_ *cast, a *actor) cloud.Request {
		return &cloud.VlobReadVersionsReq{RealmID: a.realm, Items: []cloud.VlobVersion{{VlobID: a.vlob, Version: 1}}}
	},
	"vlob_update": func(_ *cast, a *actor) cloud.Request { return updateReq(a.Device, a.realm, a.vlob, 2) },
	"tos_accept": func(_ *cast, a *actor) cloud.Request {
		return &cloud.TOSAcceptReq{TOSUpdatedOn: a.Org.Clock.Tick()}
	},
	"tos_get": func(*cast, *actor) cloud.Request { return &cloud.TOSGetReq{} },
}

func enrols(p trust.Profile) func(*cast, *actor) cloud.Request {
	return func(c *cast, a *actor) cloud.Request {
		return a.UserCreateReq(c.first.Org.NewDevice("new-"+p.String()+"-"+a.Handle.Label.String()), p)
	}
}

func revokes(target string) func(*cast, *actor) cloud.Request {
	return func(c *cast, a *actor) cloud.Request { return revokeReq(a.Device, c.targets[target].User) }
}

func updates(target string, p trust.Profile) func(*cast, *actor) cloud.Request {
	return func(c *cast, a *actor) cloud.Request { return profileReq(a.Device, c.targets[target].User, p) }
}
