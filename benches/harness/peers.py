"""The peers and the programs that run beside them, in the benchmark's own folder: nothing enters the library's own
environments or lock files. What is there already stays, as long as what it was made from does."""

import hashlib
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path


class Workshop:
    def __init__(self, root):
        self.root = root
        self.build = root / "build/bench"
        self.benches = root / "benches"
        self.target = Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))

    def prepare(self):
        self.build.mkdir(parents=True, exist_ok=True)
        self.python()
        self.node()
        self.rust()
        self.c()

    def python(self):
        venv = self.build / "venv"
        pip = [venv / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
        requirements = self.benches / "python/requirements.txt"
        if self.changed("venv", requirements):
            run("python3", "-m", "venv", venv)
            run(*pip, "--requirement", requirements)
            self.done("venv", requirements)
        [wheel] = (self.root / "build/wheels").glob("*.whl")
        run(*pip, "--no-deps", "--force-reinstall", wheel)

    def node(self):
        """The programs lie beside the peers, for there Node looks for packages."""
        folder = self.build / "node"
        folder.mkdir(exist_ok=True)
        lock = self.benches / "node/package-lock.json"
        if self.changed("node", lock):
            for name in ("package.json", "package-lock.json"):
                shutil.copy(self.benches / "node" / name, folder)
            # better-sqlite3 is compiled against the headers of the node that is there.
            prefix = Path(shutil.which("node")).resolve().parents[1]
            run("npm", "ci", "--silent", "--no-audit", "--no-fund", cwd=folder, env={**os.environ, "npm_config_nodedir": str(prefix)})
            self.done("node", lock)
        for program in (self.benches / "node").glob("*.mjs"):
            shutil.copy(program, folder)
        ours = folder / "node_modules/sessile"
        shutil.rmtree(ours, ignore_errors=True)
        shutil.copytree(self.root / "build/node-test/node_modules/sessile", ours)

    def rust(self):
        # The flags of the library's own builds lie in the root's .cargo, which cargo looks for from where it stands.
        manifest = self.benches / "rust/Cargo.toml"
        environment = {**os.environ, "CARGO_TARGET_DIR": str(self.target)}
        run("cargo", "build", "--release", "--locked", "--manifest-path", manifest, cwd=self.root, env=environment)

    def c(self):
        source = self.benches / "c"
        pkg = {**os.environ, "PKG_CONFIG_PATH": str(self.root / "build/c/root/lib/pkgconfig")}
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "sessile"], env=pkg, capture_output=True, text=True, check=True).stdout.split()
        rpath = f"-Wl,-rpath,{self.root}/build/c/root/lib"
        shared = ["gcc", "-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"]
        run(*shared, source / "bare.c", "-o", self.build / "libbare.so")
        bare = [f"-L{self.build}", "-lbare", f"-Wl,-rpath,{self.build}"]
        run("gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", source / "bench.c", *flags, rpath, *bare, "-o", self.build / "bench_c")
        run("g++", "-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", source / "bench.cpp", *flags, rpath, "-o", self.build / "bench_cpp")
        node = Path(shutil.which("node")).resolve().parents[1] / "include/node"
        run(*shared, f"-I{node}", source / "bare_node.c", "-o", self.build / "bare.node")
        python = sysconfig.get_path("include")
        run(*shared, f"-I{python}", source / "bare_python.c", "-o", self.build / "bare.so")

    def changed(self, name, source):
        mark = self.build / f".{name}"
        return not mark.exists() or mark.read_text() != digest(source)

    def done(self, name, source):
        (self.build / f".{name}").write_text(digest(source))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(*command, **options):
    subprocess.run([str(part) for part in command], check=True, **options)
