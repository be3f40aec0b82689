"""Every file that a page names is there: links of Markdown pages, and `path/like.this` in code spans."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOP = ("core/", "docs/", "tests/", "examples/", "include/", "ffi-c/", "bindings-python/", "bindings-node/", "mk/", "scripts/", "benches/")

pages = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
wrong = []
checked = 0
for page in pages:
    path = ROOT / page
    text = path.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in link:
            checked += 1
            if not (path.parent / link).exists():
                wrong.append(f"{page}: links to {link}")
    for span in re.findall(r"`([^`\s]+)`", text):
        if span.startswith(TOP) and not re.search(r"[*<>{}…]|\.json:", span):
            checked += 1
            if not (ROOT / span).exists():
                wrong.append(f"{page}: names {span}")
for line in wrong:
    print(line, file=sys.stderr)
print(f"docs: {checked - len(wrong)} passed, {len(wrong)} failed")
sys.exit(bool(wrong))
