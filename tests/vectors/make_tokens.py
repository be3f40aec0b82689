"""Writes tokens.json: what the store's verifier accepts and refuses, as literal tokens.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install cryptography
    /tmp/venv/bin/python tests/vectors/make_tokens.py

The keys are new in each run; of the key pairs only the public halves are written. Everything is built by hand from
segments, because most of these tokens are ones that no token library would make.
"""

import base64
import datetime
import hashlib
import hmac
import json
import os
import pathlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

NOW = 1767225600  # 2026-01-01T00:00:00Z, where the manual clock of a case stands
HOUR_LATER = "2026-01-01T01:00:00.000Z"
ISS = "https://id.example.com"
AUD = "shop"
OWN = "sessile:default/default/dev"


def clock_text(second):
    """An instant as the core prints it."""
    return datetime.datetime.fromtimestamp(second, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def b64(data):
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size=None):
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


# ---- keys ---------------------------------------------------------------------------------------------------------

KEYS = {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    "RSA": rsa.generate_private_key(65537, 2048),
    "RSA4096": rsa.generate_private_key(65537, 4096),
    "RSA1024": rsa.generate_private_key(65537, 1024),
    "RSA-e3": rsa.generate_private_key(3, 2048),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
}
SECRETS = {"HS256": os.urandom(32), "HS384": os.urandom(48), "HS512": os.urandom(64)}
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}


def private(alg):
    return KEYS["RSA" if alg[:2] in ("RS", "PS") else alg]


def jwk(alg, key=None, /, **more):
    public = (key or private(alg)).public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        made = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    elif isinstance(public, ec.EllipticCurvePublicKey):
        numbers, size = public.public_numbers(), (public.curve.key_size + 7) // 8
        curve = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}[public.curve.name]
        made = {"kty": "EC", "crv": curve, "x": number(numbers.x, size), "y": number(numbers.y, size)}
    else:
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        made = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
    made |= {"kid": "k1", "alg": alg, "use": "sig"} | more
    return {name: value for name, value in made.items() if value is not None}


def signature(alg, data, key=None):
    if alg.startswith("HS"):
        return hmac.new(key or SECRETS[alg], data, f"sha{alg[2:]}").digest()
    key = key or private(alg)
    if alg == "EdDSA":
        return key.sign(data)
    hash = HASHES[alg[2:]]()
    if alg.startswith("RS"):
        return key.sign(data, padding.PKCS1v15(), hash)
    if alg.startswith("PS"):
        return key.sign(data, padding.PSS(padding.MGF1(hash), hash.digest_size), hash)
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hash)))
    size = (key.curve.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


# ---- tokens -------------------------------------------------------------------------------------------------------

LEFT_OUT = object()


def members(base, changes):
    return {name: value for name, value in {**base, **changes}.items() if value is not LEFT_OUT}


def claims(**changes):
    return members({"iss": ISS, "aud": AUD, "sub": "u1", "iat": NOW, "exp": NOW + 3600}, changes)


def token(alg="ES256", payload=None, header=None, key=None, sign=None, header_text=None, payload_text=None):
    """A token signed with `sign` (default: alg); texts stand for JSON that no writer would produce."""
    head = header_text if header_text is not None else json.dumps(
        members({"alg": alg, "typ": "JWT", "kid": "k1"}, header or {}))
    body = payload_text if payload_text is not None else json.dumps(payload if payload is not None else claims())
    signed = f"{b64(head)}.{b64(body)}"
    return f"{signed}.{b64(signature(sign or alg, signed.encode(), key))}"


def entry(*keys, **changes):
    return members({"issuer": ISS, "audiences": [AUD], "jwks": {"keys": list(keys) or [jwk("ES256")]}}, changes)


def symmetric(alg, **changes):
    return entry(jwks=LEFT_OUT, symmetric=True, algorithm=alg, **changes)


# ---- cases --------------------------------------------------------------------------------------------------------

CASES = []


def case(name, rule, *do, issuers=None, secrets=None, **options):
    made = {"name": name, "rule": rule, "options": {**options, "issuers": [entry()] if issuers is None else issuers}}
    if secrets:
        made["secrets"] = {issuer: base64.b64encode(secret).decode() for issuer, secret in secrets.items()}
    CASES.append(made | {"do": list(do)})


def good(name, rule, text, realm=ISS, subject="u1", expires=HOUR_LATER, **more):
    case(name, rule, {"call": "verify", "token": text,
                      "gives": {"realm": realm, "subject": subject, "expiresAt": expires}}, **more)


def bad(name, rule, text, code, reason=None, claim=None, **more):
    error = {"code": code}
    details = {name: value for name, value in (("reason", reason), ("claim", claim)) if value}
    if details:
        error["details"] = details
    case(name, rule, {"call": "verify", "token": text, "error": error}, **more)


def malformed(name, rule, text, reason=None, **more):
    bad(name, rule, text, "TOKEN_MALFORMED", reason, **more)


def untrusted(name, rule, text, reason=None, **more):
    bad(name, rule, text, "TOKEN_UNTRUSTED", reason, **more)


def claim(name, rule, reason, which, text=None, **changes):
    bad(name, rule, text or token(payload=claims(**changes)), "TOKEN_CLAIMS", reason, which)


def refused(name, rule, *issuers, secrets=None):
    """The store itself does not open."""
    case(name, rule, {"call": "open", "error": {"code": "INVALID_ARGUMENT"}}, issuers=list(issuers), secrets=secrets)


ES = jwk("ES256")
TOKEN = token()
HEAD, BODY, SIGNATURE = TOKEN.split(".")

# Good ones: each algorithm, each way to give a token.
for alg in ("ES256", "ES384", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"):
    good(f"good_{alg.lower()}", f"a token signed with {alg} by a key of the issuer's set verifies", token(alg),
         issuers=[entry(jwk(alg))])
good("good_rsa_4096", "an RSA key of 4096 bits is accepted", token("PS256", key=KEYS["RSA4096"]),
     issuers=[entry(jwk("PS256", KEYS["RSA4096"]))])
for alg in ("HS256", "HS384", "HS512"):
    good(f"good_{alg.lower()}", f"a symmetric issuer's secret verifies {alg}", token(alg),
         issuers=[symmetric(alg)], secrets={ISS: SECRETS[alg]})
good("good_hs256_by_default", "a symmetric issuer without algorithm means HS256", token("HS256"),
     issuers=[symmetric(LEFT_OUT)], secrets={ISS: SECRETS["HS256"]})
good("good_bearer", "`Bearer ` before the token is stripped", "Bearer " + TOKEN)
good("good_bearer_any_case", "the scheme's case does not matter", "bEaReR " + TOKEN)
good("good_tag", "`<tag>:` before the token is accepted", "user_session:" + TOKEN)
good("good_bearer_and_tag", "both prefixes, in this order", "Bearer user_session:" + TOKEN)
good("good_two_issuers", "`iss` picks one of several issuers", TOKEN,
     issuers=[entry(jwk("EdDSA"), issuer="https://other.example.com"), entry()])
good("good_several_keys", "`kid` picks one of several keys", token("EdDSA", header={"kid": "k2"}),
     issuers=[entry(ES, jwk("EdDSA", kid="k2"))])
good("good_single_key_without_kid", "a token without kid means the only key", token(header={"kid": LEFT_OUT}))
good("good_key_without_kid", "a single key needs no kid", token(header={"kid": LEFT_OUT}),
     issuers=[entry(jwk("ES256", kid=None))])
good("good_key_without_alg", "an EC key's curve says its algorithm", TOKEN,
     issuers=[entry(jwk("ES256", alg=None, use=None, key_ops=["verify"]))])
good("good_key_with_certificates", "certificates beside a key are not read", TOKEN,
     issuers=[entry(jwk("ES256", x5c=["AA"], x5u="http://127.0.0.1:1/"))])
good("good_rsa_key_without_alg", "an RSA key without alg is for RS256", token("RS256"),
     issuers=[entry(jwk("RS256", alg=None))])
good("good_some_keys_refused", "a set of which some keys are refused works with the rest", TOKEN,
     issuers=[entry(ES, jwk("RS256", KEYS["RSA1024"], kid="k2"), jwk("ES256", kid="k3", use="enc"))])
for name, typ in (("absent", LEFT_OUT), ("lower_case", "jwt"), ("at_jwt", "at+jwt"),
                  ("with_application", "application/at+jwt")):
    good(f"good_typ_{name}", "a foreign token's typ is JWT, at+jwt or absent; media types have no case",
         token(header={"typ": typ}))
good("good_audience_array", "one audience of several is enough", token(payload=claims(aud=["other", AUD])))
good("good_realm", "the issuer's entry fixes the realm", TOKEN, realm="staff", issuers=[entry(realm="staff")])
good("good_subject_claim", "the issuer's entry says which claim is the subject", token(payload=claims(oid="o-7")),
     subject="o-7", issuers=[entry(subjectClaim="oid")])
good("good_fraction", "times may have a fraction (RFC 7519 section 2)", token(payload=claims(exp=NOW + 3600.5)),
     expires="2026-01-01T01:00:00.500Z")
good("good_expired_within_leeway", "a token that ended 29 s ago passes with the leeway of 30 s",
     token(payload=claims(iat=NOW - 60, exp=NOW - 29)), expires="2025-12-31T23:59:31.000Z")
good("good_iat_within_leeway", "a token issued 30 s in the future passes with the leeway of 30 s",
     token(payload=claims(iat=NOW + 30)))
good("good_nbf", "a token whose nbf has come passes", token(payload=claims(nbf=NOW)))
good("good_longer_life", "an issuer's entry may allow longer lives", token(payload=claims(exp=NOW + 172800)),
     expires="2026-01-03T00:00:00.000Z", issuers=[entry(maxTokenLife=172800)])
good("good_unknown_claims", "claims and header members that are not ours do not matter",
     token(header={"x5t": "AA", "nonce": [1]}, payload=claims(roles=["a", {"b": 1}], n=1)))
good("good_subject_unicode", "a subject is any text", token(payload=claims(sub="Zo\u00eb \U0001f980")),
     subject="Zo\u00eb \U0001f980")

# Shape.
malformed("malformed_empty", "an empty token", "", "empty")
malformed("malformed_bearer_only", "a scheme without a token", "Bearer ", "empty")
malformed("malformed_two_segments", "two segments", f"{HEAD}.{BODY}", "segments")
malformed("malformed_four_segments", "four segments", f"{TOKEN}.AA", "segments")
malformed("malformed_five_segments", "an encrypted token", f"{HEAD}.AA.AA.AA.AA", "segments")
malformed("malformed_no_signature", "an empty signature", f"{HEAD}.{BODY}.", "segments")
malformed("malformed_padding", "padding", f"{TOKEN}==", "base64")
malformed("malformed_stray_bits", "unused bits that are not zero: a second spelling of the same bytes",
          f"{HEAD}.{BODY}.{SIGNATURE[:-1]}{chr(ord(SIGNATURE[-1]) + 1)}", "base64")
malformed("malformed_standard_alphabet", "the alphabet with + and /", f"{HEAD}.{BODY}.+/+/", "base64")
malformed("malformed_white_space", "white space", f"{HEAD}.{BODY}.{SIGNATURE}\n", "base64")
malformed("malformed_two_spaces", "two spaces after the scheme", f"Bearer  {TOKEN}", "base64")
malformed("malformed_other_scheme", "another scheme", f"Basic {TOKEN}", "base64")
malformed("malformed_tag", "a prefix that is no tag", f"User Session:{TOKEN}", "tag")
malformed("malformed_header_not_json", "a header that is no JSON", token(header_text="alg=ES256"), "header")
malformed("malformed_header_array", "a header that is no object", token(header_text='["ES256"]'), "header")
malformed("malformed_header_twice", "a member twice in the header",
          token(header_text='{"alg":"ES256","kid":"k1","alg":"ES256"}'), "header")
malformed("malformed_header_twice_escaped", "the same name spelled with an escape",
          token(header_text='{"alg":"none","kid":"k1","\\u0061lg":"ES256"}'), "header")
malformed("malformed_no_alg", "no alg", token(header={"alg": LEFT_OUT}), "header")
malformed("malformed_alg_array", "alg is no string", token(header={"alg": ["ES256"]}), "header")
malformed("malformed_kid_number", "kid is no string", token(header={"kid": 1}), "header")
malformed("malformed_typ_null", "typ is no string", token(header={"typ": None}), "header")
for name, value in {"jwk": ES, "jku": "https://evil.example.com/jwks", "x5u": "https://evil.example.com/x5u",
                    "x5c": ["AA"], "crit": ["exp"], "b64": False, "zip": "DEF", "enc": "A256GCM",
                    "cty": "JWT"}.items():
    malformed(f"malformed_header_{name}", f"a header with {name}, in any form", token(header={name: value}), "header")
malformed("malformed_crit_empty", "an empty crit", token(header={"crit": []}), "header")
malformed("malformed_payload_not_json", "a payload that is no JSON", token(payload_text="sub=u1"), "payload")
malformed("malformed_payload_string", "a payload that is no object", token(payload_text='"u1"'), "payload")
malformed("malformed_payload_twice", "a claim twice",
          token(payload_text=json.dumps(claims())[:-1] + ',"sub":"admin"}'), "payload")
malformed("malformed_payload_twice_within", "a member twice, deeper down",
          token(payload_text=json.dumps(claims())[:-1] + ',"x":[{"a":1,"\\u0061":2}]}'), "payload")
malformed("malformed_payload_surrogate", "half of a surrogate pair",
          token(payload_text=json.dumps(claims(sub="X")).replace("X", "\\ud800")), "payload")
malformed("malformed_payload_deep", "nesting without end",
          token(payload_text=json.dumps(claims())[:-1] + ',"x":' + "[" * 500 + "]" * 500 + "}"), "payload")
malformed("malformed_payload_not_utf8", "a payload that is not UTF-8", f"{HEAD}._w.{SIGNATURE}", "utf8")
for name, text in (("bom", "\ufeff{}"), ("trailing_byte", "{}x"), ("trailing_nul", "{}\0"), ("second", "{}{}"), ("in_array", "[{}]"),
                   ("comment", "/**/{}")):
    malformed(f"malformed_header_{name}", "a header is one JSON object and nothing else",
              token(header_text=text.replace("{}", json.dumps({"alg": "ES256", "kid": "k1"}))), "header")
    malformed(f"malformed_payload_{name}", "claims are one JSON object and nothing else",
              token(payload_text=text.replace("{}", json.dumps(claims()))), "payload")
for which in ("iss", "aud", "exp", "iat"):
    escaped = f'"\\u{ord(which[0]):04x}{which[1:]}":{json.dumps(claims()[which])}'
    malformed(f"malformed_payload_{which}_twice_escaped", "a claim twice, once spelled with an escape",
              token(payload_text=json.dumps(claims())[:-1] + f",{escaped}}}"), "payload")
malformed("malformed_nested_token", "a token in a token", token(payload_text=TOKEN), "payload")
malformed("malformed_jws_flattened", "the flattened JSON serialisation",
          json.dumps({"payload": BODY, "protected": HEAD, "signature": SIGNATURE}))
malformed("malformed_jws_general", "the general JSON serialisation",
          json.dumps({"payload": BODY, "signatures": [{"protected": HEAD, "signature": SIGNATURE}]}))
malformed("malformed_wrapped_lines", "base64 wrapped as in a mail", f"{HEAD}.{BODY[:40]}\n{BODY[40:]}.{SIGNATURE}", "base64")
malformed("malformed_crit_b64", "unencoded payloads (RFC 7797)", token(header={"b64": False, "crit": ["b64"]}), "header")
malformed("malformed_crit_known", "crit in any form", token(header={"crit": ["exp"], "exp": 1}), "header")
bad("too_long", "a token of more than 8 KiB", token(payload=claims(x="x" * 8192)), "LIMIT_EXCEEDED")
bad("too_long_for_this_store", "the limit can be set", TOKEN, "LIMIT_EXCEEDED", limits={"token": 128})

# Trust.
untrusted("untrusted_no_issuers", "a store without issuers trusts nobody", TOKEN, "issuer", issuers=[])
untrusted("untrusted_issuer", "an issuer that is not declared",
          token(payload=claims(iss="https://evil.example.com")), "issuer")
untrusted("untrusted_issuer_slash", "issuers are compared exactly", token(payload=claims(iss=ISS + "/")), "issuer")
untrusted("untrusted_issuer_case", "issuers are compared with their case",
          token(payload=claims(iss=ISS.upper())), "issuer")
untrusted("untrusted_kid", "a kid that the set does not have", token(header={"kid": "k2"}), "key")
untrusted("untrusted_kid_path", "a kid is a name, not a path", token(header={"kid": "../../dev/null"}), "key")
for name, kid in (("absolute_path", "/proc/self/environ"), ("sql", "k1' OR '1'='1"), ("shell", "k1;$(id)`id`"), ("nul", "k1\0"),
                  ("empty", ""), ("case", "K1"), ("space", "k1 "), ("url", "https://evil.example.com/jwks.json"),
                  ("5_kb", "k1" * 2500)):
    untrusted(f"untrusted_kid_{name}", "a kid is the exact name of a key and nothing else", token(header={"kid": kid}), "key")
bad("too_long_kid", "a kid of 10 KB makes a token that is too long", token(header={"kid": "k" * 10240}), "LIMIT_EXCEEDED")
untrusted("untrusted_no_kid", "no kid where there are several keys", token(header={"kid": LEFT_OUT}), "key",
          issuers=[entry(ES, jwk("EdDSA", kid="k2"))])
untrusted("untrusted_refused_key", "a key that was refused verifies nothing",
          token("RS256", header={"kid": "k2"}, key=KEYS["RSA1024"]), "key",
          issuers=[entry(ES, jwk("RS256", KEYS["RSA1024"], kid="k2"))])
for name, alg in (("none", "none"), ("none_title", "None"), ("none_upper", "NONE"), ("none_mixed", "nOnE"),
                  ("empty", ""), ("lower_case", "es256"), ("es512", "ES512"), ("es256k", "ES256K"), ("hs1", "HS1"),
                  ("encryption", "RSA-OAEP")):
    untrusted(f"untrusted_alg_{name}", "an algorithm that is not in the list", token(alg, sign="ES256"), "algorithm")
RSA_PEM = KEYS["RSA"].public_key().public_bytes(serialization.Encoding.PEM,
                                                serialization.PublicFormat.SubjectPublicKeyInfo)
untrusted("untrusted_hs256_with_public_key", "a public key is never an HMAC secret", token("HS256", key=RSA_PEM),
          "algorithm", issuers=[entry(jwk("RS256"))])
RSA_PUBLIC, EC_PUBLIC = KEYS["RSA"].public_key(), KEYS["ES256"].public_key()
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
for name, alg, secret in (
    ("rsa_der", "RS256", RSA_PUBLIC.public_bytes(serialization.Encoding.DER, SPKI)),
    ("rsa_jwk", "RS256", json.dumps(jwk("RS256")).encode()),
    ("rsa_modulus", "RS256", RSA_PUBLIC.public_numbers().n.to_bytes(256, "big")),
    ("rsa_modulus_text", "RS256", jwk("RS256")["n"].encode()),
    ("rsa_pem_trimmed", "RS256", RSA_PEM.strip()),
    ("ec_point", "ES256", EC_PUBLIC.public_bytes(serialization.Encoding.X962,
                                                 serialization.PublicFormat.UncompressedPoint)),
    ("ec_x", "ES256", EC_PUBLIC.public_numbers().x.to_bytes(32, "big")),
    ("ec_pem", "ES256", EC_PUBLIC.public_bytes(serialization.Encoding.PEM, SPKI)),
    ("ed_point", "EdDSA", KEYS["EdDSA"].public_key().public_bytes_raw()),
):
    untrusted(f"untrusted_hs256_with_{name}", "a public key is never an HMAC secret, in no spelling",
              token("HS256", key=secret), "algorithm", issuers=[entry(jwk(alg))])
untrusted("untrusted_rs256_for_ps256", "one key, one algorithm", token("RS256"), "algorithm",
          issuers=[entry(jwk("PS256"))])
untrusted("untrusted_es384_for_es256", "the header's alg is the key's", token("ES384", sign="ES256"), "algorithm")
untrusted("untrusted_hs256_for_hs512", "a secret has one algorithm",
          token("HS256", key=SECRETS["HS512"]), "algorithm",
          issuers=[symmetric("HS512")], secrets={ISS: SECRETS["HS512"]})
untrusted("untrusted_asymmetric_for_symmetric", "a symmetric issuer has no other keys", TOKEN, "algorithm",
          issuers=[symmetric("HS256")], secrets={ISS: SECRETS["HS256"]})

# Signatures.
SIGNED = f"{HEAD}.{BODY}".encode()
FLIPPED = bytearray(signature("ES256", SIGNED))
FLIPPED[40] ^= 1
R_S = signature("ES256", SIGNED)
DER = utils.encode_dss_signature(int.from_bytes(R_S[:32], "big"), int.from_bytes(R_S[32:], "big"))
for name, rule, text in (
    ("flipped", "one bit of the signature changed", f"{HEAD}.{BODY}.{b64(bytes(FLIPPED))}"),
    ("other_payload", "the claims changed", f"{HEAD}.{b64(json.dumps(claims(sub='admin')))}.{SIGNATURE}"),
    ("other_header", "the header changed", f"{b64(json.dumps({'alg': 'ES256', 'kid': 'k1'}))}.{BODY}.{SIGNATURE}"),
    ("other_key", "signed by another key of that name", token(key=ec.generate_private_key(ec.SECP256R1()))),
    ("zeros", "r = s = 0 (CVE-2022-21449)", f"{HEAD}.{BODY}.{b64(bytes(64))}"),
    ("der", "DER in place of r and s", f"{HEAD}.{BODY}.{b64(DER)}"),
    ("short", "a truncated signature", f"{HEAD}.{BODY}.{b64(R_S[:63])}"),
    ("long", "a byte too many", f"{HEAD}.{BODY}.{b64(R_S + bytes(1))}"),
):
    bad(f"signature_{name}", rule, text, "TOKEN_SIGNATURE", "signature")
P256_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
R, S = int.from_bytes(R_S[:32], "big"), int.from_bytes(R_S[32:], "big")
for name, r, s in (("r_zero", 0, S), ("s_zero", R, 0), ("r_is_n", P256_N, S), ("s_is_n", R, P256_N), ("s_beyond_n", R, 2**256 - 1),
                   ("r_beyond_n", 2**256 - 1, S)):
    bad(f"signature_{name}", "r and s lie between 0 and the order",
        f"{HEAD}.{BODY}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}", "TOKEN_SIGNATURE", "signature")
ED_HEAD, ED_BODY, ED_SIGNATURE = token("EdDSA").split(".")
ED_RAW = base64.urlsafe_b64decode(ED_SIGNATURE + "==")
ED_L = 2**252 + 27742317777372353535851937790883648493
for name, s in (("s_plus_l", int.from_bytes(ED_RAW[32:], "little") + ED_L), ("s_is_l", ED_L)):
    bad(f"signature_eddsa_{name}", "S is below the order (RFC 8032 section 5.1.7)",
        f"{ED_HEAD}.{ED_BODY}.{b64(ED_RAW[:32] + s.to_bytes(32, 'little'))}", "TOKEN_SIGNATURE", "signature",
        issuers=[entry(jwk("EdDSA"))])
for alg in ("EdDSA", "PS256", "RS256"):
    head, body, sign = token(alg).split(".")
    raw = base64.urlsafe_b64decode(sign + "==")
    for name, changed in (("zeros", bytes(len(raw))), ("short", raw[:-1]), ("long", raw + bytes(1)),
                          ("flipped", raw[:-1] + bytes([raw[-1] ^ 1]))):
        bad(f"signature_{alg.lower()}_{name}", "a signature is exactly the one of these bytes",
            f"{head}.{body}.{b64(changed)}", "TOKEN_SIGNATURE", "signature", issuers=[entry(jwk(alg))])
bad("signature_empty_hmac_secret", "an HMAC with an empty secret", token("HS256", key=b"\0"), "TOKEN_SIGNATURE",
    issuers=[symmetric("HS256")], secrets={ISS: SECRETS["HS256"]})
bad("signature_hmac_truncated", "a truncated HMAC",
    (lambda signed: f"{signed}.{b64(signature('HS256', signed.encode())[:16])}")(token("HS256").rsplit(".", 1)[0]),
    "TOKEN_SIGNATURE", issuers=[symmetric("HS256")], secrets={ISS: SECRETS["HS256"]})
bad("signature_pkcs1_as_pss", "RS256's padding under PS256's name", token("PS256", sign="RS256"), "TOKEN_SIGNATURE",
    issuers=[entry(jwk("PS256"))])
bad("signature_before_claims", "no claim is judged before the signature",
    token(payload=claims(exp=1), key=ec.generate_private_key(ec.SECP256R1())), "TOKEN_SIGNATURE")

# Times.
for name, changes in (("long_ago", {"iat": NOW - 7200, "exp": NOW - 3600}), ("at_leeway", {"iat": NOW - 60, "exp": NOW - 30})):
    bad(f"expired_{name}", "now is at or past exp and the leeway", token(payload=claims(**changes)), "TOKEN_EXPIRED",
        "expired", "exp")
bad("expired_without_leeway", "the leeway can be set", token(payload=claims(iat=NOW - 60, exp=NOW)), "TOKEN_EXPIRED",
    issuers=[entry(leeway=0)])
for which in ("nbf", "iat"):
    good(f"good_{which}_at_the_leeway", f"{which} may be ahead by the leeway", token(payload=claims(**{which: NOW + 30})))
    bad(f"not_yet_{which}_without_leeway", "the leeway can be set", token(payload=claims(**{which: NOW + 1})),
        "TOKEN_NOT_YET", "not_yet", which, issuers=[entry(leeway=0)])
    good(f"good_{which}_now_without_leeway", f"{which} is now", token(payload=claims(**{which: NOW})), issuers=[entry(leeway=0)])
    bad(f"not_yet_{which}_far", f"{which} lies far ahead", token(payload=claims(iat=NOW, nbf=NOW + 86400) if which == "nbf"
        else claims(iat=NOW + 86400, exp=NOW + 86460)), "TOKEN_NOT_YET", "not_yet", which)
for leeway, late in ((0, -1), (30, 29), (120, 119)):
    ends = NOW - late
    good(f"good_a_second_before_the_end_at_{leeway}", "exp and the leeway are not past",
         token(payload=claims(iat=NOW - 600, exp=ends)), expires=clock_text(ends), issuers=[entry(leeway=leeway)])
    bad(f"expired_a_second_later_at_{leeway}", "now they are", token(payload=claims(iat=NOW - 600, exp=ends - 1)),
        "TOKEN_EXPIRED", "expired", "exp", issuers=[entry(leeway=leeway)])
good("good_life_at_most", "a token may live exactly as long as its issuer may give", token(payload=claims(exp=NOW + 86400)),
     expires=clock_text(NOW + 86400))
case("begins_as_the_clock_moves", "nbf is met to the millisecond",
     {"call": "verify", "token": token(payload=claims(nbf=NOW + 31)), "error": {"code": "TOKEN_NOT_YET"}},
     {"call": "advance", "millis": 999},
     {"call": "verify", "token": token(payload=claims(nbf=NOW + 31)), "error": {"code": "TOKEN_NOT_YET"}},
     {"call": "advance", "millis": 1}, {"call": "verify", "token": token(payload=claims(nbf=NOW + 31))})
bad("not_yet_nbf", "nbf is in the future", token(payload=claims(nbf=NOW + 31)), "TOKEN_NOT_YET", "not_yet", "nbf")
bad("not_yet_iat", "iat is in the future", token(payload=claims(iat=NOW + 31)), "TOKEN_NOT_YET", "not_yet", "iat")
case("expires_as_the_clock_moves", "a token is verified against the store's clock",
     {"call": "verify", "token": TOKEN}, {"call": "advance", "millis": 3629999}, {"call": "verify", "token": TOKEN},
     {"call": "advance", "millis": 1}, {"call": "verify", "token": TOKEN, "error": {"code": "TOKEN_EXPIRED"}})

# Claims.
OTHER_ISS, OTHER_KEY = "https://other.example.com", ec.generate_private_key(ec.SECP256R1())
BOTH = [entry(), entry(jwk("ES256", OTHER_KEY), issuer=OTHER_ISS)]
good("good_two_issuers_one_kid", "one kid and one sub under two issuers: two keys, two users",
     token(payload=claims(iss=OTHER_ISS), key=OTHER_KEY), realm=OTHER_ISS, issuers=BOTH)
bad("signature_of_another_issuer", "one issuer's key does not sign for another", token(payload=claims(iss=OTHER_ISS)),
    "TOKEN_SIGNATURE", issuers=BOTH)
for which in ("iss", "aud", "sub", "exp", "iat"):
    claim(f"claims_no_{which}", f"{which} is required", "missing", which, **{which: LEFT_OUT})
for which, value in (("iss", [ISS]), ("sub", 1), ("aud", {"shop": True}), ("aud", [AUD, 1]), ("exp", str(NOW + 60)),
                     ("exp", None), ("exp", True), ("iat", "0"), ("nbf", "0"), ("nbf", None), ("jti", 1)):
    kind = type(value).__name__.replace("NoneType", "null")
    claim(f"claims_{which}_{kind}", f"{which} has its type", "type", which, **{which: value})
KINDS = {int: "number", bool: "boolean", type(None): "null", dict: "object", list: "array"}
for which, value in (("iss", 1), ("iss", None), ("iss", {"a": ISS}), ("aud", 1), ("aud", None), ("aud", True), ("aud", [[AUD]]),
                     ("sub", None), ("sub", ["u1"]), ("sub", {"id": "u1"}), ("sub", True), ("exp", [NOW + 60]), ("exp", {}),
                     ("iat", None), ("iat", True), ("iat", [NOW]), ("nbf", True), ("nbf", [NOW])):
    claim(f"claims_type_{which}_{KINDS[type(value)]}", f"{which} has its type", "type", which, **{which: value})
claim("claims_audience_slash", "audiences are compared to the last character", "audience", "aud", aud=AUD + "/")
claim("claims_audience_others", "several audiences, none of them ours", "audience", "aud", aud=["other", "shop2"])
claim("claims_exp_1e300", "a time beyond all", "value", "exp",
      token(payload_text=json.dumps(claims(exp="X")).replace('"X"', "1e300")))
claim("claims_exp_ten_years", "a token for ten years", "life", "exp", exp=NOW + 315360000)
claim("claims_iat_negative", "a negative time", "value", "iat", iat=-1)
claim("claims_iat_zero", "a token issued in 1970 that ends today has lived too long", "life", "exp", iat=0)
claim("claims_nbf_negative", "a negative time", "value", "nbf", nbf=-1)
claim("claims_logout_events", "a logout token gives access to nothing, whatever typ it has", "logout", "events",
      events={"http://schemas.openid.net/event/backchannel-logout": {}})
claim("claims_other_audience", "a token for somebody else", "audience", "aud", aud="other")
claim("claims_audience_prefix", "audiences are compared whole", "audience", "aud", aud="shop2")
claim("claims_audience_case", "audiences are compared with their case", "audience", "aud", aud="Shop")
claim("claims_audience_none", "an empty array of audiences", "value", "aud", aud=[])
claim("claims_audience_empty", "an empty audience", "value", "aud", aud=[AUD, ""])
claim("claims_sub_empty", "an empty subject", "value", "sub", sub="")
claim("claims_sub_control", "a subject with a control character", "value", "sub", sub="u1\u0000admin")
claim("claims_sub_long", "a subject of more than 512 bytes", "value", "sub", sub="u" * 513)
claim("claims_exp_negative", "a negative time", "value", "exp", exp=-1)
claim("claims_exp_huge", "a time beyond 2^53", "value", "exp", exp=2**53 + 1)
claim("claims_exp_infinite", "a number that overflows", "value", "exp",
      token(payload_text=json.dumps(claims(exp="X")).replace('"X"', "1e400")))
claim("claims_life", "a token that lives longer than its issuer may give", "life", "exp", exp=NOW + 86401)
claim("claims_ends_before_it_begins", "exp is not after iat", "life", "exp", exp=NOW + 10, iat=NOW + 10)
claim("claims_cnf", "a token bound to a key that nobody proves", "cnf", "cnf", cnf={"jkt": "AA"})
claim("claims_cnf_null", "cnf in any form", "cnf", "cnf", cnf=None)
for name, typ in (("dpop", "dpop+jwt"), ("logout", "logout+jwt"), ("session", "sessile-session+jwt"), ("empty", "")):
    claim(f"claims_typ_{name}", "a token of another kind", "typ", "typ", token(header={"typ": typ}))
bad("claims_no_subject_claim", "the claim that the entry names is required", TOKEN, "TOKEN_CLAIMS", "missing", "oid",
    issuers=[entry(subjectClaim="oid")])

# The store's own issuer.
case("own_issued", "a login token of ours verifies; realm is our own issuer",
     {"call": "issue", "claims": {"sub": "u1", "role": "admin"}, "ttl": 3600, "as": "t"},
     {"call": "verify", "token": "$t", "gives": {"realm": OWN, "subject": "u1", "expiresAt": HOUR_LATER}}, issuers=[])
case("own_expires", "a login token ends after its ttl and the leeway",
     {"call": "issue", "claims": {"sub": "u1"}, "ttl": 1, "as": "t"}, {"call": "advance", "millis": 30999},
     {"call": "verify", "token": "$t"}, {"call": "advance", "millis": 1},
     {"call": "verify", "token": "$t", "error": {"code": "TOKEN_EXPIRED"}}, issuers=[])
for name in ("iss", "aud", "exp", "iat", "nbf", "jti", "sid", "cnf", "act"):
    case(f"own_reserved_{name}", f"a caller can't set {name}",
         {"call": "issue", "claims": {"sub": "u1", name: 1}, "ttl": 60, "error": {"code": "INVALID_ARGUMENT"}},
         issuers=[])
for name, given in (("missing", {}), ("number", {"sub": 1}), ("empty", {"sub": ""}), ("null", {"sub": None})):
    case(f"own_sub_{name}", "a login token has a subject",
         {"call": "issue", "claims": given, "ttl": 60, "error": {"code": "INVALID_ARGUMENT"}}, issuers=[])
for ttl in (0, 86401):
    case(f"own_ttl_{ttl}", "a login token lives 1 to 86,400 seconds",
         {"call": "issue", "claims": {"sub": "u1"}, "ttl": ttl, "error": {"code": "INVALID_ARGUMENT"}}, issuers=[])
case("own_too_long", "a login token is not longer than a token may be",
     {"call": "issue", "claims": {"sub": "u1", "x": "x" * 8000}, "ttl": 60, "error": {"code": "LIMIT_EXCEEDED"}},
     issuers=[])
own = claims(iss=OWN, aud=OWN)
untrusted("own_session_forged", "another's key signs no session token of ours",
          token("EdDSA", payload=own, header={"typ": "sessile-session+jwt"}), "key")
bad("own_type_jwt", "a token of ours has exactly its own type", token("EdDSA", payload=own), "TOKEN_CLAIMS", "typ")
bad("own_type_absent", "and never none", token("EdDSA", payload=own, header={"typ": LEFT_OUT}), "TOKEN_CLAIMS", "typ")
untrusted("own_forged", "another's key signs nothing of ours", token("EdDSA", payload=own, header={"typ": "at+jwt"}),
          "key")
untrusted("own_other_env", "another env's issuer is another issuer",
          token("EdDSA", payload=claims(iss="sessile:default/default/prd", aud=OWN), header={"typ": "at+jwt"}), "issuer")

# Entries that are refused as the store opens.
refused("entry_without_issuer", "an entry names its issuer", entry(issuer=LEFT_OUT))
refused("entry_empty_issuer", "an issuer is not empty", entry(issuer=""))
refused("entry_without_audiences", "an entry names its audiences", entry(audiences=LEFT_OUT))
refused("entry_no_audience", "at least one", entry(audiences=[]))
refused("entry_audience_string", "an array", entry(audiences=AUD))
refused("entry_unknown_member", "an unknown member is an error", entry(audience=[AUD]))
refused("entry_secret_in_json", "secrets never ride in the JSON", symmetric("HS256", secret="x" * 32))
refused("entry_twice", "one entry an issuer", entry(), entry())
refused("entry_own_issuer", "nobody else is our own issuer", entry(issuer=OWN))
refused("entry_leeway", "a leeway is at most 120 s", entry(leeway=121))
refused("entry_leeway_negative", "and not negative", entry(leeway=-1))
refused("entry_life", "a token lives at least a second", entry(maxTokenLife=0))
refused("entry_without_keys", "an entry has keys", entry(jwks=LEFT_OUT))
refused("entry_no_key", "an empty set", entry(jwks={"keys": []}))
refused("entry_symmetric_without_secret", "a symmetric issuer has a secret", symmetric("HS256"))
refused("entry_secret_undeclared", "a secret for an issuer that is not symmetric", entry(),
        secrets={ISS: SECRETS["HS256"]})
refused("entry_secret_short", "a secret is as long as the hash", symmetric("HS512"), secrets={ISS: SECRETS["HS256"]})
refused("entry_secret_equal_bytes", "a secret of equal bytes", symmetric("HS256"), secrets={ISS: b"k" * 64})
refused("entry_secret_known", "a secret out of a manual", symmetric("HS256"),
        secrets={ISS: b"a-string-secret-at-least-256-bits-long"})
refused("entry_symmetric_algorithm", "a symmetric issuer has an HMAC algorithm", symmetric("ES256"),
        secrets={ISS: SECRETS["HS256"]})
X, Y = ES["x"], ES["y"]
for name, rule, key in (
    ("rsa_1024", "RSA below 2048 bits", jwk("RS256", KEYS["RSA1024"])),
    ("rsa_exponent_3", "RSA with a small exponent", jwk("RS256", KEYS["RSA-e3"])),
    ("rsa_exponent_even", "RSA with an even exponent", jwk("RS256", e=number(65538))),
    ("curve_and_alg", "the curve fits the alg", jwk("ES256", alg="ES384")),
    ("kty_and_alg", "the type fits the alg", jwk("ES256", alg="RS256")),
    ("alg_hs256", "a public key is no HMAC key", jwk("ES256", alg="HS256")),
    ("p521", "no P-521", jwk("ES512")),
    ("off_curve", "a point that is not on the curve", jwk("ES256", x=Y, y=X)),
    ("short_coordinate", "a coordinate with too few bytes", jwk("ES256", x=X[:-2])),
    ("ed25519_identity", "a point of small order", jwk("EdDSA", x=b64(b"\1" + bytes(31)))),
    ("ed25519_order_8", "another", jwk("EdDSA", x=b64(bytes.fromhex(
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85")))),
    ("ed25519_not_canonical", "a second spelling of a point", jwk("EdDSA", x=b64(b"\xee" + b"\xff" * 30 + b"\x7f"))),
    ("ed25519_length", "an x of 31 bytes", jwk("EdDSA", x=b64(b"\7" * 31))),
    ("use_enc", "a key for encryption", jwk("ES256", use="enc")),
    ("key_ops", "a key that may not verify", jwk("ES256", key_ops=["encrypt"])),
    ("private", "a key with its private half", jwk("ES256", d=b64(b"\1" * 32))),
    ("oct", "a secret in a key set", {"kty": "oct", "k": b64(b"0123456789abcdef" * 2), "alg": "HS256", "kid": "k1"}),
):
    refused(f"key_{name}", rule, entry(key))
for size in (0, 16, 33):
    refused(f"key_ed25519_length_{size}", f"an x of {size} bytes", entry(jwk("EdDSA", x=b64(b"\7" * size))))
for bits in (2040, 4104, 16384):
    refused(f"key_rsa_{bits}_bits", "RSA outside 2048 to 4096 bits",
            entry(jwk("RS256", n=number(int.from_bytes(os.urandom(bits // 8), "big") | 1 | 1 << bits - 1))))
refused("key_rsa_modulus_even", "an even modulus", entry(jwk("RS256", n=number(KEYS["RSA"].public_key().public_numbers().n - 1))))
refused("key_rsa_exponent_1", "RSA with the exponent 1", entry(jwk("RS256", e=number(1))))
for name, operations in (("none", []), ("sign", ["sign"]), ("text", "verify"), ("numbers", [1])):
    refused(f"key_key_ops_{name}", "key_ops have verify", entry(jwk("ES256", key_ops=operations)))
for member in ("d", "p", "k", "oth", "priv"):
    refused(f"key_private_{member}", "a key with a private member", entry(jwk("ES256", **{member: "AA"})))
refused("key_rsa_private", "an RSA key with its private half", entry(jwk("RS256", d="AA")))
refused("key_kid_twice", "two keys of one name", entry(ES, jwk("EdDSA")))
refused("key_several_without_kid", "several keys each have a kid",
        entry(jwk("ES256", kid=None), jwk("EdDSA", kid=None)))


def lines(case):
    """A case of several lines: long enough to diff, short enough to read."""
    parts = [json.dumps({"name": case["name"], "rule": case["rule"]}, ensure_ascii=False)[:-1]]
    parts += [f'  "{name}": {json.dumps(case[name])}' for name in ("options", "secrets") if name in case]
    calls = ",\n   ".join(json.dumps(call, ensure_ascii=False) for call in case["do"])
    return "  " + ",\n  ".join(parts) + f',\n    "do": [\n   {calls}]}}'


assert len({case["name"] for case in CASES}) == len(CASES), "names are unique"
text = '{"suite": "tokens", "cases": [\n' + ",\n".join(map(lines, CASES)) + "\n]}\n"
json.loads(text)
pathlib.Path(__file__).with_name("tokens.json").write_text(text, encoding="utf-8")
print(len(CASES), "cases")
