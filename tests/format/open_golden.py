#!/usr/bin/env python3
"""Opens the golden records with nothing but docs/format.md and the package `cryptography`.

    python3 tests/format/open_golden.py [core/src/vault/golden.json]

Every sealed cell is opened, every blind id and touch computed again, and compared with what the file says they hold.
The exit code is 1 if anything differs. It shares no code with the library.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ROOT = pathlib.Path(__file__).resolve().parents[2]
FORMAT = 1


# --- primitives ------------------------------------------------------------------------------------------------------


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """The subkey of XChaCha20: draft-irtf-cfrg-xchacha-03, section 2.2."""

    def rotate(value, bits):
        return ((value << bits) | (value >> (32 - bits))) & 0xFFFFFFFF

    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def quarter(a, b, c, d):
        for x, y, z, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = (state[x] + state[y]) & 0xFFFFFFFF
            state[z] = rotate(state[z] ^ state[x], bits)

    for _ in range(10):
        for column in range(4):
            quarter(column, column + 4, column + 8, column + 12)
        for column in range(4):
            quarter(column, (column + 1) % 4 + 4, (column + 2) % 4 + 8, (column + 3) % 4 + 12)
    return struct.pack("<8I", *state[:4], *state[12:])


def open_xchacha(key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
    subkey = hchacha20(key, nonce[:16])
    return ChaCha20Poly1305(subkey).decrypt(bytes(4) + nonce[16:], sealed, associated)


def mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


# --- docs/format.md --------------------------------------------------------------------------------------------------


def part(data: bytes) -> bytes:
    if len(data) < 0xFFFF:
        return struct.pack(">H", len(data)) + data
    return b"\xff\xff" + struct.pack(">Q", len(data)) + data


def take_part(data: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack_from(">H", data)
    start = 2
    if length == 0xFFFF:
        (length,) = struct.unpack_from(">Q", data, 2)
        start = 10
        check("a long part is long", length >= 0xFFFF)
    check("a part is whole", start + length <= len(data))
    return data[start : start + length], data[start + length :]


def padded(length: int) -> int:
    if length <= 32:
        return 32
    exponent = length.bit_length() - 1
    step = 1 << (exponent - exponent.bit_length())
    return -(-length // step) * step


class Place:
    """A namespace, or a config in it: where keys are derived for."""

    def __init__(self, file: dict, tag: str = "", config: bytes = bytes(16)):
        space = file["namespace"]
        self.names = [space["workspace"], space["product"], space["env"], tag]
        self.config = config

        def key(text):
            raw = base64.urlsafe_b64decode(text + "=")
            check("a key has 32 bytes", len(raw) == 32)
            return raw

        self.data = {entry["id"]: (key(entry["key"]), entry["state"]) for entry in file["keyring"]["data"]}
        self.index = key(file["keyring"]["index"]["key"])

    def derive(self, key: bytes, purpose: str) -> bytes:
        info = b"".join(part(text.encode()) for text in ["sessile/1", purpose, *self.names]) + part(self.config)
        return HKDF(SHA256(), 32, salt=None, info=info).derive(key)

    def blind(self, purpose: str, *parts: bytes) -> bytes:
        return mac(self.derive(self.index, purpose), b"".join(part(one) for one in parts))[:16]

    def open(
        self, purpose: str, place: bytes, clear: int, cell: bytes, entropy: bytes, user: "User | None" = None
    ) -> tuple[bytes, bytes]:
        """The clear part and the plain text."""
        (key_id,) = struct.unpack_from(">I", cell, 1)
        data_key, state = self.data[key_id]
        check("the primary sealed it", state == "primary")
        key = self.derive(data_key, purpose)
        if user:
            key = user.mixed(key + user.secret, purpose)
        return unseal(key, self.derive(data_key, "nonce"), purpose, place, clear, cell, entropy)


class User:
    """A user's own secret under a config that shreds, and what is derived from it."""

    def __init__(self, space: bytes, user: bytes, secret: bytes):
        self.space, self.user, self.secret = space, user, secret

    def mixed(self, key: bytes, purpose: str) -> bytes:
        info = b"".join(part(one) for one in [b"sessile/1", purpose.encode(), self.space, self.user])
        return HKDF(SHA256(), 32, salt=None, info=info).derive(key)

    def open_box(self, cell: bytes, entropy: bytes):
        same("the box's key id", cell[1:5], self.mixed(self.secret, "person id")[:4])
        key, nonces = self.mixed(self.secret, "person"), self.mixed(self.secret, "person nonce")
        return read_identity(unseal(key, nonces, "person", self.user, 0, cell, entropy)[1])


def unseal(
    key: bytes, nonces: bytes, purpose: str, place: bytes, clear: int, cell: bytes, entropy: bytes
) -> tuple[bytes, bytes]:
    """The clear part and the plain text of a cell."""
    check("format", cell[0] == FORMAT)
    in_clear, nonce, sealed = cell[5 : 5 + clear], cell[5 + clear : 29 + clear], cell[29 + clear :]
    associated = part(purpose.encode()) + cell[:5] + place + in_clear
    body = open_xchacha(key, nonce, sealed, associated)
    (length,) = struct.unpack_from(">I", body)
    check("padded length", len(body) == padded(4 + length))
    check("padding", not any(body[4 + length :]))
    # Whoever opens need not check the nonce; the file fixes it.
    expected = mac(nonces, entropy + associated + body)[:24]
    check("nonce", nonce == expected)
    return in_clear, body[4 : 4 + length]


def identifier_bytes(value) -> bytes:
    if isinstance(value, bool):
        return b"b" + bytes([value])
    if isinstance(value, int):
        return b"i" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"n" + struct.pack(">d", value + 0.0)
    return b"s" + value.encode()


def read_identity(data: bytes):
    realm, rest = take_part(data)
    kind, value = rest[:1], rest[1:]
    if kind == b"s":
        identifier = value.decode()
    elif kind == b"i":
        (identifier,) = struct.unpack(">q", value)
    elif kind == b"n":
        (identifier,) = struct.unpack(">d", value)
    else:
        check("an identifier's type", kind == b"b" and value in (b"\0", b"\1"))
        identifier = value == b"\1"
    return realm.decode(), identifier


def read_head(plain: bytes, box: bytes = b"") -> dict:
    """`box`: the user id and the box that stand in the place of realm and identifier."""
    fixed = struct.Struct(">16sBqqqqIQqB")
    life, state, not_before, began, ends, idle, version, counter, refreshed, kind = fixed.unpack_from(plain)
    owner = {}
    if box:
        check("the owner is in a box", kind == 1 and plain[fixed.size :] == box)
    else:
        check("the owner is in the clear", kind == 0)
        owner["realm"], owner["identifier"] = read_identity(plain[fixed.size :])
    return owner | {
        "life": life.hex(),
        "state": ["alive", "ended", "revoked", "evicted"][state],
        "notBefore": not_before or None,
        "began": began,
        "ends": ends or None,
        "idle": idle or None,
        "configVersion": version,
        "refreshCounter": counter,
        "refreshTime": refreshed or None,
    }


# --- the file --------------------------------------------------------------------------------------------------------


class Mismatch(Exception):
    pass


checks = 0


def check(what: str, good: bool) -> None:
    global checks
    checks += 1
    if not good:
        raise Mismatch(what)


def same(what: str, found, expected) -> None:
    # Types count: 1, 1.0 and True are three identifiers.
    check(f"{what}: {found!r} found, {expected!r} expected", (type(found), found) == (type(expected), expected))


def run(file: dict) -> None:
    same("format", file["format"], FORMAT)
    same("keyring's format", file["keyring"]["format"], 1)
    raw = bytes.fromhex
    namespace = Place(file)
    config = Place(file, file["config"]["tag"], raw(file["config"]["id"]))
    entropy = bytes([file["entropy"]]) * 32

    same("space", config.blind("space").hex(), file["space"])

    for case in file["users"]:
        blind = config.blind("user", case["realm"].encode(), identifier_bytes(case["identifier"]))
        same("user", blind.hex(), case["blind"])
        _, plain = config.open("user", blind, 0, raw(case["sealed"]), entropy)
        begun, until, counted = 0, 0, plain[0] == 2
        if counted:
            first_seen, last_end, begun, until = struct.unpack_from(">qqQq", plain, 1)
        else:
            first_seen, last_end = struct.unpack_from(">qq", plain)
        realm, identifier = read_identity(plain[33 if counted else 16 :])
        same("user's realm", realm, case["realm"])
        same("user's identifier", identifier, case["identifier"])
        same("user's first seen", first_seen, case["firstSeen"])
        same("user's last end", last_end or None, case["lastEnd"])
        same("user's sessions begun", begun, case.get("begun", 0))
        same("user's last session's end", until or None, case.get("until"))

    for case in file["standing"]:
        names = case["realm"].encode(), case["subject"].encode()
        user = config.blind("user", names[0], identifier_bytes(case["subject"]))
        same("standing session", (user[:1] + config.blind("standing", *names)).hex(), case["id"])
        same("identity MAC", namespace.blind("identity", *names).hex(), case["identityMac"])

    for case in file["heads"]:
        _, plain = config.open("head", raw(case["id"]), 0, raw(case["sealed"]), entropy)
        for member, value in read_head(plain).items():
            same(f"head's {member}", value, case[member])

    for case in file["fields"]:
        cell = config.blind("cell", raw(case["id"]), case["name"].encode())
        same("cell id", cell.hex(), case["cell"])
        clear, plain = config.open("field", raw(case["id"]) + raw(case["life"]) + cell, 24, raw(case["sealed"]), entropy)
        stamp, expires = struct.unpack(">16sq", clear)
        name, value = take_part(plain)
        same("field's stamp", stamp.hex(), case["stamp"])
        same("field's end", expires or None, case["expires"])
        same("field's name", name.decode(), case["name"])
        same("field's value", value.decode(), case["value"])

    same("secret space", config.blind("secrets").hex(), file["secretSpace"])
    for case in file["shredded"]:
        blind = config.blind("user", case["realm"].encode(), identifier_bytes(case["identifier"]))
        same("user", blind.hex(), case["blind"])
        _, secret = config.open("secret", blind, 0, raw(case["sealedSecret"]), entropy)
        same("user's secret", secret.hex(), case["secret"])
        user = User(raw(file["space"]), blind, secret)
        box = raw(case["box"])
        realm, identifier = user.open_box(box, entropy)
        same("box's realm", realm, case["realm"])
        same("box's identifier", identifier, case["identifier"])
        head = case["head"]
        _, plain = config.open("head", raw(head["id"]), 0, raw(head["sealed"]), entropy)
        for member, value in read_head(plain, blind + box).items():
            same(f"head's {member}", value, head[member])
        _, plain = config.open("user", blind, 0, raw(case["user"]["sealed"]), entropy)
        lead, first_seen, last_end, begun, until = struct.unpack_from(">BqqQq", plain)
        check("a user's record with a box", lead == 3 and plain[33:] == box)
        same("user's first seen", first_seen, case["user"]["firstSeen"])
        same("user's last end", last_end or None, case["user"]["lastEnd"])
        same("user's sessions begun", begun, case["user"]["begun"])
        same("user's last session's end", until or None, case["user"]["until"])
        field = case["field"]
        cell = config.blind("cell", raw(head["id"]), field["name"].encode())
        same("cell id", cell.hex(), field["cell"])
        place = raw(head["id"]) + raw(head["life"]) + cell
        clear, plain = config.open("field", place, 24, raw(field["sealed"]), entropy, user)
        name, value = take_part(plain)
        same("field's stamp", clear[:16].hex(), field["stamp"])
        same("field's name", name.decode(), field["name"])
        same("field's value", value.decode(), field["value"])

    for case in file["touches"]:
        time = struct.pack(">q", case["time"])
        touch = time + mac(config.derive(config.index, "touch"), raw(case["id"]) + raw(case["life"]) + time)[:16]
        same("touch", touch.hex(), case["touch"])

    names = [part(name.encode()) for name in ["sessile/meta", *namespace.names[:3]]]
    same("meta key", hashlib.sha256(b"".join(names)).digest()[:16].hex(), file["metaKey"])
    meta = bytes([FORMAT]) + namespace.derive(namespace.index, "check")[:16]
    for key_id, (key, _) in namespace.data.items():
        meta += struct.pack(">I", key_id) + namespace.derive(key, "check")[:16]
    same("meta record", meta.hex(), file["meta"])

    _, plain = namespace.open("checkpoint", b"", 0, raw(file["checkpoint"]["sealed"]), entropy)
    same("checkpoint", json.loads(plain), file["checkpoint"]["plain"])


def main() -> int:
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "core/src/vault/golden.json"
    try:
        run(json.loads(path.read_text(encoding="utf-8")))
    except (Mismatch, InvalidTag, KeyError, ValueError, struct.error) as error:
        print(f"{path}: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(f"{path}: {checks} checks passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
