"""Makes random objects with the constructors of the reference, as its own type declarations describe them."""

import ast
import pathlib
import random
import sys

from parsec import _parsec as p

FIRST, LAST = -8334601228800000000, 8210266876799999999  # microseconds: the calendar of the reference
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-éßÅ日本語ᚠ"


def declarations():
    """The directory of the declarations, which are installed beside the module."""
    for root in sys.path:
        found = pathlib.Path(root) / "parsec" / "_parsec_pyi"
        if found.is_dir():
            return found
    raise SystemExit("the declarations of parsec._parsec are not installed")


def classes(path):
    return {c.name: c for c in ast.parse(path.read_text()).body if isinstance(c, ast.ClassDef)}


PYI = declarations()
COMMON = {}
for path in sorted(PYI.glob("*.pyi")):
    COMMON |= classes(path)
COMMANDS = {
    (path.parts[-3], path.stem): classes(path) for path in sorted((PYI / "protocol").glob("*/v*/*.pyi")) if path.stem != "__init__"
}
# What the declarations say of these is not what the module has.
PARAMETERS = {"BlockAccess": ("id", "offset", "size", "digest")}


class Maker:
    def __init__(self, seed, scope=None, module=p):
        self.random = random.Random(seed)
        self.scope = scope or {}
        self.module = module

    def word(self, least=1, most=24):
        return "".join(self.random.choice(LETTERS) for _ in range(self.random.randint(least, most)))

    def ascii(self, most=12):
        return "".join(self.random.choice(LETTERS[:62]) for _ in range(self.random.randint(1, most)))

    def bytes(self, size=None):
        return self.random.randbytes(self.random.randint(0, 60) if size is None else size)

    def time(self):
        if self.random.random() < 0.1:
            return p.DateTime.from_timestamp_micros(self.random.choice((FIRST, LAST, 0, -1)))
        return p.DateTime.from_timestamp_micros(self.random.randint(FIRST, LAST))

    def email(self):
        local = self.random.choice((self.ascii(), f"{self.ascii()}.{self.ascii()}", f'"{self.ascii()} x"', f" {self.ascii()}"))
        return p.EmailAddress(f"{local}@{self.random.choice((self.ascii(), self.ascii() + '.org', '[127.0.0.1]'))}")

    def signing(self):
        return p.SigningKey(self.bytes(32))

    def special(self, name):
        """Makes what has no constructor to be called with drawn parameters, or rules for them."""
        known = {
            "DateTime": self.time,
            "EmailAddress": self.email,
            "OrganizationID": lambda: p.OrganizationID(self.word(1, 8)),
            "DeviceLabel": lambda: p.DeviceLabel(self.word() + self.random.choice(("", " ", "\n", "/"))),
            "EntryName": lambda: p.EntryName(self.word() + self.random.choice(("", ".txt", " "))),
            "HumanHandle": lambda: p.HumanHandle(self.email(), self.word()),
            "SecretKey": lambda: p.SecretKey(self.bytes(32)),
            "PublicKey": lambda: p.PublicKey(self.bytes(32)),
            "VerifyKey": lambda: self.signing().verify_key,
            "HashDigest": lambda: p.HashDigest.from_data(self.bytes()),
            "SequesterVerifyKeyDer": lambda: p.SequesterVerifyKeyDer(RSA),
            "SequesterPublicKeyDer": lambda: p.SequesterPublicKeyDer(RSA),
            "X509Certificate": lambda: p.X509Certificate.load_der(X509),
            "ValidationCode": p.ValidationCode.generate,
            "ActiveUsersLimit": lambda: p.ActiveUsersLimit.from_maybe_int(self.random.choice((None, 0, 7, 2**40))),
            "RealmArchivingConfiguration": self.archiving,
            "PrivateKeyAlgorithm": lambda: p.PrivateKeyAlgorithm.X25519_XSALSA20_POLY1305,
            "SigningKeyAlgorithm": lambda: p.SigningKeyAlgorithm.ED25519,
            "SecretKeyAlgorithm": lambda: p.SecretKeyAlgorithm.BLAKE2B_XSALSA20_POLY1305,
            "HashAlgorithm": lambda: p.HashAlgorithm.SHA256,
            "PkiSignatureAlgorithm": lambda: p.PkiSignatureAlgorithm.RSASSA_PSS_SHA256,
            "UntrustedPasswordAlgorithm": lambda: p.UntrustedPasswordAlgorithmArgon2id(
                self.number(32), self.number(32), self.number(32)
            ),
        }
        return known.get(name)

    def archiving(self):
        c = p.RealmArchivingConfiguration
        return self.random.choice((lambda: c.AVAILABLE, lambda: c.ARCHIVED, lambda: c.deletion_planned(self.time())))()

    def number(self, bits=64):
        return self.random.getrandbits(min(bits, self.random.choice((3, 6, 8, 16, 31, 32, 63, 64))))

    def parameter(self, name, annotation):
        """Makes a parameter: some have a meaning that their type does not tell."""
        if name == "hostname":
            return self.random.choice((self.ascii().lower() + ".org", "127.0.0.1", "[::1]", "localhost"))
        if name == "port":
            return self.random.choice((None, self.random.randint(1, 65535)))
        if name == "threshold":
            return self.random.randint(1, 3)
        if name == "per_recipient_shares":
            return {self.object("UserID"): self.random.randint(1, 60) for _ in range(self.random.randint(3, 4))}
        return self.value(annotation)

    def value(self, a):
        match a:
            case ast.Constant():
                return a.value
            case ast.BinOp():
                return self.value(self.random.choice((a.left, a.right)))
            case ast.Subscript():
                return self.collection(a)
            case ast.Attribute():
                return self.object(a.attr)
            case ast.Name(id="int"):
                return self.number()
            case ast.Name(id="float"):
                return self.random.choice((0.0, self.random.uniform(-1e9, 1e9)))
            case ast.Name(id="str"):
                return self.word(0)
            case ast.Name(id="bytes"):
                return self.bytes()
            case ast.Name(id="bool"):
                return self.random.random() < 0.5
            case ast.Name():
                return self.object(a.id)
        raise ValueError(ast.dump(a))

    def collection(self, a):
        parts = a.slice.elts if isinstance(a.slice, ast.Tuple) else [a.slice]
        size = range(self.random.randint(0, 4))
        match a.value.id:
            case "dict":
                return {self.value(parts[0]): self.value(parts[1]) for _ in size}
            case "set":
                return {self.value(parts[0]) for _ in size}
            case "list":
                return [self.value(parts[0]) for _ in size]
            case "tuple" if isinstance(parts[-1], ast.Constant):  # of any length
                return tuple(self.value(parts[0]) for _ in size)
            case "tuple":
                return tuple(self.value(part) for part in parts)
        raise ValueError(a.value.id)

    def object(self, name):
        if made := self.special(name):
            return made()
        if name in self.scope:
            return self.scoped(name)
        cls = getattr(p, name)
        if hasattr(cls, "VALUES"):
            return self.random.choice(cls.VALUES)
        if hasattr(cls, "from_bytes"):
            return cls.from_bytes(self.bytes(16))
        return self.construct(cls, COMMON[name])

    def scoped(self, name):
        """Makes an object of a command's own class, or of one of its variants."""
        cls = getattr(self.module, name)
        if hasattr(cls, "VALUES"):
            return self.random.choice(cls.VALUES)
        variants = [c.name for c in self.scope.values() if any(isinstance(b, ast.Name) and b.id == name for b in c.bases)]
        if variants:
            return self.scoped(self.random.choice(variants))
        return self.construct(cls, self.scope[name])

    def construct(self, cls, declared):
        init = next((f for f in declared.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"), None)
        parameters = init.args.args[1:] if init else []
        names = PARAMETERS.get(declared.name)
        return cls(**{a.arg: self.parameter(a.arg, a.annotation) for a in parameters if names is None or a.arg in names})

    def attempt(self, make):
        """Repeats until the constructors take what was drawn."""
        for _ in range(400):
            try:
                return make()
            except (ValueError, OverflowError, TypeError):
                pass
        raise SystemExit(f"400 drawn objects were refused by their constructors: {make}")
