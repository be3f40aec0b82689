"""Kills: four writers in four languages on one file, all killed at a moment that nobody chose, again and again. What
was acknowledged is there, every record opens, the indexes are exact."""

import random
import subprocess
import time

from common import LANGUAGES, Place, Said, build, need, verify


def test(folder, full):
    """``full``: 2,000 kills instead of 32; as many in either durability."""
    commands = build(folder)
    rounds = 250 if full else 4
    chosen = random.Random(5)
    written = kills = 0
    for durability in ("interval", "commit"):
        place = Place(folder / durability)
        said = {language: Said() for language in LANGUAGES}
        for turn in range(rounds):
            kills += one_round(place, commands, said, durability, 0.5 + chosen.random())
            # The check takes longer than the round as the store grows.
            if turn % 10 == 0 or turn == rounds - 1 or not full:
                verify(place, said)
        for language, writer in said.items():
            need(writer.count > rounds and writer.revoked, f"{language} wrote {writer.count} times only ({durability})")
        written += sum(writer.count + len(writer.started) + len(writer.revoked) for writer in said.values())
    return f"{kills} kills, {written} acknowledged writes, none missing"


def one_round(place, commands, said, durability, seconds):
    writers = {}
    logs = {}
    try:
        for language, command in commands.items():
            logs[language] = place.folder / f"{language}.log"
            with open(logs[language], "wb") as log:
                arguments = [*command, *place.arguments(language, durability)]
                writers[language] = subprocess.Popen(arguments, stdout=log)
        until = time.monotonic() + 60
        # Each writes already: then any moment will do.
        while any(log.stat().st_size == 0 for log in logs.values()):
            need(time.monotonic() < until, "a writer does not write")
            need(all(writer.poll() is None for writer in writers.values()), "a writer ended by itself")
            time.sleep(0.01)
        time.sleep(seconds)
        for language, writer in writers.items():
            need(writer.poll() is None, f"the {language} writer ended by itself")
    finally:
        for writer in writers.values():
            writer.kill()
        for writer in writers.values():
            writer.wait()
    for language, log in logs.items():
        said[language].hear(log.read_text())
    return len(writers)
