"""What every contestant works on, made once and read by all: the two sessions, the keys drawn at random, the messages, and
tokens of each algorithm. The same seed gives the same sessions, keys and messages.

    payloads.py <folder> <how many tokens of each algorithm>
"""

import base64
import json
import random
import sys
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

SEED = 7
KEYS = 65_536
ISSUER, AUDIENCE = "https://id.example.com", "shop"
ALGORITHMS = ["EdDSA", "ES256", "ES384", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "HS256"]
WORDS = "amber birch cedar delta ember fjord grove heron inlet jetty knoll larch maple north oasis pearl quill ridge".split()


def main():
    folder, tokens = Path(sys.argv[1]), int(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(SEED)
    payloads = {
        "small": session(chance, 8, 512),
        "large": session(chance, 20, 4096),
        "changed": "visits",
        "read": ["email", "name", "visits"],
        "keys": [chance.randrange(2**31) for _ in range(KEYS)],
        "step": {"operation": "GET", "sessionType": "LOCAL", "fields": ["email", "cart", "total"]},
        "put": {"email": "ada@example.com", "cart": ["tea", "honey", 2], "total": 12.5},
        "messages": {str(size): message(chance, size) for size in (512, 2048, 16384)},
    }
    (folder / "payloads.json").write_text(text_of(payloads))
    # C reads no JSON.
    (folder / "put.json").write_text(json.dumps(payloads["put"], separators=(",", ":")))
    (folder / "step.json").write_text(json.dumps(payloads["step"], separators=(",", ":")))
    for size, text in payloads["messages"].items():
        (folder / f"message-{size}.json").write_text(text)
    (folder / "tokens.json").write_text(json.dumps({name: signed(name, tokens) for name in ALGORITHMS}))


def text_of(value):
    return json.dumps(value, separators=(",", ":"))


def words(chance, length):
    """Text of exactly that many characters."""
    text = ""
    while len(text) < length:
        text += chance.choice(WORDS) + " "
    return text[:length]


def session(chance, fields, size):
    """A session of so many fields whose JSON has so many bytes. `visits`, a number, is the one that changes."""
    made = {
        "userId": "u-48213", "email": "ada@example.com", "name": "Ada Lovelace", "visits": 1041,
        "cart": [{"sku": "tea-02", "count": 2}, {"sku": "honey-1", "count": 1}], "csrf": "%032x" % chance.getrandbits(128),
    }
    while len(made) < fields - 1:
        made[f"field{len(made):02}"] = words(chance, (size - 300) // (fields - 6))
    made["note"] = ""
    made["note"] = words(chance, size - len(text_of(made)))
    assert len(made) == fields and len(text_of(made)) == size, (len(made), len(text_of(made)))
    return made


def message(chance, size):
    """A message of that many bytes: it has a `total` that GET replaces, and neither of the other two members."""
    items = []
    made = {"id": 7, "total": 0.5, "items": items, "note": ""}
    while len(text_of(made)) < size - 120:
        items.append({"sku": words(chance, 8).strip(), "count": chance.randrange(9), "price": chance.randrange(9999) / 100, "tags": [True, None]})
    made["note"] = words(chance, size - len(text_of(made)))
    assert len(text_of(made)) == size
    return text_of(made)


def signed(algorithm, count):
    """A key and tokens under it: the JWK and PEM of what verifies them (the secret itself of a symmetric one)."""
    kind = algorithm[:2]
    now = int(time.time())
    known = {}
    if kind == "HS":
        private = bytes(range(64))
        known["secret"] = base64.b64encode(private).decode()
    else:
        private, to_jwk = {
            "Ed": lambda: (ed25519.Ed25519PrivateKey.generate(), OKPAlgorithm.to_jwk),
            "ES": lambda: (ec.generate_private_key({"256": ec.SECP256R1(), "384": ec.SECP384R1()}[algorithm[2:]]), ECAlgorithm.to_jwk),
            "RS": lambda: (rsa.generate_private_key(65537, 2048), RSAAlgorithm.to_jwk),
            "PS": lambda: (rsa.generate_private_key(65537, 2048), RSAAlgorithm.to_jwk),
        }[kind]()
        public = private.public_key()
        named = json.loads(to_jwk(public))
        known["jwk"] = {name: named[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in named} | {"kid": "k1", "alg": algorithm}
        format = serialization.PublicFormat.SubjectPublicKeyInfo
        known["pem"] = public.public_bytes(serialization.Encoding.PEM, format).decode()

    def claims(number):
        times = {"iat": now, "exp": now + 86_000}
        return {"iss": ISSUER, "aud": AUDIENCE, "sub": f"u{number}", "jti": f"{number:08}", **times, "name": "Ada Lovelace", "roles": ["a", "b"]}

    known["tokens"] = [jwt.encode(claims(number), private, algorithm, {"kid": "k1"}) for number in range(count)]
    return {"issuer": ISSUER, "audience": AUDIENCE, **known}


if __name__ == "__main__":
    main()
