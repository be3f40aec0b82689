"""Every file that a page names is there: links of Markdown pages, and `path/like.this` in code spans. Every test that
docs/security.md names is where it says, and each of its promises names one. What the README and the guides show in C and C++ compiles; their Python, Node and Rust programs are run by the tests of those packages.
"""

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

# The tests of docs/security.md: `a_test` stands in a file that its line names, or in the one that the page named last for
# those "without a file";
# `prefix_…` begins the name of a case of the vectors that its line names. A row of a table that is headed "held by" names
# a test or a file of tests.
elsewhere, before, held = "", "", False
for line in (ROOT / "docs/security.md").read_text(encoding="utf-8").splitlines():
    spans = re.findall(r"`([^`]+)`", line)
    files = [span for span in spans if span.startswith(TOP) and (ROOT / span).is_file()]
    if "named without a file" in " ".join([before, line]) and files:
        elsewhere = files[-1]
    before = line
    texts = [(ROOT / file).read_text(encoding="utf-8") for file in [*files, *filter(None, [elsewhere])]]
    tests = [span for span in spans if re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+){2,}", span)]
    for test in tests:
        checked += 1
        if not any(re.search(rf"#\[test\]\s+fn {test}\(", text) for text in texts):
            wrong.append(f"docs/security.md: there is no test {test} in {', '.join(files) or elsewhere}")
    for prefix in (span[:-1] for span in spans if re.fullmatch(r"[a-z_]+_…", span)):
        checked += 1
        if not any(f'"name": "{prefix}' in text for text in texts):
            wrong.append(f"docs/security.md: no case of {', '.join(files)} begins with {prefix}")
    held = line.startswith("|") and (held or "held by |" in line)
    if held and "held by |" not in line and not line.startswith("|---"):
        checked += 1
        if not files and not tests:
            wrong.append(f"docs/security.md: no test holds {line}")
# Around what a page shows: the README leaves its declarations out, the guides don't.
README = {
    "c": """#include <sessile.h>
#include <stdbool.h>
int main(void) {{
    sessile_error_t *err = NULL; sessile_options_t *options; sessile_store_t *store; sessile_execution_t *run, *sub;
    sessile_session_t *local, *scoped; sessile_buffer_t *message, *total; sessile_str_t token = SESSILE_STR("");
    {}
    return 0;
}}
""",
    "cpp": """#include <sessile.hpp>
#include <iostream>
int main() {{ const std::string token; {} }}
""",
}
GUIDE = {
    "c": "#include <sessile.h>\n#include <stdbool.h>\nint main(void) {{\n{}\nreturn 0;\n}}\n",
    "cpp": "#include <sessile.hpp>\n#include <iostream>\nint main() {{ {} }}\n",
}
COMPILERS = {"c": ["gcc", "-std=c11", "-x", "c"], "cpp": ["g++", "-std=c++17", "-x", "c++"]}
for page, around in [("README.md", README), ("docs/guides/form-to-session.md", GUIDE), ("docs/key-rotation.md", GUIDE), ("docs/from-sqlite-to-a-cluster.md", GUIDE)]:
    text = (ROOT / page).read_text(encoding="utf-8")
    for language, compiler in COMPILERS.items():
        (shown,) = re.findall(rf"^```{language}\n(.*?)^```", text, re.S | re.M)
        command = [*compiler, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", ROOT / "include", "-"]
        checked += 1
        if subprocess.run(command, input=around[language].format(shown), text=True).returncode:
            wrong.append(f"{page}: what it shows in {language} does not compile")

for line in wrong:
    print(line, file=sys.stderr)
print(f"docs: {checked - len(wrong)} passed, {len(wrong)} failed")
sys.exit(bool(wrong))
