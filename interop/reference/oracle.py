"""Answers questions with the reference implementation of workspaces: one JSON object per line in, one out.

What it reads it writes again, so that the asker can compare; what it is asked to make, it draws from a seed.
"""

import json

SIGNED = {
    c.lower(): getattr(p, f"{n}Certificate")
    for n in (
        "User", "Device", "RevokedUser", "UserUpdate", "RealmRole", "RealmKeyRotation", "RealmName", "RealmArchiving",
        "SequesterAuthority", "ShamirRecoveryBrief", "ShamirRecoveryShare", "ShamirRecoveryDeletion",
    )
    for c in ["".join(f"_{x}" if x.isupper() else x for x in n)[1:] + "_certificate"]
}
SERVICES = {
    "sequester_service_certificate": p.SequesterServiceCertificate,
    "sequester_revoked_service_certificate": p.SequesterRevokedServiceCertificate,
}
MANIFESTS = {"file_manifest": p.FileManifest, "folder_manifest": p.FolderManifest, "user_manifest": p.UserManifest}
PAYLOADS = {
    "async_enrollment_submit_payload": p.AsyncEnrollmentSubmitPayload,
    "async_enrollment_accept_payload": p.AsyncEnrollmentAcceptPayload,
}
ADDRESSES = {
    "server address": p.ParsecAddr,
    "organization address": p.ParsecOrganizationAddr,
    "bootstrap address": p.ParsecOrganizationBootstrapAddr,
    "invitation address": p.ParsecInvitationAddr,
    "path address": p.ParsecWorkspacePathAddr,
    "PKI enrolment address": p.ParsecPkiEnrollmentAddr,
    "TOTP reset address": p.ParsecTOTPResetAddr,
}
TEXTS = {
    "organization id": lambda s: p.OrganizationID(s).str,
    "device label": lambda s: p.DeviceLabel(s).str,
    "e-mail address": lambda s: p.EmailAddress(s).str,
    "human label": lambda s: p.HumanHandle(p.EmailAddress("a@b"), s).label,
    "entry name": lambda s: p.EntryName(s).str,
    "validation code": lambda s: p.ValidationCode(s).str,
    "date and time": lambda s: p.DateTime.from_rfc3339(s).to_rfc3339(),
    "profile": lambda s: p.UserProfile.from_str(s).str,
    "role": lambda s: p.RealmRole.from_str(s).str,
    "user id": lambda s: p.UserID.from_hex(s).hex,
    "device id": lambda s: p.DeviceID.from_hex(s).hex,
    "realm or vlob id": lambda s: p.VlobID.from_hex(s).hex,
    "block id": lambda s: p.BlockID.from_hex(s).hex,
    "sequester service id": lambda s: p.SequesterServiceID.from_hex(s).hex,
    "enrolment id": lambda s: p.AsyncEnrollmentID.from_hex(s).hex,
    "greeting attempt id": lambda s: p.GreetingAttemptID.from_hex(s).hex,
    "TOTP key id": lambda s: p.TOTPOpaqueKeyID.from_hex(s).hex,
    "access token": lambda s: p.AccessToken.from_hex(s).hex,
}

(RSA_PRIVATE, RSA_PUBLIC), (PSS_SIGNING, PSS_VERIFY) = (
    c.generate_pair(2048) for c in (p.SequesterPrivateKeyDer, p.SequesterSigningKeyDer)
)
RSA, X509 = RSA_PUBLIC.dump(), b""


class Question:
    """One line. Fields are decoded where they are used."""

    def __init__(self, fields):
        self.fields = fields

    def text(self, name="data"):
        return self.fields[name]

    def bytes(self, name="data"):
        return bytes.fromhex(self.fields[name])

    def author(self):
        return p.DeviceID.from_hex(self.fields["author"]) if self.fields["author"] else None

    def signing(self):
        return p.SigningKey(self.bytes("key"))

    def secret(self):
        return p.SecretKey(self.bytes("key"))

    def maker(self, **more):
        return Maker(self.fields["seed"], **more)


def facts(o, **more):
    """What a reader must know to read an object."""
    for name in ("author", "id"):
        if (value := getattr(o, name, None)) is not None:
            more[name] = value.hex
    if (at := getattr(o, "timestamp", None)) is not None:
        more["timestamp"] = at.as_timestamp_micros()
    return more | {"version": getattr(o, "version", 0)}


def read_certificate(q):
    args = [q.bytes(), q.signing().verify_key]
    if q.text("kind") != "sequester_authority_certificate":
        args.append(q.author())
    if q.text("kind") == "shamir_recovery_share_certificate":
        args.append(None)
    return {"out": SIGNED[q.text("kind")].verify_and_load(*args).dump_and_sign(q.signing()).hex()}


def make_certificate(q):
    cls, maker = SIGNED[q.text("kind")], q.maker()
    made = maker.attempt(lambda: maker.construct(cls, COMMON[cls.__name__]))
    return facts(made, out=made.dump_and_sign(q.signing()).hex())


def read_service(q):
    key = p.SequesterVerifyKeyDer(q.bytes("key"))
    return {"out": SERVICES[q.text("kind")].load(key.verify(q.bytes())).dump().hex()}


def make_service(q):
    cls, maker = SERVICES[q.text("kind")], q.maker()
    made = maker.attempt(lambda: maker.construct(cls, COMMON[cls.__name__]))
    return {"out": PSS_SIGNING.sign(made.dump()).hex()}


def read_manifest(q):
    load = p.child_manifest_decrypt_verify_and_load
    if q.text("kind") == "user_manifest":
        load = p.UserManifest.decrypt_verify_and_load
    signing, key = q.signing(), p.SecretKey(q.bytes("key"))
    at = p.DateTime.from_timestamp_micros(q.fields["timestamp"])
    id = p.VlobID.from_hex(q.text("id"))
    read = load(q.bytes(), key, signing.verify_key, q.author(), at, id, q.fields["version"])
    return {"out": read.dump_and_sign(signing).hex()}


def make_manifest(q):
    kind, maker = q.text("kind"), q.maker()
    cls = MANIFESTS["folder_manifest" if kind == "workspace_manifest" else kind]

    def make():
        m = maker.construct(cls, COMMON[cls.__name__])
        m = m.evolve(version=maker.number(32) or 1)
        if kind == "file_manifest":
            m = m.evolve(**blocks(maker))
        if kind == "workspace_manifest":
            m = m.evolve(parent=m.id)
        return m

    made = maker.attempt(make)
    return facts(made, out=made.dump_sign_and_encrypt(q.signing(), p.SecretKey(q.bytes("key"))).hex())


def blocks(maker):
    """Draws blocks that do not contradict each other."""
    blocksize = maker.random.choice((8, 512 << 10, 1 << 30, maker.random.randint(8, 1 << 40)))
    size, made = 0, []
    for span in sorted(maker.random.sample(range(8), maker.random.randint(0, 4))):
        start = maker.random.randint(0, blocksize - 1)
        length = maker.random.randint(1, blocksize - start)
        made.append(p.BlockAccess(maker.object("BlockID"), span * blocksize + start, length, maker.object("HashDigest")))
        size = span * blocksize + start + length
    return {"blocksize": blocksize, "size": size + maker.random.randint(0, 9), "blocks": tuple(made)}


def read_payload(q):
    return {"out": PAYLOADS[q.text("kind")].load(q.bytes()).dump().hex()}


def make_payload(q):
    cls, maker = PAYLOADS[q.text("kind")], q.maker()
    return {"out": maker.attempt(lambda: maker.construct(cls, COMMON[cls.__name__])).dump().hex()}


def read_address(q):
    return {"out": ADDRESSES[q.text("kind")].from_url(q.text(), allow_http_redirection=True).to_url()}


def make_address(q):
    cls, maker = ADDRESSES[q.text("kind")], q.maker()
    made = maker.attempt(lambda: maker.construct(cls, COMMON[cls.__name__]))
    return {"out": made.to_http_redirection_url() if maker.random.random() < 0.3 else made.to_url(), "text": made.to_url()}


def read_text(q):
    return {"out": TEXTS[q.text("kind")](q.text())}


def make_text(q):
    maker = q.maker()
    kind = q.text("kind")
    classes = {
        "organization id": "OrganizationID", "device label": "DeviceLabel", "e-mail address": "EmailAddress", "entry name": "EntryName",
        "validation code": "ValidationCode", "profile": "UserProfile", "role": "RealmRole",
    }
    ids = {
        "user id": p.UserID, "device id": p.DeviceID, "realm or vlob id": p.VlobID, "block id": p.BlockID, "access token": p.AccessToken,
        "sequester service id": p.SequesterServiceID, "enrolment id": p.AsyncEnrollmentID, "greeting attempt id": p.GreetingAttemptID,
        "TOTP key id": p.TOTPOpaqueKeyID,
    }
    if kind in classes:
        return {"out": maker.attempt(lambda: maker.object(classes[kind])).str}
    if kind in ids:
        id = ids[kind].from_bytes(maker.bytes(16))
        return {"out": maker.random.choice((id.hex, getattr(id, "hyphenated", id.hex), id.hex.upper()))}
    if kind == "human label":
        return {"out": maker.attempt(lambda: maker.object("HumanHandle")).label}
    return {"out": maker.time().to_rfc3339()}


def command(q):
    family, name = q.text("kind").split(" ")[:2]
    return getattr(getattr(p, family).latest, name), COMMANDS[family, name]


def read_request(q):
    family = q.text("kind").split(" ")[0]
    return {"out": getattr(p, family).latest.AnyCmdReq.load(q.bytes()).dump().hex()}


def read_reply(q):
    module, _ = command(q)
    read = module.Rep.load(q.bytes())
    if isinstance(read, module.RepUnknownStatus):  # which is not written
        reason = "nothing" if read.reason is None else read.reason.encode().hex()
        return {"text": f"unknown status {read.status.encode().hex()}: {reason}"}
    return {"out": read.dump().hex()}


def make_command(q):
    module, scope = command(q)
    maker = q.maker(scope=scope, module=module)
    name = q.text("class")
    made = maker.attempt(lambda: maker.construct(getattr(module, name), scope[name]))
    return {"out": made.dump().hex()}


def list_commands(q):
    """Names every class of every command: requests and replies."""
    return {"list": [{"family": f, "name": n, "classes": [c for c in scope if c == "Req" or c.startswith("Rep") and c not in ("Rep", "RepUnknownStatus")]} for (f, n), scope in COMMANDS.items()]}


# Primitives: what one side made with a key, the other opens with it.
def verify(q):
    return {"out": p.VerifyKey(q.bytes("key")).verify(q.bytes()).hex()}


def verify_key(q):
    return {"out": q.signing().verify_key.encode().hex()}


def sign(q):
    return {"out": q.signing().sign(q.bytes()).hex()}


def secretbox_open(q):
    return {"out": q.secret().decrypt(q.bytes()).hex()}


def secretbox_seal(q):
    return {"out": q.secret().encrypt(q.bytes()).hex()}


def mac(q):
    return {"out": q.secret().mac_512(q.bytes()).hex()}


def public_key(q):
    return {"out": p.PrivateKey(q.bytes("key")).public_key.encode().hex()}


def sealedbox_open(q):
    return {"out": p.PrivateKey(q.bytes("key")).decrypt_from_self(q.bytes()).hex()}


def sealedbox_seal(q):
    return {"out": p.PublicKey(q.bytes("key")).encrypt_for_self(q.bytes()).hex()}


def sequester_seal(q):
    return {"out": p.SequesterPublicKeyDer(q.bytes("key")).encrypt(q.bytes()).hex()}


def sequester_open(q):
    return {"out": RSA_PRIVATE.decrypt(q.bytes()).hex()}


def sequester_sign(q):
    return {"out": PSS_SIGNING.sign(q.bytes()).hex()}


def sequester_verify(q):
    return {"out": p.SequesterVerifyKeyDer(q.bytes("key")).verify(q.bytes()).hex()}


def sequester_key(q):
    return {"out": p.SequesterPublicKeyDer(q.bytes()).dump().hex()}


def sequester_keys(q):
    private = f"{RSA_PRIVATE.dump().hex()} {PSS_SIGNING.dump().hex()}"
    return {"out": RSA_PUBLIC.dump().hex(), "key": PSS_VERIFY.dump().hex(), "text": private}


def digest(q):
    return {"out": p.HashDigest.from_data(q.bytes()).digest.hex()}


def passphrase_key(q):
    return {"out": p.SecretKey.from_recovery_passphrase(q.text()).secret.hex()}


def passphrase_new(q):
    text, key = p.SecretKey.generate_recovery_passphrase()
    return {"out": key.secret.hex(), "text": text}


def main():
    for line in sys.stdin:
        fields = json.loads(line)
        try:
            answer = globals()[fields["op"]](Question(fields))
        except (ValueError, OverflowError, p.CryptoError) as e:
            answer = {"error": f"{type(e).__name__}: {e}"}
        except p.PanicException as e:
            answer = {"error": f"it panics: {e}", "panic": True}
        print(json.dumps(answer), flush=True)


main()
