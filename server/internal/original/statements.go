package original

// Statements give the rows of our tables of one organisation ($1 is its number there), with our columns but for that of the organisation.
// Secrets are in the open: what our column keeps of them is made when they are written. What looks like functions is in macros.

// organizationRow has no number, which the import gives.
const organizationRow = `SELECT o.organization_id AS id, us(o._created_on) AS created_on, decode(o.bootstrap_token, 'hex') AS bootstrap_token,
	us(o._bootstrapped_on) AS bootstrapped_on, o.root_verify_key, o.sequester_authority_certificate AS sequester_authority,
	o.is_expired::int AS is_expired, o.user_profile_outsider_allowed::int AS outsider_allowed, o.active_users_limit,
	o.realm_minimum_archiving_period_before_deletion AS minimum_archiving_period, us(o.tos_updated_on) AS tos_updated_on, o.tos_per_locale_urls AS tos_urls,
	us(c.last_timestamp) AS common_last, us(q.last_timestamp) AS sequester_last, us(s.last_timestamp) AS shamir_last
	FROM organization o LEFT JOIN common_topic c ON c.organization = o._id LEFT JOIN sequester_topic q ON q.organization = o._id
	LEFT JOIN shamir_recovery_topic s ON s.organization = o._id WHERE o._id = $1`

const personRows = `SELECT uuid_send(u.user_id) AS id, h.email, h.label, profile(u.current_profile) AS profile, us(u.created_on) AS created_on,
	us(u.revoked_on) AS revoked_on, u.frozen::int AS frozen, us(u.tos_accepted_on) AS tos_accepted_on
	FROM user_ u JOIN human h ON h._id = u.human WHERE u.organization = $1`

const profileRows = `SELECT uuid_send(u.user_id) AS person, us(u.created_on) AS since, profile(u.initial_profile) AS profile FROM user_ u WHERE u.organization = $1
	UNION ALL SELECT uuid_send(u.user_id), us(p.certified_on), profile(p.profile) FROM profile p JOIN user_ u ON u._id = p.user_ WHERE u.organization = $1`

const deviceRows = `SELECT uuid_send(d.device_id) AS id, uuid_send(u.user_id) AS person, d.device_label AS label, d.verify_key, us(d.created_on) AS created_on
	FROM device d JOIN user_ u ON u._id = d.user_ WHERE d.organization = $1`

// certificateRows are by topic: a user comes before its device, a brief before its shares. The authority is certified with the first user.
const certificateRows = `
	SELECT 1 AS topic, ''::bytea AS subject, us(created_on) AS signed_on, 0 AS rank, user_certificate AS signed, redacted_user_certificate AS redacted
		FROM user_ WHERE organization = $1
	UNION ALL SELECT 1, '', us(created_on), 1, device_certificate, redacted_device_certificate FROM device WHERE organization = $1
	UNION ALL SELECT 1, '', us(p.certified_on), 0, p.profile_certificate, NULL FROM profile p JOIN user_ u ON u._id = p.user_ WHERE u.organization = $1
	UNION ALL SELECT 1, '', us(revoked_on), 0, revoked_user_certificate, NULL FROM user_ WHERE organization = $1 AND revoked_on IS NOT NULL
	UNION ALL SELECT 2, '', (SELECT us(min(u.created_on)) FROM user_ u WHERE u.organization = o._id AND u.user_certifier IS NULL), 0,
		o.sequester_authority_certificate, NULL FROM organization o WHERE o._id = $1 AND o.sequester_authority_certificate IS NOT NULL
	UNION ALL SELECT 2, '', us(created_on), 0, service_certificate, NULL FROM sequester_service WHERE organization = $1
	UNION ALL SELECT 2, '', us(revoked_on), 0, sequester_revoked_service_certificate, NULL FROM sequester_service WHERE organization = $1 AND revoked_on IS NOT NULL
	UNION ALL SELECT 3, uuid_send(v.viewer), us(s.created_on), 0, s.brief_certificate, NULL
		FROM shamir_recovery_setup s JOIN viewers v ON v.setup = s._id WHERE s.organization = $1
	UNION ALL SELECT 3, uuid_send(v.viewer), us(s.deleted_on), 0, s.deletion_certificate, NULL
		FROM shamir_recovery_setup s JOIN viewers v ON v.setup = s._id WHERE s.organization = $1 AND s.deleted_on IS NOT NULL
	UNION ALL SELECT 3, uuid_send(u.user_id), us(s.created_on), 1, h.share_certificate, NULL
		FROM shamir_recovery_share h JOIN shamir_recovery_setup s ON s._id = h.shamir_recovery JOIN user_ u ON u._id = h.recipient WHERE h.organization = $1
	UNION ALL SELECT 4, uuid_send(r.realm_id), us(x.certified_on), 0, x.certificate, NULL
		FROM realm_user_role x JOIN realm r ON r._id = x.realm WHERE r.organization = $1
	UNION ALL SELECT 4, uuid_send(r.realm_id), us(x.certified_on), 0, x.certificate, NULL
		FROM realm_archiving x JOIN realm r ON r._id = x.realm WHERE r.organization = $1
	UNION ALL SELECT 4, uuid_send(r.realm_id), us(x.certified_on), 0, x.realm_key_rotation_certificate, NULL
		FROM realm_keys_bundle x JOIN realm r ON r._id = x.realm WHERE r.organization = $1
	UNION ALL SELECT 4, uuid_send(r.realm_id), us(x.certified_on), 0, x.realm_name_certificate, NULL
		FROM realm_name x JOIN realm r ON r._id = x.realm WHERE r.organization = $1`

// viewersOf are who may see the certificates of a recovery.
const viewersOf = `viewers AS (SELECT s._id AS setup, u.user_id AS viewer FROM shamir_recovery_setup s JOIN user_ u ON u._id = s.user_ WHERE s.organization = $1
	UNION SELECT h.shamir_recovery, u.user_id FROM shamir_recovery_share h JOIN user_ u ON u._id = h.recipient WHERE h.organization = $1)`

// A realm that was purged there has certificates and who was in it, as ours do.
const realmRows = `SELECT uuid_send(r.realm_id) AS id, us(r.created_on) AS created_on, us(t.last_timestamp) AS last_certificate,
	(SELECT us(max(v.created_on)) FROM vlob_atom v WHERE v.realm = r._id AND r.status <> 'DELETED') AS last_vlob, r.key_index,
	EXISTS (SELECT 1 FROM realm_name n WHERE n.realm = r._id)::int AS named, coalesce(archiving(a.configuration), 1) AS archiving,
	us(a.deletion_date) AS deletion_on, (r.status = 'DELETED')::int AS deleted,
	(SELECT coalesce(max(i.index), 0) FROM realm_vlob_update i WHERE i.realm = r._id AND r.status <> 'DELETED') AS checkpoint,
	(SELECT coalesce(sum(v.size), 0) FROM vlob_atom v WHERE v.realm = r._id AND r.status <> 'DELETED') AS vlob_bytes,
	(SELECT coalesce(sum(b.size), 0) FROM block b WHERE b.realm = r._id AND r.status <> 'DELETED') AS block_bytes
	FROM realm r JOIN realm_topic t ON t.realm = r._id
	LEFT JOIN LATERAL (SELECT configuration, deletion_date FROM realm_archiving x WHERE x.realm = r._id ORDER BY certified_on DESC LIMIT 1) a ON true
	WHERE r.organization = $1`

const realmRoleRows = `SELECT DISTINCT ON (x.realm, x.user_) uuid_send(r.realm_id) AS realm, uuid_send(u.user_id) AS person, role(x.role) AS role, us(x.certified_on) AS changed_on
	FROM realm_user_role x JOIN realm r ON r._id = x.realm JOIN user_ u ON u._id = x.user_ WHERE r.organization = $1 ORDER BY x.realm, x.user_, x.certified_on DESC`

const keysBundleRows = `SELECT uuid_send(r.realm_id) AS realm, k.key_index, k.keys_bundle AS bundle
	FROM realm_keys_bundle k JOIN realm r ON r._id = k.realm WHERE r.organization = $1 AND r.status <> 'DELETED'`

// keysAccessRows are the newest ones, which the original gives out.
const keysAccessRows = `SELECT DISTINCT ON (k._id, x.user_) uuid_send(r.realm_id) AS realm, k.key_index, uuid_send(u.user_id) AS person, x.access
	FROM realm_keys_bundle_access x JOIN realm_keys_bundle k ON k._id = x.realm_keys_bundle JOIN realm r ON r._id = k.realm JOIN user_ u ON u._id = x.user_
	LEFT JOIN realm_user_role s ON s._id = x.from_sharing WHERE r.organization = $1 AND r.status <> 'DELETED'
	ORDER BY k._id, x.user_, coalesce(s.certified_on, k.certified_on) DESC`

const serviceRows = `SELECT uuid_send(service_id) AS id, service_label AS label, us(created_on) AS created_on, us(coalesce(revoked_on, disabled_on)) AS revoked_on, webhook_url
	FROM sequester_service WHERE organization = $1`

const serviceAccessRows = `SELECT uuid_send(r.realm_id) AS realm, k.key_index, uuid_send(s.service_id) AS service, x.access
	FROM realm_sequester_keys_bundle_access x JOIN realm_keys_bundle k ON k._id = x.realm_keys_bundle JOIN realm r ON r._id = k.realm
	JOIN sequester_service s ON s._id = x.sequester_service WHERE r.organization = $1 AND r.status <> 'DELETED'`

const vlobRows = `SELECT uuid_send(r.realm_id) AS realm, uuid_send(v.vlob_id) AS id, v.version, i.index AS checkpoint, v.key_index, uuid_send(d.device_id) AS author,
	us(v.created_on) AS created_on, v.blob AS data
	FROM vlob_atom v JOIN realm r ON r._id = v.realm JOIN realm_vlob_update i ON i.vlob_atom = v._id JOIN device d ON d._id = v.author
	WHERE r.organization = $1 AND r.status <> 'DELETED'`

const blockRows = `SELECT uuid_send(b.block_id) AS id, uuid_send(r.realm_id) AS realm, b.key_index, uuid_send(d.device_id) AS author, b.size, us(b.created_on) AS created_on, 1 AS stored
	FROM block b JOIN realm r ON r._id = b.realm JOIN device d ON d._id = b.author WHERE r.organization = $1 AND r.status <> 'DELETED'`
