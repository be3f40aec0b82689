"""Writes identity.json: what a proof says, and what revocations and logout tokens end, as literal tokens.

    build/venv/bin/python tests/vectors/make_identity.py

The issuer's key is made of a fixed seed and Ed25519 signs the same text the same way: each run writes the same file.
"""

import base64
import hashlib
import json
import pathlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NOW = 1767225600  # 2026-01-01T00:00:00Z, where the manual clock of a case stands
ISS = "https://id.example.com"
OWN = "sessile:default/default/dev"
KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"the issuer of identity.json").digest())
LOGOUT = {"http://schemas.openid.net/event/backchannel-logout": {}}
JWT = {"type": "rest", "security": "jwt"}
CONFIG = {"call": "config_create", "definition": {"name": "Pay", "schema": {"userId": "string"}, "selector": "userId"}}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def text(value):
    return json.dumps(value, separators=(",", ":"))


RAW = KEY.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
ENTRY = {"issuer": ISS, "audiences": ["shop"], "jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": b64(RAW), "kid": "k"}]}}


def token(typ="JWT", /, **changes):
    """A token of an hour of user u1, with these claims besides; None leaves one out."""
    claims = {"iss": ISS, "aud": "shop", "sub": "u1", "iat": NOW, "exp": NOW + 3600} | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    signed = f"{b64(text({'alg': 'EdDSA', 'kid': 'k', 'typ': typ}).encode())}.{b64(text(claims).encode())}"
    return f"{signed}.{b64(KEY.sign(signed.encode()))}"


def logout(**changes):
    return token("logout+jwt", **({"jti": "l1", "exp": NOW + 120, "events": LOGOUT} | changes))


CASES = []


def case(name, rule, *do, **options):
    CASES.append({"name": name, "rule": rule, "options": {"issuers": [ENTRY], **options}, "do": list(do)})


def call(verb, /, **members):
    return {"call": verb, **members}


def error(code, /, **details):
    return {"code": code, "details": details} if details else {"code": code}


def begin(run, given, trigger=JWT):
    """An execution of whoever has that token."""
    return call("execution", token=given, trigger=trigger, **{"as": run})


def put(run, where="global", **expected):
    return call("put", on=f"{run}.{where}", fields={"userId": "u1"} if ":" in where else {"n": 1}, **expected)


def get(run, where="global", **expected):
    return call("get", on=f"{run}.{where}", name="userId" if ":" in where else "n", **(expected or {"gives": 1}))


REVOKED = {reason: {"error": error("TOKEN_REVOKED", reason=reason)} for reason in ("token", "issuer", "logout")}
T, OTHER, LATER = token(jti="t"), token(jti="other"), token(jti="later", iat=NOW + 1)

# What a proof says.
case("a_proof_has_who_when_and_how", "verify tells the issuer, the token's id and times, and how the user was authenticated",
     call("verify", token=token(jti="t", acr="gold", auth_time=NOW - 60),
          gives={"realm": ISS, "subject": "u1", "issuer": ISS, "id": "t", "issuedAt": "2026-01-01T00:00:00.000Z",
                 "expiresAt": "2026-01-01T01:00:00.000Z", "acr": "gold",
                 "authenticatedAt": "2025-12-31T23:59:00.000Z"}))
case("a_proof_has_null_for_what_the_issuer_does_not_say", "jti, acr and auth_time are optional",
     call("verify", token=token(), gives={"id": None, "acr": None, "authenticatedAt": None}))

# One token.
case("a_revoked_token_opens_nothing", "revoke_token counts at once, for a running execution too; other tokens of the user go on",
     begin("a", T), begin("b", OTHER), put("a"), call("revoke_token", token=T),
     get("a", **REVOKED["token"]), put("a", **REVOKED["token"]),
     call("verify", token=T, **REVOKED["token"]), begin("c", T), get("c", **REVOKED["token"]), get("b"))
case("a_login_token_is_revoked", "revoke_token takes tokens of the store's own issuer",
     call("issue", claims={"sub": "u1"}, ttl=600, **{"as": "t"}), begin("a", "$t"), put("a"),
     call("revoke_token", token="$t"), get("a", **REVOKED["token"]))
case("a_prefix_does_not_matter_to_a_revocation", "`Bearer ` is stripped",
     call("revoke_token", token=f"Bearer {T}"), call("verify", token=T, **REVOKED["token"]))
case("a_token_is_revoked_twice", "revoking again is fine",
     call("revoke_token", token=T), call("revoke_token", token=T), call("verify", token=T, **REVOKED["token"]))
case("an_expired_token_needs_no_revocation", "revoke_token of a token that has expired does nothing",
     call("set_clock", time="2026-01-01T02:00:00Z"), call("revoke_token", token=T))
case("a_bound_token_is_revoked_without_proof", "a token bound to a key is revoked by whoever has it",
     call("revoke_token", token=token(jti="t", cnf={"jkt": b64(bytes(32))})), call("verify", token=T, **REVOKED["token"]))
case("a_token_without_jti_is_not_revoked", "what has no jti can't be named",
     call("revoke_token", token=token(), error=error("INVALID_ARGUMENT", argument="token")))
case("a_forged_token_is_not_revoked", "a token has to verify to be revoked",
     call("revoke_token", token=T[:-4] + "AAAA", error=error("TOKEN_SIGNATURE")),
     call("revoke_token", token="t", error=error("TOKEN_MALFORMED")), call("verify", token=T, gives={"id": "t"}))

# By its id.
case("a_token_is_revoked_by_its_id", "revoke_token_id takes issuer and jti",
     begin("a", T), put("a"), call("revoke_token_id", issuer=ISS, jti="t"), get("a", **REVOKED["token"]),
     call("verify", token=OTHER, gives={"id": "other"}))
case("an_id_is_one_issuers", "the same jti of another issuer is another token",
     call("revoke_token_id", issuer=OWN, jti="t"), call("verify", token=T, gives={"id": "t"}))
case("an_id_is_of_a_known_issuer", "revoke_token_id with an issuer that there is none of",
     call("revoke_token_id", issuer="https://other.example.com", jti="t", error=error("NOT_FOUND")))
for name, jti in (("empty", ""), ("with_control_characters", "a\nb"), ("too_long", "x" * 513)):
    case(f"an_id_that_is_{name}", "a jti has 1 to 512 bytes and no control characters",
         call("revoke_token_id", issuer=ISS, jti=jti, error=error("INVALID_ARGUMENT", argument="jti")))

# A whole issuer.
case("a_revoked_issuer_opens_nothing", "revoke_issuer ends what was given out until now, also in running executions",
     begin("a", T), put("a"), call("revoke_issuer", issuer=ISS), get("a", **REVOKED["issuer"]),
     call("verify", token=OTHER, **REVOKED["issuer"]), call("advance", millis=1000), begin("b", LATER), get("b"))
case("an_issuer_is_revoked_until_an_instant", "tokens that were given out after not_before are good",
     call("revoke_issuer", issuer=ISS, notBefore="2025-12-31T23:59:59Z"), call("verify", token=T, gives={"id": "t"}),
     call("verify", token=token(iat=NOW - 60), **REVOKED["issuer"]))
case("a_revocation_only_moves_forward", "an earlier instant takes nothing back",
     call("revoke_issuer", issuer=ISS), call("revoke_issuer", issuer=ISS, notBefore="2025-01-01T00:00:00Z"),
     call("verify", token=T, **REVOKED["issuer"]))
case("nobody_revokes_what_is_to_come", "an instant in the future is refused",
     call("revoke_issuer", issuer=ISS, notBefore="2026-01-01T01:00:00Z", error=error("INVALID_ARGUMENT", argument="notBefore")))
case("an_unknown_issuer_is_not_revoked", "revoke_issuer with an issuer that there is none of",
     call("revoke_issuer", issuer="https://other.example.com", error=error("NOT_FOUND")))
case("the_own_issuer_is_revoked", "login tokens, session tokens and refresh tokens of the store itself end",
     CONFIG, call("issue", claims={"sub": "u1"}, ttl=600, **{"as": "t"}), begin("a", "$t"), put("a"),
     call("start", tag="pay", data={"userId": "u1"}, **{"as": "s"}), call("revoke_issuer", issuer=OWN),
     get("a", **REVOKED["issuer"]), call("session_verify", token="$s.token", gives={"valid": False, "reason": "revoked"}),
     call("refresh", token="$s.refreshToken", **REVOKED["issuer"]), call("verify", token=T, gives={"id": "t"}),
     call("advance", millis=1000), call("issue", claims={"sub": "u1"}, ttl=600, **{"as": "t2"}), begin("b", "$t2"), get("b"))

# Back-channel logout.
USERS = [CONFIG, begin("a", T), put("a"), put("a", "global:pay"), begin("b", token(sub="u2")), put("b"), begin("c", OTHER)]
case("a_logout_ends_the_users_sessions", "under every configuration, begun or not; other users go on",
     *USERS, call("accept_logout_token", token=logout(), gives=2),
     get("a", error=error("SESSION_REVOKED")), get("a", "global:pay", error=error("SESSION_REVOKED")),
     get("c", error=error("TOKEN_REVOKED")), get("b"),
     call("advance", millis=1000), begin("d", LATER), get("d", absent=True), put("d"))
case("a_logout_token_is_taken_once", "another time it is refused, and ends nothing",
     begin("a", T), put("a"), call("accept_logout_token", token=logout(), gives=1), call("advance", millis=1000),
     begin("d", LATER), put("d"),
     call("accept_logout_token", token=logout(), error=error("TOKEN_CLAIMS", claim="jti", reason="replayed")), get("d"))
case("a_logout_of_one_login", "a logout token with sid alone ends the tokens that name it",
     begin("phone", token(sid="phone")), begin("desk", token(sid="desk")), put("phone"),
     call("accept_logout_token", token=logout(sub=None, sid="phone"), gives=0),
     get("phone", **REVOKED["logout"]), get("desk"))
case("an_access_token_is_no_logout_token", "its typ says what it is",
     begin("a", T), put("a"), call("accept_logout_token", token=T, error=error("TOKEN_CLAIMS", claim="typ")), get("a"))
case("a_logout_token_is_no_access_token", "it opens nothing", call("verify", token=logout(), error=error("TOKEN_CLAIMS")))
case("a_logout_token_has_its_time", "one that has expired is refused",
     call("set_clock", time="2026-01-01T00:10:00Z"), call("accept_logout_token", token=logout(), error=error("TOKEN_EXPIRED")))
case("a_forged_logout_token_ends_nothing", "it has to verify",
     begin("a", T), put("a"),
     call("accept_logout_token", token=logout()[:-4] + "AAAA", error=error("TOKEN_SIGNATURE")), get("a"))

# What there is to know.
case("stats_count_what_the_cache_knew", "the second time, a token's signature is not verified again",
     call("stats", gives={"tokenCache": {"hits": 0, "misses": 0, "tokens": 0}}),
     call("verify", token=T), call("verify", token=T), call("verify", token=OTHER),
     call("stats", gives={"tokenCache": {"hits": 1, "misses": 2, "tokens": 2}}))
case("stats_name_keys_and_the_reasons_of_refusals", "which keys are in force, and which are not, and why",
     call("stats", gives={"issuers": [{"issuer": ISS, "keys": ["k"], "trouble": None,
                                       "refusedKeys": [{"index": 1, "kid": "short"}]}]}),
     issuers=[{**ENTRY, "jwks": {"keys": [*ENTRY["jwks"]["keys"], {"kty": "RSA", "n": b64(b"\xc1" * 128), "e": "AQAB", "kid": "short"}]}}])

# Wrong doors.
case("a_closed_store_revokes_nothing", "every call is CLOSED",
     call("close"), *(call(verb, **given, error=error("CLOSED")) for verb, given in (
         ("revoke_token", {"token": T}), ("revoke_token_id", {"issuer": ISS, "jti": "t"}),
         ("revoke_issuer", {"issuer": ISS}), ("accept_logout_token", {"token": logout()}))))


def lines(case):
    """A case of several lines: long enough to diff, short enough to read."""
    parts = [json.dumps({"name": case["name"], "rule": case["rule"]}, ensure_ascii=False)[:-1]]
    parts += [f'  "options": {json.dumps(case["options"])}']
    calls = ",\n   ".join(json.dumps(call, ensure_ascii=False) for call in case["do"])
    return "  " + ",\n  ".join(parts) + f',\n    "do": [\n   {calls}]}}'


assert len({case["name"] for case in CASES}) == len(CASES), "names are unique"
written = '{"suite": "identity", "cases": [\n' + ",\n".join(map(lines, CASES)) + "\n]}\n"
json.loads(written)
pathlib.Path(__file__).with_name("identity.json").write_text(written, encoding="utf-8")
print(len(CASES), "cases")
