"""The entry of an issuer that a store trusts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict


class _Required(TypedDict):
    issuer: str
    audiences: Sequence[str]


class Issuer(_Required, total=False):
    """An issuer of tokens that a store trusts, as ``Store.open(issuers=[…])`` takes it.

    * ``issuer``: the ``iss`` of its tokens, exactly; ``audiences``: a token's ``aud`` needs one of these.
    * ``jwks``: its public keys, as a JWK set; or ``jwksFile``: a file with it, read again when it changes; or ``jwksUrl``:
      an https URL of it, with ``jwksCa``: a PEM file of the certificates to trust for it instead of the public ones.
    * ``symmetric``: HMAC instead, with ``algorithm``; the secret comes through ``issuer_secrets``.
    * ``realm``: where its subjects live, the issuer by default; ``subjectClaim``: the claim that names the user, ``sub``.
    * ``profile``: ``rfc9068``: only access tokens of that standard.
    * ``leeway``: seconds that clocks may differ, 30, at most 120; ``maxTokenLife``: in seconds, a day.
    """

    jwks: Mapping[str, Any]
    jwksFile: str
    jwksUrl: str
    jwksCa: str
    symmetric: bool
    algorithm: Literal["HS256", "HS384", "HS512"]
    realm: str
    subjectClaim: str
    profile: Literal["jwt", "rfc9068"]
    leeway: int
    maxTokenLife: int
