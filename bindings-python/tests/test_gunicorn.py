"""gunicorn's workers on one store, opened by each of them or, with --preload, by their master before it forks."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import sessile

WORKERS, REQUESTS = 3, 120


def _ask(path: Path) -> tuple[int, int]:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(30)
        asking.connect(str(path))
        asking.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while part := asking.recv(4096):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 200 " in head, answer
    worker, count = body.split()
    return int(worker), int(count)


@pytest.mark.parametrize("preload", [False, True])
def test_workers_share_a_store(shared: dict[str, Any], tmp_path: Path, preload: bool) -> None:
    address = tmp_path / "s"
    environment = {
        **os.environ,
        "SESSILE_SERVED": json.dumps({**shared, "keyring": str(shared["keyring"])}),
    }
    command = [sys.executable, "-m", "gunicorn", "--workers", str(WORKERS), "--bind", f"unix:{address}", "served:app"]
    command += ["--chdir", str(Path(__file__).parent), "--log-level", "warning", "--no-control-socket"]
    command += ["--preload"] if preload else []
    server = subprocess.Popen(command, env=environment)
    try:
        until = time.monotonic() + 30
        while not address.exists():
            assert server.poll() is None and time.monotonic() < until, "gunicorn did not start"
            time.sleep(0.05)
        # The first worker may answer everything before the others are there.
        answers: list[tuple[int, int]] = []
        with ThreadPoolExecutor(8) as askers:
            while len({worker for worker, _ in answers}) < WORKERS and time.monotonic() < until:
                answers += askers.map(lambda _: _ask(address), range(REQUESTS))
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    assert len({worker for worker, _ in answers}) > 1, "more than one worker answered"
    assert sorted(count for _, count in answers) == list(range(1, len(answers) + 1)), "each request counted once"
    with sessile.Store.open(**shared) as store:
        token = store.tokens.issue({"sub": "served"}, ttl=60)
        session = store.execution({"type": "rest", "security": "jwt"}, token).global_()
        assert (session["served"], session["opened"]) == (len(answers), 1 if preload else WORKERS)
