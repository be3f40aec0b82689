"""What is shipped: how long it takes to load, and how large it is."""

import gzip
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .stats import Figure

MIB = 2**20


def imports(build, rounds):
    """Each in processes of their own, in turns with a bare interpreter."""
    python = build / "venv/bin/python"
    bare, ours, node = [], [], []
    for _ in range(rounds + 1):
        bare.append(wall(python, "-c", "pass"))
        ours.append(wall(python, "-c", "import sessile"))
        node.append(required(build / "node"))
    # The first of each found nothing in the page cache.
    above = tuple(one - other for one, other in zip(ours[1:], bare[1:]))
    return {
        ("import.python", "import sessile, above the interpreter"): Figure(above, "ms"),
        ("import.python", "the bare interpreter"): Figure(tuple(bare[1:]), "ms"),
        ("import.node", "require('sessile')"): Figure(tuple(node[1:]), "ms"),
    }


def wall(*command):
    started = time.perf_counter()
    subprocess.run([str(part) for part in command], check=True)
    return (time.perf_counter() - started) * 1000


def required(folder):
    program = "const t = process.hrtime.bigint(); require('sessile'); console.log(JSON.stringify(Number(process.hrtime.bigint() - t) / 1e6))"
    return json.loads(subprocess.run(["node", "-e", program], cwd=folder, capture_output=True, text=True, check=True).stdout)


def sizes(root):
    [wheel] = (root / "build/wheels").glob("*.whl")
    [package] = (root / "build").glob("sessile-*.tgz")
    library = (root / "build/c/root/lib/libsessile.so").resolve()
    with tempfile.TemporaryDirectory() as folder:
        stripped = Path(folder) / "libsessile.so"
        shutil.copy(library, stripped)
        subprocess.run(["strip", str(stripped)], check=True)
        files = {"Python wheel": wheel.stat().st_size, "Node package": package.stat().st_size, "libsessile.so, stripped": stripped.stat().st_size,
                 "libsessile.so, stripped, gzip": len(gzip.compress(stripped.read_bytes()))}
    return {("size", name): Figure((size / MIB,), "MiB") for name, size in files.items()}
