package original

// Invitations are numbered in the order in which they were made. One whose set-up was deleted is pending in both stores, and counts as cancelled.
const invitationRows = `SELECT row_number() OVER (ORDER BY i._id) AS num, decode(i.token, 'hex') AS token_digest, decode(i.token, 'hex') AS token_sealed,
	array_position(ARRAY['USER', 'DEVICE', 'SHAMIR_RECOVERY'], i.type::text) AS kind,
	CASE WHEN i.deleted_on IS NULL THEN 1 WHEN i.deleted_reason = 'FINISHED' THEN 2 ELSE 3 END AS state, us(i.created_on) AS created_on,
	uuid_send(c.user_id) AS created_by, i.user_invitation_claimer_email AS claimer_email, uuid_send(coalesce(t.user_id, p.user_id)) AS claimer,
	us(s.created_on) AS setup_on, us(i.deleted_on) AS ended_on
	FROM invitation i LEFT JOIN device d ON d._id = i.created_by_device LEFT JOIN user_ c ON c._id = d.user_ LEFT JOIN user_ t ON t._id = i.device_invitation_claimer
	LEFT JOIN shamir_recovery_setup s ON s._id = i.shamir_recovery LEFT JOIN user_ p ON p._id = s.user_ WHERE i.organization = $1`

// numbered gives attempts the numbers of their invitations.
const numbered = `numbered AS (SELECT _id, row_number() OVER (ORDER BY _id) AS num, deleted_on IS NULL AS pending FROM invitation WHERE organization = $1)`

// attemptRows are what peers can ask for: attempts that go on, and the last ones that were cancelled, as many as are kept here.
const attemptRows = `SELECT id, invitation, greeter, greeter_joined, claimer_joined, cancelled_on, cancelled_by, cancelled_reason FROM (
	SELECT uuid_send(a.greeting_attempt_id) AS id, n.num AS invitation, uuid_send(u.user_id) AS greeter, us(a.greeter_joined) AS greeter_joined,
	us(a.claimer_joined) AS claimer_joined, us(a.cancelled_on) AS cancelled_on, array_position(ARRAY['GREETER', 'CLAIMER'], a.cancelled_by::text) AS cancelled_by,
	a.cancelled_reason, row_number() OVER (PARTITION BY s._id, a.cancelled_on IS NULL ORDER BY a.cancelled_on DESC, a._id DESC) AS age
	FROM greeting_attempt a JOIN greeting_session s ON s._id = a.greeting_session JOIN numbered n ON n._id = s.invitation JOIN user_ u ON u._id = s.greeter
	WHERE a.organization = $1) AS attempts WHERE cancelled_on IS NULL OR age <= 16`

const stepRows = `SELECT uuid_send(a.greeting_attempt_id) AS attempt, sides.side, g.step, CASE WHEN sides.side = 1 THEN g.greeter_data ELSE g.claimer_data END AS data
	FROM greeting_step g JOIN greeting_attempt a ON a._id = g.greeting_attempt JOIN greeting_session s ON s._id = a.greeting_session
	JOIN numbered n ON n._id = s.invitation CROSS JOIN (VALUES (1), (2)) AS sides(side)
	WHERE a.organization = $1 AND n.pending AND a.cancelled_on IS NULL AND CASE WHEN sides.side = 1 THEN g.greeter_data ELSE g.claimer_data END IS NOT NULL`

const totpRows = `SELECT uuid_send(user_id) AS person, totp_secret AS secret, totp_setup_completed::int AS confirmed, decode(totp_reset_token, 'hex') AS reset_token
	FROM user_ WHERE organization = $1 AND (totp_secret IS NOT NULL OR totp_reset_token IS NOT NULL)`

const opaqueKeyRows = `SELECT uuid_send(u.user_id) AS person, uuid_send(k.opaque_key_id) AS id, k.opaque_key AS sealed, k.failed_attempts AS failures, us(k.last_failed_attempt) AS failed_on
	FROM totp_opaque_key k JOIN user_ u ON u._id = k.user_ WHERE u.organization = $1`

// enrollmentRows have chains as lists of texts in base 64, the certificate itself not among them.
const enrollmentRows = `SELECT uuid_send(e.enrollment_id) AS id, e.submit_payload_requested_human_handle_email AS email,
	array_position(ARRAY['SUBMITTED', 'ACCEPTED', 'REJECTED', 'CANCELLED'], e.state::text) AS state, us(e.submitted_on) AS submitted_on,
	us(coalesce(e.accepted_on, e.rejected_on, e.cancelled_on)) AS decided_on, array_position(ARRAY['PKI', 'OPENBAO'], e.submit_payload_signature_type::text) AS identity,
	e.submit_payload, coalesce(e.submit_payload_signature_pki_signature, convert_to(e.submit_payload_signature_openbao_signature, 'UTF8')) AS submit_signature,
	coalesce(s.der_content, convert_to(e.submit_payload_signature_openbao_author_entity_id, 'UTF8')) AS submit_signer,
	chain(e.submit_payload_signature_pki_author_x509_certificate) AS submit_chain,
	e.accept_payload, coalesce(e.accept_payload_signature_pki_signature, convert_to(e.accept_payload_signature_openbao_signature, 'UTF8')) AS accept_signature,
	coalesce(a.der_content, convert_to(e.accept_payload_signature_openbao_author_entity_id, 'UTF8')) AS accept_signer,
	CASE WHEN e.accept_payload IS NOT NULL THEN chain(e.accept_payload_signature_pki_author_x509_certificate) END AS accept_chain
	FROM async_enrollment e LEFT JOIN pki_x509_certificate s ON s.sha256_fingerprint = e.submit_payload_signature_pki_author_x509_certificate
	LEFT JOIN pki_x509_certificate a ON a.sha256_fingerprint = e.accept_payload_signature_pki_author_x509_certificate WHERE e.organization = $1`

const recoveryRows = `SELECT uuid_send(u.user_id) AS person, us(s.created_on) AS set_up_on, s.threshold, decode(s.reveal_token, 'hex') AS reveal_token,
	CASE WHEN s.deleted_on IS NULL THEN s.ciphered_data END AS data, us(s.deleted_on) AS deleted_on
	FROM shamir_recovery_setup s JOIN user_ u ON u._id = s.user_ WHERE s.organization = $1`

const shareRows = `SELECT uuid_send(u.user_id) AS person, us(s.created_on) AS set_up_on, uuid_send(r.user_id) AS recipient, h.shares
	FROM shamir_recovery_share h JOIN shamir_recovery_setup s ON s._id = h.shamir_recovery JOIN user_ u ON u._id = s.user_ JOIN user_ r ON r._id = h.recipient
	WHERE h.organization = $1`
