"""Answers questions with the reference implementation of the workspaces' data (module parsec._parsec).

One JSON object per line in, one out. Whatever it is asked to read it writes again, so that the asker can compare.
"""

import json
import sys

from parsec import _parsec as p

CERTIFICATES = {
    "user_certificate": p.UserCertificate,
    "device_certificate": p.DeviceCertificate,
    "revoked_user_certificate": p.RevokedUserCertificate,
    "user_update_certificate": p.UserUpdateCertificate,
    "realm_role_certificate": p.RealmRoleCertificate,
    "realm_key_rotation_certificate": p.RealmKeyRotationCertificate,
    "realm_name_certificate": p.RealmNameCertificate,
    "realm_archiving_certificate": p.RealmArchivingCertificate,
    "sequester_authority_certificate": p.SequesterAuthorityCertificate,
    "shamir_recovery_brief_certificate": p.ShamirRecoveryBriefCertificate,
    "shamir_recovery_share_certificate": p.ShamirRecoveryShareCertificate,
    "shamir_recovery_deletion_certificate": p.ShamirRecoveryDeletionCertificate,
}
SERVICES = {
    "sequester_service_certificate": p.SequesterServiceCertificate,
    "sequester_revoked_service_certificate": p.SequesterRevokedServiceCertificate,
}
ADDRESSES = {
    "server": p.ParsecAddr,
    "organization": p.ParsecOrganizationAddr,
    "bootstrap": p.ParsecOrganizationBootstrapAddr,
    "invitation": p.ParsecInvitationAddr,
    "path": p.ParsecWorkspacePathAddr,
    "pki": p.ParsecPkiEnrollmentAddr,
    "totp_reset": p.ParsecTOTPResetAddr,
}
TEXTS = {
    "organization_id": p.OrganizationID,
    "device_label": p.DeviceLabel,
    "email": p.EmailAddress,
    "entry_name": p.EntryName,
}


def certificate(q):
    signing = p.SigningKey(bytes.fromhex(q["signing"]))
    signed = bytes.fromhex(q["data"])
    cls = CERTIFICATES[q["type"]]
    args = [signed, signing.verify_key]
    if q["type"] != "sequester_authority_certificate":
        args.append(p.DeviceID.from_bytes(bytes.fromhex(q["author"])) if q["author"] else None)
    if q["type"] == "shamir_recovery_share_certificate":
        args.append(None)
    return cls.verify_and_load(*args).dump_and_sign(signing).hex()


def service(q):
    return SERVICES[q["type"]].load(bytes.fromhex(q["data"])).dump().hex()


def manifest(q):
    signing = p.SigningKey(bytes.fromhex(q["signing"]))
    args = (
        signing.verify_key,
        p.DeviceID.from_bytes(bytes.fromhex(q["author"])),
        p.DateTime.from_timestamp_micros(q["timestamp"]),
    )
    signed = bytes.fromhex(q["data"])
    if q["type"] == "user_manifest":
        key = p.SecretKey(bytes(32))
        m = p.UserManifest.decrypt_verify_and_load(key.encrypt(signed), key, *args)
    else:
        m = p.child_manifest_verify_and_load(signed, *args)
    return m.dump_and_sign(signing).hex()


def address(q):
    return ADDRESSES[q["type"]].from_url(q["data"], allow_http_redirection=True).to_url()


def text(q):
    return TEXTS[q["type"]](q["data"]).str


def verify(q):
    return p.VerifyKey(bytes.fromhex(q["signing"])).verify(bytes.fromhex(q["data"])).hex()


def secretbox(q):
    return p.SecretKey(bytes.fromhex(q["signing"])).decrypt(bytes.fromhex(q["data"])).hex()


def sealedbox(q):
    return p.PrivateKey(bytes.fromhex(q["signing"])).decrypt_from_self(bytes.fromhex(q["data"])).hex()


OPS = {f.__name__: f for f in (certificate, service, manifest, address, text, verify, secretbox, sealedbox)}

for line in sys.stdin:
    question = json.loads(line)
    try:
        answer = {"out": OPS[question["op"]](question)}
    except (ValueError, p.CryptoError) as e:
        answer = {"error": str(e) or "refused"}
    print(json.dumps(answer), flush=True)
