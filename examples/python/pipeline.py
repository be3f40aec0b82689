"""Two pipelines of one user: the first keeps a cart and prices it in sub-processes, the second finds it again."""

import sys
from typing import Any

import sessile

PRICES = {"tea": 4, "honey": 7, "bread": 3}
REST = {"type": "rest", "security": "jwt"}
KEEP = sessile.Step.parse({"stepName": "Keep", "operation": "PUT", "sessionType": "GLOBAL", "fields": ["cart"]})
LOAD = sessile.Step.parse({"stepName": "Load", "operation": "GET", "sessionType": "GLOBAL", "fields": ["cart", "total"]})


def checkout(store: sessile.Store, token: str, message: dict[str, Any]) -> dict[str, Any]:
    """Keeps the message's cart in the user's Global session, and its total beside it."""
    with store.execution(trigger=REST, token=token) as run:
        message = run.step(KEEP, message)
        for item in message["cart"]:
            with run.subprocess("for-each") as sub:  # its own version of the Local session ...
                sub.scoped.increment("total", PRICES[item])
                sub.commit()  # ... discarded unless committed
        run.global_().put({"total": run.local["total"]})
        return message


def receipt(store: sessile.Store, token: str) -> str:
    """Another execution, perhaps in another process or language: the user's fields come into its message, text."""
    with store.execution(trigger=REST, token=token) as run:
        return run.step(LOAD, '{"receipt": 1.0}')


def main(url: str = "memory:", keyring: str | None = None) -> None:
    """Runs both for one user."""
    with sessile.Store.open(url, keyring=keyring, product="shop") as store:
        token = store.tokens.issue({"sub": "ada@example.com"}, ttl=3600)
        checkout(store, token, {"cart": ["tea", "honey", "bread"], "order": 7})
        print(receipt(store, token))


if __name__ == "__main__":
    main(*sys.argv[1:])
