"""What `import sessile` brings along, and what it leaves until it is asked for."""

import subprocess
import sys
import typing

import pytest

import sessile
from sessile import _session


def test_what_takes_long_is_imported_when_a_store_is_opened() -> None:
    program = """
import sys
slow = {"asyncio", "dataclasses", "inspect", "json", "orjson"}
had = slow & sys.modules.keys()
import sessile
print(sorted(slow & sys.modules.keys() - had))
sessile.Store.open("memory:").close()
print("orjson" in sys.modules, "sessile._stats" in sys.modules)
"""
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed == "[]\nTrue False\n"


def test_every_name_is_there() -> None:
    assert set(sessile.__all__) <= set(dir(sessile))
    for name in sessile.__all__:
        assert getattr(sessile, name) is getattr(sessile, name)
    with pytest.raises(AttributeError, match="module 'sessile' has no attribute 'Stor'"):
        getattr(sessile, "Stor")


def test_annotations_can_be_read() -> None:
    assert typing.get_type_hints(_session.Session.info)["return"] == sessile.Info | None
    assert typing.get_type_hints(sessile.Store.stats)["return"] is sessile.Stats
