"""What the guides and the run-book of keys show in Python runs as it stands, and prints what the comments of its ``print`` lines say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REST

import sessile

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDES = DOCS / "guides"
RUN_BOOK = DOCS / "key-rotation.md"
TO_A_CLUSTER = DOCS / "from-sqlite-to-a-cluster.md"
# What it copies to, for who has no server of that name.
SERVER = "redis://sessions.internal"

PROGRAMS = [
    pytest.param(program, id=f"{page.stem}-{number}")
    for page in [*sorted(GUIDES.glob("*.md")), RUN_BOOK, TO_A_CLUSTER]
    for number, program in enumerate(re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.S | re.M), 1)
]

# Nobody waits a minute here: keys of the file are made older instead.
IN_NO_TIME = """
import json, pathlib, runpy, time

def pass_time(seconds):
    path = pathlib.Path("keyring.json")
    keyring = json.loads(path.read_text())
    for key in keyring["data"]:
        key["created"] = "2020-01-01T00:00:00Z"
    path.write_text(json.dumps(keyring))

time.sleep = pass_time
runpy.run_path("guide.py", run_name="__main__")
"""


def in_use(folder: Path) -> None:
    """What the pages about stores in use begin with: one, and its keyring."""
    sessile.Keyring.generate(folder / "keyring.json")
    with sessile.Store.open(f"sqlite:{folder / 'sessions.db'}", keyring=folder / "keyring.json") as store:
        token = store.tokens.issue({"sub": "ada"}, ttl=600)
        store.execution(REST, token).global_().put({"cart": ["tea"]})


def test_every_guide_has_a_program() -> None:
    assert len(PROGRAMS) > len(list(GUIDES.glob("*.md"))) > 0


@pytest.mark.parametrize("program", PROGRAMS)
def test_guide(program: str, tmp_path: Path) -> None:
    wanted = re.findall(r"^ *print\(.*\)  # (.*)$", program, re.M)
    assert len(wanted) == program.count("print(") > 0, "every print says what it prints"
    (tmp_path / "guide.py").write_text(program.replace(SERVER, "sqlite:server.db"), "utf-8")
    (tmp_path / "in_no_time.py").write_text(IN_NO_TIME, "utf-8")
    if "time.sleep" in program or SERVER in program:
        in_use(tmp_path)
    command = [sys.executable, "-W", "error", "in_no_time.py" if "time.sleep" in program else "guide.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == wanted
