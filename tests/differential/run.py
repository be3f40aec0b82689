"""Tokens made by chance, read by sessile, PyJWT and jose (npm): sessile never accepts what both of them refuse.

Every token is a good one with up to two changes. Where the three don't agree on one change, `differences.json` has it with
its reason; a difference that is not there fails, and so does one that is there and no longer shows.

    build/venv/bin/python tests/differential/run.py [--tokens 2000] [--seed N] [--write]
"""

import argparse
import base64
import collections
import json
import pathlib
import random
import subprocess
import sys

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
NODE = ROOT / "build" / "differential"
NOW = 1767225600
ISSUER, AUDIENCE = "https://id.example.com", "shop"
ALGORITHMS = ["ES256", "EdDSA", "RS256", "PS256"]


def b64(data):
    return base64.urlsafe_b64encode(data.encode() if isinstance(data, str) else data).rstrip(b"=").decode()


def number(value, size=None):
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


EC, ED, RSA = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)
OTHER = ed25519.Ed25519PrivateKey.generate()


def jwks():
    point, numbers = EC.public_key().public_numbers(), RSA.public_key().public_numbers()
    modulus = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), "use": "sig"}
    return [
        {"kty": "EC", "crv": "P-256", "x": number(point.x, 32), "y": number(point.y, 32), "kid": "ES256", "alg": "ES256"},
        {"kty": "OKP", "crv": "Ed25519", "x": b64(ED.public_key().public_bytes_raw()), "kid": "EdDSA", "alg": "EdDSA"},
        {**modulus, "kid": "RS256", "alg": "RS256"},
        {**modulus, "kid": "PS256", "alg": "PS256"},
    ]


def sign(algorithm, data):
    if algorithm == "ES256":
        r, s = utils.decode_dss_signature(EC.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    if algorithm == "RS256":
        return RSA.sign(data, padding.PKCS1v15(), hashes.SHA256())
    if algorithm == "PS256":
        return RSA.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    return (OTHER if algorithm == "other" else ED).sign(data)


# ---- changes: each has a name, and alters one thing of a token in the making ----------------------------------------

CHANGES = {}


def change(name):
    def keep(function):
        CHANGES[name] = function
        return function

    return keep


def member(part, name, *values):
    for value in values:
        label = json.dumps(value)
        CHANGES[f"{part}.{name} = {label if len(label) < 90 else label[:20] + '…'}"] = lambda token, value=value: token[part].__setitem__(name, value)


def without(part, *names):
    for name in names:
        CHANGES[f"{part} without {name}"] = lambda token, name=name: token[part].pop(name, None)


without("header", "alg", "typ", "kid")
without("claims", "iss", "aud", "sub", "iat", "exp")
member("header", "alg", "none", "None", "es256", "HS256", "ES512", "", 1, ["ES256"], None)
member("header", "typ", "at+jwt", "jwt", "application/at+jwt", "logout+jwt", "dpop+jwt", "", 1)
member("header", "kid", "nobody", "", 1, None, "../../ES256", "es256")
member("header", "crit", [], ["exp"], ["b64"], "exp", None)
member("header", "b64", True, False)
for name in ["jku", "x5u", "zip", "cty", "enc"]:
    member("header", name, "x")
member("header", "jwk", {"kty": "OKP", "crv": "Ed25519", "x": "AA"})
member("header", "x5c", ["AA"])
member("header", "nonce", "n")
member("claims", "iss", "https://id.example.com/", "HTTPS://id.example.com", "", 1, None, [ISSUER], {})
member("claims", "aud", "Shop", "shop/", "", 1, None, [], [""], ["shop"], ["other"], ["other", "shop"], ["shop", 1], {"shop": 1}, True)
member("claims", "sub", "", 1, None, [], ["u1"], True, "u\u0000", "x" * 513, "u\u00e9")
member("claims", "exp", NOW - 31, NOW - 30, NOW - 29, NOW, NOW + 60, NOW + 86400, NOW + 315360000, "1767225660", None, True, -1, 1e300, 1.5, [], {})
member("claims", "exp", NOW + 60.5)
member("claims", "iat", NOW + 30, NOW + 31, NOW - 60, "1767225600", None, True, -1, 1e300, [], {})
member("claims", "nbf", NOW - 1, NOW + 30, NOW + 31, "1767225600", None, True, -1, [], {})
member("claims", "jti", "j", "", 1, None)
member("claims", "cnf", {"jkt": "a" * 43}, {}, None)
member("claims", "events", {"http://schemas.openid.net/event/backchannel-logout": {}}, {})
member("claims", "auth_time", NOW, "now")
member("claims", "name", "Ada", None, {"a": [1, {"b": None}]}, 12345678901234567890123)


@change("another key signs")
def _(token):
    token["algorithm"] = "other"


for _name in ALGORITHMS:
    CHANGES[f"signed as {_name}"] = lambda token, name=_name: token.__setitem__("algorithm", name)


def text(name, function):
    CHANGES[name] = lambda token: token["texts"].append(function)


def flipped(token, at):
    header, payload, signature = token.split(".")
    parts = [header, payload, signature]
    raw = bytearray(base64.urlsafe_b64decode(parts[at] + "=="))
    if not raw:  # Another change has left nothing there.
        return token
    raw[len(raw) // 2] ^= 1
    parts[at] = b64(bytes(raw))
    return ".".join(parts)


for _at, _part in enumerate(["header", "payload", "signature"]):
    text(f"a bit of the {_part} flipped", lambda token, at=_at: flipped(token, at) if token.count(".") == 2 else token)
text("no signature", lambda token: token.rsplit(".", 1)[0] + ".")
text("two segments", lambda token: token.rsplit(".", 1)[0])
text("four segments", lambda token: token + ".AAAA")
text("signature cut", lambda token: token[:-4])
text("signature longer", lambda token: token + "AAAA")
text("padded", lambda token: token + "=" * (-len(token.rsplit(".", 1)[1]) % 4 or 4))
text("a space before", lambda token: " " + token)
text("a space after", lambda token: token + " ")
text("a space within", lambda token: token.replace(".", " .", 1))
text("the standard alphabet", lambda token: token.replace("-", "+").replace("_", "/"))
text("empty", lambda token: "")


def raw(name, function):
    CHANGES[name] = lambda token: token["raw"].append(function)


raw("claims twice", lambda body: body[:-1] + ',"sub":"u2"}')
raw("claims twice, once escaped", lambda body: body[:-1] + ',"\\u0073ub":"u2"}')
raw("claims an array", lambda body: f"[{body}]")
raw("claims with a byte order mark", lambda body: "\ufeff" + body)
raw("claims with trailing bytes", lambda body: body + "x")
raw("claims a string", lambda body: json.dumps(body))
raw("claims nested 40 deep", lambda body: body[:-1] + ',"x":' + "[" * 40 + "]" * 40 + "}")
raw("claims not JSON", lambda body: body[:-1])
raw("claims with white space", lambda body: body.replace(",", " ,\n"))
raw("claims with NaN", lambda body: body[:-1] + ',"x":NaN}')
raw("claims with a lone surrogate", lambda body: body[:-1] + ',"x":"\\ud800"}')


def make(algorithm, names):
    token = {
        "algorithm": algorithm,
        "header": {"alg": algorithm, "typ": "JWT", "kid": algorithm},
        "claims": {"iss": ISSUER, "aud": AUDIENCE, "sub": "u1", "iat": NOW, "exp": NOW + 3600},
        "texts": [],
        "raw": [],
    }
    for name in names:
        CHANGES[name](token)
    body = json.dumps(token["claims"])
    for function in token["raw"]:
        body = function(body)
    signed = f"{b64(json.dumps(token['header']))}.{b64(body)}"
    made = f"{signed}.{b64(sign(token['algorithm'], signed.encode()))}"
    for function in token["texts"]:
        made = function(made)
    return made


# ---- the three readers ----------------------------------------------------------------------------------------------


def run(command, first, tokens, cwd=None):
    text = "\n".join([json.dumps(first), *tokens]) + "\n"
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=cwd, check=True)
    answers = done.stdout.splitlines()
    assert len(answers) == len(tokens), f"{command[0]} gave {len(answers)} answers to {len(tokens)} tokens"
    return [answer.startswith("ok ") for answer in answers]


def ours(tokens):
    issuer = {"issuer": ISSUER, "audiences": [AUDIENCE], "jwks": {"keys": jwks()}}
    command = ["cargo", "run", "--quiet", "-p", "sessile", "--example", "read_tokens"]
    return run(command, {"url": "memory:", "issuers": [issuer]}, tokens, cwd=ROOT)


def jose(tokens):
    first = {"keys": jwks(), "issuer": ISSUER, "audience": AUDIENCE, "algorithms": ALGORITHMS, "now": NOW}
    return run(["node", "jose.mjs"], first, tokens, cwd=NODE)


class Clock:
    """PyJWT asks the system what time it is; here it stands still."""

    def __init__(self, real):
        self.real = real

    def __getattr__(self, name):
        return getattr(self.real, name)

    def now(self, tz=None):
        return self.real.fromtimestamp(NOW, tz)


def pyjwt(tokens):
    import jwt.api_jwt

    jwt.api_jwt.datetime = Clock(jwt.api_jwt.datetime)
    keys = {key["kid"]: jwt.PyJWK(key) for key in jwks()}
    required = {"require": ["iss", "aud", "sub", "iat", "exp"]}

    def accepts(token):
        try:
            key = keys[jwt.get_unverified_header(token)["kid"]]
            jwt.decode(token, key, algorithms=ALGORITHMS, audience=AUDIENCE, issuer=ISSUER, leeway=30, options=required)
            return True
        except Exception:  # PyJWT has a class for most, and none for some of these.
            return False

    return [accepts(token) for token in tokens]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--tokens", type=int, default=2000)
    options.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options.add_argument("--write", action="store_true", help="print the differences of single changes as JSON")
    given = options.parse_args()
    chance = random.Random(given.seed)
    names = list(CHANGES)
    # Every change alone, under every algorithm, then as many by chance as were asked for.
    cases = [(algorithm, ()) for algorithm in ALGORITHMS]
    cases += [(algorithm, (name,)) for name in names for algorithm in ALGORITHMS]
    while len(cases) < given.tokens:
        cases.append((chance.choice(ALGORITHMS), tuple(chance.sample(names, 2))))
    tokens = [make(*case).replace("\n", " ") for case in cases]
    verdicts = list(zip(ours(tokens), pyjwt(tokens), jose(tokens), strict=True))

    failed = []
    known = {entry["change"]: entry for entry in json.loads((HERE / "differences.json").read_text())["differences"]}
    seen = collections.defaultdict(set)
    for (algorithm, changes), verdict in zip(cases, verdicts, strict=True):
        mine, python, node = verdict
        if not changes and verdict != (True, True, True):
            failed.append(f"{algorithm}: a good token is not good to all three: {verdict}")
        if mine and not python and not node:
            failed.append(f"{algorithm}, {changes}: sessile accepts what both others refuse")
        if len(changes) == 1 and len(set(verdict)) > 1:
            seen[changes[0]].add(verdict)
    word = {True: "accepts", False: "refuses"}
    shown = [
        {"change": name, "sessile": word[v[0]], "pyjwt": word[v[1]], "jose": word[v[2]], "reason": known.get(name, {}).get("reason", "?")}
        for name, all_verdicts in sorted(seen.items())
        for v in sorted(all_verdicts)
    ]
    if given.write:
        print(json.dumps({"differences": shown}, indent=1, ensure_ascii=False))
        return 0
    there = [entry for name in known for entry in json.loads((HERE / "differences.json").read_text())["differences"] if entry["change"] == name]
    for entry in shown:
        if entry not in there:
            failed.append(f"a new difference: {entry}")
    for entry in there:
        if entry not in shown:
            failed.append(f"a difference that no longer shows: {entry}")
    print("\n".join(failed[:30]), file=sys.stderr)
    accepted = sum(verdict[0] for verdict in verdicts)
    print(f"{len(cases)} tokens, {accepted} accepted, {len(shown)} known differences, seed {given.seed}")
    print(f"tokens against peers: {len(cases) - len(failed)} passed, {len(failed)} failed")
    return bool(failed)


sys.exit(main())
