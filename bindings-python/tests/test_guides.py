"""What the guides show in Python runs as it stands, and prints what the comments of its ``print`` lines say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"

PROGRAMS = [
    pytest.param(program, id=f"{page.stem}-{number}")
    for page in sorted(GUIDES.glob("*.md"))
    for number, program in enumerate(re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.S | re.M), 1)
]


def test_every_guide_has_a_program() -> None:
    assert len(PROGRAMS) >= len(list(GUIDES.glob("*.md"))) > 0


@pytest.mark.parametrize("program", PROGRAMS)
def test_guide(program: str, tmp_path: Path) -> None:
    wanted = re.findall(r"^ *print\(.*\)  # (.*)$", program, re.M)
    assert len(wanted) == program.count("print(") > 0, "every print says what it prints"
    (tmp_path / "guide.py").write_text(program, "utf-8")
    command = [sys.executable, "-W", "error", "guide.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == wanted
