"""What the figures were measured on: the machine, and the version of everything that took part."""

import json
import os
import platform
import re
import subprocess
from pathlib import Path

RUST = ["axum_session", "aws-lc-rs", "chacha20poly1305", "jsonwebtoken", "libsodium-sys-stable", "moka", "redis", "ring", "rusqlite",
        "serde_json", "tokio-postgres", "tower-sessions-memory-store", "tower-sessions-moka-store"]


def machine():
    names = re.findall(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return {
        "CPU": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "memory": f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "?",
        "kernel": platform.release(),
        "load before": os.getloadavg()[0],
    }


def versions(root, build):
    """Of every peer, as installed."""
    lock = (root / "benches/rust/Cargo.lock").read_text()
    rust = re.findall(r'^name = "([^"]+)"\nversion = "([^"]+)"', lock, re.MULTILINE)
    wanted = json.loads((root / "benches/node/package.json").read_text())["dependencies"]
    node = {name: json.loads((build / "node/node_modules" / name / "package.json").read_text())["version"] for name in wanted}
    frozen = said(str(build / "venv/bin/pip"), "freeze").splitlines()
    return {
        "sessile": said("git", "-C", str(root), "rev-parse", "HEAD"),
        "rust": {name: version for name, version in rust if name in RUST},
        "node": node,
        "python": dict(line.split("==") for line in frozen if "==" in line),
        "tools": {
            "rustc": said("rustc", "--version"), "node": said("node", "--version"), "python": said(str(build / "venv/bin/python"), "--version"),
            "gcc": said("gcc", "--version").splitlines()[0], "redis-server": said("redis-server", "--version"), "psql": said("psql", "--version"),
        },
    }


def said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
