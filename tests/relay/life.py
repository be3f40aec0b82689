"""The relay's second act: users' sessions under one configuration. Each language starts some; the next verifies, updates
and refreshes them; the next lists them; the next extends them; the last revokes them; and before and after that all
verify all. Whatever one of them does the others see, for they share one store and work at the same time.

A program's part is one verb: `<program> sessions <url> <keyring> <verb> <language>`, a line `<sessionId> <token>
<refreshToken>` on its standard input for each session, and a line of JSON on its standard output for each answer.
"""

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone

EACH = 3
TTL = 400 * 86400


def play(commands, place):
    """How many sessions were handed round. Ends the program where anything is not as it must be."""
    languages = list(commands)

    def everyone(verb, given):
        """All at once: what each language answered. `given`: the sessions that each is given."""
        started = {language: start(commands[language], place, verb, language) for language in languages}
        for language, process in started.items():
            write(process, given(language))
        return {language: answers(process, verb, language) for language, process in started.items()}

    def after(language, steps):
        """Whose sessions that language has after so many steps of handing on."""
        return languages[(languages.index(language) - steps) % len(languages)]

    begun = everyone("start", lambda language: [])
    for language, sessions in begun.items():
        want([session["sessionId"].split(".")[0] for session in sessions] == ["relay"] * EACH, f"{language}: started {sessions}")

    passed = everyone("pass", lambda language: begun[after(language, 1)])
    sessions = {after(language, 1): renewed for language, renewed in passed.items()}
    for language, renewed in sessions.items():
        for old, new in zip(begun[language], renewed, strict=True):
            want(old["sessionId"] == new["sessionId"] and old["refreshToken"] != new["refreshToken"], f"{old} became {new}")

    everything = [session for language in languages for session in sessions[language]]
    ids = sorted(session["sessionId"] for session in everything)
    for language, listed in everyone("list", lambda language: []).items():
        entries = listed[0]["sessions"]
        want(sorted(entry["sessionId"] for entry in entries) == ids, f"{language} lists {entries}")
        want(all(entry["active"] for entry in entries), f"{language} lists {entries}")

    beyond = datetime.now(timezone.utc) + timedelta(seconds=TTL - 3600)
    for language, ends in everyone("extend", lambda language: sessions[after(language, 3)]).items():
        want(len(ends) == EACH and all(instant(end) > beyond for end in ends), f"{language} extended to {ends}")

    for language, verified in everyone("verify", lambda language: everything).items():
        for (starter, session), found in zip(((s, one) for s in languages for one in sessions[s]), verified, strict=True):
            want(found["valid"], f"{language} verified {session['sessionId']}: {found}")
            passer = languages[(languages.index(starter) + 1) % len(languages)]
            said = (found["data"]["startedBy"], found["data"]["passedBy"])
            want(said == (starter, passer), f"{language} reads {found['data']}, but {starter} started it, {passer} passed it on")

    everyone("revoke", lambda language: sessions[after(language, 4)])
    first = [session for language in languages for session in begun[language]]
    for language, verified in everyone("verify", lambda language: everything + first).items():
        want(len(verified) == len(everything + first), f"{language} verified {len(verified)}")
        want(all(not found["valid"] and found["reason"] == "revoked" for found in verified), f"{language} verified {verified}")
    for language, listed in everyone("list", lambda language: []).items():
        want(listed[0]["sessions"] == [], f"{language} still lists {listed[0]['sessions']}")
    return len(everything)


def start(command, place, verb, language):
    command = [*command, "sessions", *place, verb, language]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def write(process, sessions):
    try:
        for session in sessions:
            process.stdin.write(f"{session['sessionId']} {session['token']} {session['refreshToken']}\n")
        process.stdin.close()
    except BrokenPipeError:
        pass  # It failed, and has said why.
    process.stdin = None


def answers(process, verb, language):
    printed, _ = process.communicate(timeout=60)
    want(process.returncode == 0, f"{language} {verb} ended with status {process.returncode}")
    return [json.loads(line) for line in printed.splitlines()]


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def want(holds, otherwise):
    if not holds:
        sys.exit(f"relay: {otherwise}")
