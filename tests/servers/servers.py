"""Servers for tests: a Redis, a Redis Cluster and a PostgreSQL on free ports of 127.0.0.1 with temporary folders, stopped with
them. The first and the last have many databases, so that several programs can use them at once, each an empty one."""

import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


class Redis:
    """One that forgets everything when it ends. Its databases have numbers."""

    name = "redis"
    alone = False

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sessile-redis-")
        self.port = free_port()
        self.made = 0
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder, "--save", "", "--databases", "64"]
        self.process = start(command, "redis-server")
        wait_until("redis-server answers", lambda: self._ask(0, b"PING") == b"+PONG")

    def database(self):
        """The URL of an empty database, and the function that empties it again."""
        number = self.made
        self.made += 1
        return f"redis://127.0.0.1:{self.port}/{number}", lambda: self._empty(number)

    def _empty(self, number):
        answer = self._ask(number, b"FLUSHDB")
        assert answer == b"+OK", answer

    def _ask(self, number, command):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 30) as server, server.makefile("rb") as answers:
                server.sendall(b"SELECT %d\r\n%s\r\n" % (number, command))
                return [answers.readline().rstrip() for _ in range(2)][1]
        except ConnectionError as error:
            return str(error).encode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        stop(self.process, signal.SIGKILL)
        shutil.rmtree(self.folder)


class RedisCluster:
    """Three primaries, each with a replica, which forget everything when they end. It is one database: who uses it is alone."""

    name = "redis-cluster"
    alone = True

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sessile-cluster-")
        self.ports = [free_port() for _ in range(6)]
        self.processes = []
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise

    def _start(self):
        for port in self.ports:
            os.mkdir(f"{self.folder}/{port}")
            command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", f"{self.folder}/{port}", "--save", ""]
            command += ["--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-node-timeout", "60000"]
            self.processes.append(start(command, "redis-server"))
        for port in self.ports:
            wait_until("every node answers", lambda port=port: self._ask(port, b"PING") == b"+PONG")
        hosts = [f"127.0.0.1:{port}" for port in self.ports]
        create = ["redis-cli", "--cluster", "create", *hosts, "--cluster-replicas", "1", "--cluster-yes"]
        made = subprocess.run(create, capture_output=True, text=True, check=False)
        assert "All 16384 slots covered" in made.stdout, made.stdout + made.stderr
        self.primaries = [port for port in self.ports if self._follows_nobody(port)]
        for port in self.ports:
            wait_until("every node knows the cluster", lambda port=port: b"cluster_state:ok" in self._told(port, b"CLUSTER INFO"))

    def database(self):
        """Its URL, by two of its nodes, and the function that empties it."""
        return f"redis+cluster://127.0.0.1:{self.ports[0]},127.0.0.1:{self.ports[5]}", self._empty

    def _empty(self):
        for port in self.primaries:
            answer = self._ask(port, b"FLUSHALL")
            assert answer == b"+OK", answer

    def _follows_nobody(self, port):
        return b"role:master" in self._told(port, b"INFO replication")

    @staticmethod
    def _ask(port, command):
        try:
            with socket.create_connection(("127.0.0.1", port), 30) as server, server.makefile("rb") as answers:
                server.sendall(command + b"\r\n")
                return answers.readline().rstrip()
        except ConnectionError as error:
            return str(error).encode()

    @staticmethod
    def _told(port, command):
        """A long answer, as a whole."""
        with socket.create_connection(("127.0.0.1", port), 30) as server, server.makefile("rb") as answers:
            server.sendall(command + b"\r\n")
            return answers.read(int(answers.readline()[1:]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            stop(process, signal.SIGKILL)
        shutil.rmtree(self.folder)


class Postgres:
    """One that trusts everybody on this machine. It refuses to be root's, so it is nobody's then."""

    name = "postgresql"
    alone = False

    # Quicker than to make the tables again.
    EMPTY = (
        "DO $$ BEGIN IF to_regclass('sessile.format') IS NOT NULL THEN DELETE FROM sessile.session; DELETE FROM sessile.cell; "
        "DELETE FROM sessile.user_record; DELETE FROM sessile.listing; DELETE FROM sessile.meta; END IF; END $$"
    )

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sessile-postgres-")
        self.port = free_port()
        self.consoles = []
        data = f"{self.folder}/data"
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody", "nogroup")
        made = ["--no-sync", "--auth=trust", "--username=sessile", "--encoding=UTF8", "--locale=C", "-D", data]
        subprocess.run([*self._as_nobody(), self._program("initdb"), *made], check=True, cwd="/", **QUIET)
        # No test asks what a power cut leaves.
        settings = ["fsync=off", "unix_socket_directories=", "shared_buffers=32MB", "max_connections=200"]
        command = [*self._as_nobody(), self._program("postgres"), "-D", data, "-p", str(self.port), "-h", "127.0.0.1"]
        command += [part for setting in settings for part in ("-c", setting)]
        self.process = start(command, "postgres")
        wait_until("postgres answers", lambda: self._ask("SELECT 1").returncode == 0)

    def database(self):
        """The URL of an empty database, and the function that empties it again."""
        name = f"test{len(self.consoles)}"
        made = self._ask(f"CREATE DATABASE {name}")
        assert made.returncode == 0, made.stderr
        url = f"postgresql://sessile@127.0.0.1:{self.port}/{name}"
        console = Console(url)
        self.consoles.append(console)
        return url, lambda: console.run(self.EMPTY)

    def _ask(self, statement):
        url = f"postgresql://sessile@127.0.0.1:{self.port}/postgres"
        command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, url]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    @staticmethod
    def _as_nobody():
        if os.geteuid() != 0:
            return []
        # With its parent's death it ends too.
        return ["setpriv", "--pdeathsig", "QUIT", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]

    @staticmethod
    def _program(name):
        """Where Debian puts it, the newest; else wherever it is found."""
        versions = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
        return versions[-1] if versions else name

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for console in self.consoles:
            console.close()
        stop(self.process, signal.SIGQUIT)
        shutil.rmtree(self.folder)


class Console:
    """A `psql` that stays, for who asks often."""

    def __init__(self, url):
        command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", url]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, statement):
        """Waits until it is done."""
        self.process.stdin.write(f"{statement};\n\\echo done\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer.strip() == "done", f"psql ended at {statement}"

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)


class Emptier:
    """A Unix socket at `path`: whoever connects to it is sent a byte when `empty` is done."""

    def __init__(self, path, empty):
        self.path, self.empty = str(path), empty
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(self.path)
        self.listening.listen()
        # Waits for the next until the program ends.
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            asking, _ = self.listening.accept()
            with asking:
                self.empty()
                asking.sendall(b".")


def start(command, package):
    try:
        return subprocess.Popen(command, cwd="/", **QUIET)
    except FileNotFoundError as error:
        raise SystemExit(f"{error.filename} is not there: install Debian's package for {package}") from error


def stop(process, how):
    process.send_signal(how)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def wait_until(what, is_so):
    patience = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < patience, f"waited in vain until {what}"
        time.sleep(0.05)
