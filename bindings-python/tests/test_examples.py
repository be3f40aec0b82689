"""The examples run, and so do the ones in docstrings and what the README shows."""

from __future__ import annotations

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import sessile

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "python"
README = Path(__file__).resolve().parents[1] / "README.md"


def test_pipeline(tmp_path: Path) -> None:
    sessile.Keyring.generate(tmp_path / "keyring.json")
    for arguments in ([], [f"sqlite:{tmp_path / 'sessions.db'}", str(tmp_path / "keyring.json")]):
        command = [sys.executable, "-W", "error", str(EXAMPLES / "pipeline.py"), *arguments]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert printed == '{"receipt": 1.0,"cart":["tea","honey","bread"],"total":14}\n'


@pytest.mark.parametrize("module", ["sessile", "sessile._configs", "sessile._session", "sessile._types", "sessile.aio"])
def test_docstrings(module: str) -> None:
    tried = doctest.testmod(importlib.import_module(module), extraglobs={"__name__": module})
    assert tried.attempted > 0
    assert tried.failed == 0


def test_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    sessile.Keyring.generate("keyring.json")
    with sessile.Store.open("sqlite:./sessions.db", keyring="keyring.json", product="shop") as store:
        token = store.tokens.issue({"sub": "ada@example.com"}, ttl=600)
    names: dict[str, Any] = {"token": token, "message": {"cart": ["tea"]}}
    programs = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.S | re.M)
    assert programs
    for program in programs:
        exec(program, names)
    assert names["message"] == {"cart": ["tea"]}
    assert "u1 ada@example.com 20" in capsys.readouterr().out
