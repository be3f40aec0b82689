"""Stores of ours with sessions in them, as their users make them."""

from pathlib import Path

import sessile

TRIGGER = {"type": "rest", "security": "jwt"}
# For so many sessions' users a token's text is kept: as many as the store itself remembers, with room.
KNOWN = 5_000


class Filled:
    """A store with a session for each of many users."""

    def __init__(self, plan, url, name, fields, count, **options):
        if url != "memory:":
            keyring = Path(plan["folder"]) / f"{name}.keyring.json"
            if not keyring.exists():
                sessile.Keyring.generate(keyring)
            options["keyring"] = keyring
        self.store = sessile.Store.open(url, **options)
        self.tokens, self.texts = [], []
        for user in range(count):
            text = self.store.tokens.issue({"sub": f"user{user}"}, 86_400)
            token = self.store.verify(text)
            self.store.global_(token).put(fields)
            self.tokens.append(token)
            if user < KNOWN:
                self.texts.append(text)

    def change(self, key, changed, n):
        """Reads all, changes one field, saves it."""
        session = self.store.global_(self.tokens[key])
        data = session.all()
        data[changed] = n
        session.put({changed: n})

    def change_by_text(self, key, changed, n):
        """The same, as a request begins it: with the token's text."""
        with self.store.execution(TRIGGER, self.texts[key % len(self.texts)]) as run:
            session = run.global_()
            data = session.all()
            data[changed] = n
            session.put({changed: n})
