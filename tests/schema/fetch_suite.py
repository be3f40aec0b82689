#!/usr/bin/env python3
"""Gets the JSON-Schema-Test-Suite: it ships inside the source distribution of the Python package jsonschema, which
suite.txt pins. `make test-rust` runs it; by hand:

    tests/schema/fetch_suite.py            # prints the folder of the suite, fetched into build/ if it is not there
    SESSILE_SCHEMA_SUITE=$(tests/schema/fetch_suite.py) cargo test -p sessile --lib schema::suite -- --nocapture
"""
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PINNED = Path(__file__).with_name("suite.txt")
VERSION = re.search(r"jsonschema==(\S+)", PINNED.read_text()).group(1)
HOME = Path(__file__).resolve().parents[2] / "build" / "schema-suite" / VERSION


def fetch():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                        "--no-binary", "jsonschema", "--require-hashes", "--requirement", PINNED, "--dest", folder],
                       check=True, stdout=sys.stderr)
        with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as archive:
            prefix = f"jsonschema-{VERSION}/json/tests/"
            members = [member for member in archive.getmembers() if member.isfile() and member.name.startswith(prefix)]
            for member in members:
                to = HOME / member.name.removeprefix(prefix)
                to.parent.mkdir(parents=True, exist_ok=True)
                to.write_bytes(archive.extractfile(member).read())


if not (HOME / "draft2020-12").is_dir():
    fetch()
print(HOME)
