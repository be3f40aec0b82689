"""Power cuts: a writer's writes and syncs are captured; then the power goes at some moment, and what was written since a
file's last sync is there in part, in another order, torn in half-pages. The file opens, is whole, and holds what was
acknowledged: all of it under `commit`; under `interval` all that had been when a durable call or a flush returned, and
what that call did. Half of the cuts are at such a moment, when nothing that comes later can have helped."""

import copy
import os
import random
import shutil
import struct
import subprocess

from common import Place, Said, build, need, refreshes, shim, verify

HEAD = struct.Struct("<cBQI")
DB, WAL, FOLDER, SAID = 1, 2, 3, 4
# What says that a durable call returned: revoke and revokeAll, flush, forget, refresh.
DURABLE = "rfgk"
NAMES = {DB: "sessions.db", WAL: "sessions.db-wal"}
# A disk writes these whole.
SECTOR, HALF_PAGE = 512, 2048


def test(folder, full):
    """``full``: 1,200 states instead of 100; half of them in either durability."""
    writer = build(folder)["c"]
    capture = shim(folder, "capture")
    states = 600 if full else 50
    syncs = written = 0
    for durability in ("interval", "commit"):
        place = Place(folder / durability)
        before = place.db.read_bytes()
        trace = captured(place, writer, capture, durability, 1500 if full else 500)
        syncs += sum(kind == b"s" and file in NAMES for kind, file, *_ in trace)
        need(any(kind == b"s" and file == DB for kind, file, *_ in trace), "no checkpoint was captured")
        chosen = random.Random(7)
        cuts = sorted(moments(trace, states, chosen))
        disk = Disk(before, durability)
        at = 0
        for number, cut in enumerate(cuts):
            for step in trace[at:cut]:
                disk.take(*step)
            at = cut
            db = folder / f"state-{number}" / "sessions.db"
            disk.after_the_cut(db.parent, chosen)
            verify(place, {"c": disk.kept()}, db, high={"c": disk.said})
            refreshes(place, {"c": disk.said}, db)
            shutil.rmtree(db.parent)
        written += disk.said.count
    return f"{2 * states} states of {written} writes and {syncs} syncs, all whole, nothing promised is missing"


def moments(trace, states, chosen):
    """Where to cut: anywhere, and as often after something that is durable was acknowledged, as often after each."""
    first = len(trace) // 20
    said = {}
    for at, (_, file, _, data) in enumerate(trace):
        if file == SAID and data[:1].decode() in DURABLE and at > first:
            # A call that ends two sessions says so at once.
            said.setdefault((data[:1], data.count(b"\n")), []).append(at + 1)
    need(len(said) == len(DURABLE) + 1, f"not all durable calls were made: {list(said)}")
    after = [chosen.choice(said[kind]) for kind in sorted(said) * (states // 2 // len(said))]
    return after + [chosen.randrange(first, len(trace) + 1) for _ in range(states - len(after))]


def captured(place, writer, capture, durability, rounds):
    """What the writer did, in order."""
    path = place.folder / "trace"
    environment = {**os.environ, "LD_PRELOAD": capture, "CAPTURE_FOLDER": place.folder, "CAPTURE_TRACE": path}
    arguments = [*writer, *place.arguments("c", durability), str(rounds)]
    subprocess.run(arguments, env=environment, stdout=subprocess.DEVNULL, check=True, timeout=600)
    trace, steps, at = path.read_bytes(), [], 0
    while at < len(trace):
        kind, file, offset, length = HEAD.unpack_from(trace, at)
        at += HEAD.size
        steps.append((kind, file, offset, trace[at : at + length]))
        at += length
    return steps


class Disk:
    """Files as a disk has them: what is synced, and what is on its way."""

    def __init__(self, db, durability):
        self.synced = {DB: bytearray(db), WAL: bytearray()}
        self.pending = {DB: [], WAL: []}
        self.wal_entered = False
        self.durability = durability
        self.said, self.durably_said = Said(), Said()

    def take(self, kind, file, offset, data):
        if file == SAID:
            text = data.decode()
            self.said.hear(text)
            if text[0] in DURABLE:
                self.durably_said = copy.deepcopy(self.said)
        elif file == FOLDER:
            self.wal_entered = True
        elif kind == b"s":
            for change in self.pending[file]:
                apply(self.synced[file], *change)
            self.pending[file].clear()
        elif kind == b"u":
            self.synced[file], self.wal_entered = bytearray(), False
            self.pending[file].clear()
        else:
            self.pending[file].append((kind, offset, data))

    def kept(self):
        """What must have survived."""
        return self.said if self.durability == "commit" else self.durably_said

    def after_the_cut(self, folder, chosen):
        """Writes a state that the disk could be in."""
        folder.mkdir()
        for file, name in NAMES.items():
            content = bytearray(self.synced[file])
            pieces = [piece for change in self.pending[file] for piece in torn(*change, chosen)]
            share = chosen.choice([0, 0.1, 0.5, 0.9, 1])
            pieces = [piece for piece in pieces if chosen.random() < share]
            if chosen.random() < 0.5:
                chosen.shuffle(pieces)
            for piece in pieces:
                apply(content, *piece)
            there = file == DB or self.wal_entered or chosen.random() < 0.5
            if there and (content or file == DB):
                (folder / name).write_bytes(content)


def torn(kind, offset, data, chosen):
    if kind == b"t":
        return [(kind, offset, data)]
    piece = chosen.choice([SECTOR, HALF_PAGE, len(data)]) or 1
    return [(kind, offset + at, data[at : at + piece]) for at in range(0, len(data), piece)]


def apply(content, kind, offset, data):
    if kind == b"t":
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data
