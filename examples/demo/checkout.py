"""The second pipeline, behind a REST trigger: keeps the user's cart, prices its items in parallel sub-processes."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import sessile

PRICES = {"tea": 4, "honey": 7, "bread": 3}

folder, token, body = sys.argv[1:]
message = json.loads(body)
with sessile.Store.open(f"sqlite:{folder}/sessions.db", keyring=f"{folder}/keyring.json", product="shop") as store:
    with store.execution(trigger={"type": "rest", "security": "jwt"}, token=f"Bearer {token}") as run:
        # Message in, message out: the fields named go into the user's Global session, the message is untouched.
        put = {"stepName": "Keep the cart", "operation": "PUT", "sessionType": "GLOBAL", "fields": "cart, address"}
        message = run.step(put, message)

        # Each item is a sub-process with its own version of the Local session. None sees another's `item`.
        def price(item):
            with run.subprocess("for-each") as sub:
                sub.step({"operation": "PUT", "scoped": True, "fields": ["item"]}, {"item": item})
                sub.scoped.put({item: PRICES[sub.scoped["item"]]})
                sub.scoped.delete("item")
                return sub.commit()

        with ThreadPoolExecutor() as pool:
            committed = list(pool.map(price, message["cart"]))
        prices = run.local.all()
        run.global_().put({"total": sum(prices.values())})
        print(json.dumps({"message": message, "committed": sorted(c.put[0] for c in committed), "prices": prices}))
