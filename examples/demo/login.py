"""The login pipeline: the user has proven who they are, and gets a token for an hour."""

import sys

import sessile

folder, user = sys.argv[1:]
with sessile.Store.open(f"sqlite:{folder}/sessions.db", keyring=f"{folder}/keyring.json", product="shop") as store:
    print(store.tokens.issue({"sub": user}, ttl=3600))
