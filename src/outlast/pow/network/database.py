"""PostgreSQL with a deadline on every call. What hangs is cut off: the client library alone would wait for ever."""

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from outlast.pow.network.deadline import Cord, TookTooLong, within
from outlast.pow.network.safetext import masked, one_line

if TYPE_CHECKING:
    from psycopg import Connection

T = TypeVar("T")
Row = tuple[str | None, ...]
"""A row as PostgreSQL writes it: the text of each column, None for NULL."""

INSTALL = "psycopg, which speaks to PostgreSQL, is missing: pip install 'outlast[postgres]'"
_NO_ADDRESS = (
    "this is no PostgreSQL address; write it like postgresql://user:password@host:5432/database, with special "
    "characters of the password percent-encoded"
)
_CONNECT_SECONDS = 2
"""For each address of a host; psycopg knows no less."""
_LAST_WORDS_SECONDS = 1.0
"""How long a talk that was cut off may take to notice; nearly always far less."""
_SECRET_WORDS = ("password", "sslpassword", "oauth_client_secret")


class DatabaseFailed(Exception):
    """A call failed. `sqlstate` is the server's word for it; empty if it is gone, silent, or was never reached."""

    def __init__(self, text: str, sqlstate: str = "") -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Where a database is and how one gets in."""

    parameters: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


def read_login(url: str) -> Login:
    """Return the login that a DATABASE_URL describes. Raise DatabaseFailed; its text does not repeat the URL."""
    try:
        from psycopg import Error
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise DatabaseFailed(INSTALL) from None
    try:
        parameters = {name: str(value) for name, value in conninfo_to_dict(url.strip()).items()}
    except (Error, ValueError):
        raise DatabaseFailed(_NO_ADDRESS) from None
    # A password with `/` in it ends the host too early, and its pieces would be shown as port or database.
    ports = parameters.get("port", "").split(",")
    if not all(port.isdecimal() for port in ports if port) or "@" in parameters.get("dbname", ""):
        raise DatabaseFailed(_NO_ADDRESS)
    return Login(parameters=parameters, secrets=tuple(parameters.get(word, "") for word in _SECRET_WORDS))


def ask_once(url: str, text: str, *, seconds: float) -> list[Row]:
    """Connect, ask one thing in a transaction that only reads, and leave, all in `seconds`. Raise DatabaseFailed."""
    login = read_login(url)

    def talk(cord: Cord) -> list[Row]:
        with contextlib.closing(_connect(login, cord)) as connection:
            connection.read_only = True
            _limit(connection, seconds)
            return _ask(connection, text, ())

    return _settled(login, seconds, talk)


class Session:
    """One connection with one transaction, which is rolled back at the end unless it was committed.

    Every call takes at most `seconds`; after one that failed nothing more can be done with the session.
    """

    def __init__(self, url: str, *, seconds: float) -> None:
        """Connect and begin. Raise DatabaseFailed."""
        self._login = read_login(url)
        self._seconds = seconds
        self._in_use = threading.Lock()

        def talk(cord: Cord) -> "Connection":
            connection = _connect(self._login, cord)
            try:
                _limit(connection, seconds)
            except BaseException:
                connection.close()
                raise
            return connection

        self._connection = _settled(self._login, seconds, talk)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Closed under a talk that was just cut off, the connection would be freed while it is used.
        if self._in_use.acquire(timeout=_LAST_WORDS_SECONDS):
            self._connection.close()

    @property
    def version(self) -> int:
        """The server's version: 170002 for 17.2."""
        return self._connection.info.server_version

    def ask(self, text: str, *parameters: str) -> list[Row]:
        """Run one statement and return its rows. Raise DatabaseFailed."""
        return self._run(lambda connection: _ask(connection, text, parameters))

    def commit(self) -> None:
        """Commit. Raise DatabaseFailed; whether it was committed is then unknown."""
        self._run(lambda connection: connection.commit())

    def _run(self, action: "Callable[[Connection], T]") -> T:
        def talk(cord: Cord) -> T:
            with self._in_use:
                cord.hold(self._connection.fileno())
                return action(self._connection)

        return _settled(self._login, self._seconds, talk)


def _connect(login: Login, cord: Cord) -> "Connection":
    import psycopg

    defaults = {"connect_timeout": _CONNECT_SECONDS, "application_name": "outlast"}
    # prepare_threshold: a pooler between us and the server may know nothing of prepared statements.
    connection = psycopg.connect(
        prepare_threshold=None,
        **{**defaults, **login.parameters, "client_encoding": "utf8"},  # type: ignore[arg-type]
    )
    try:
        cord.hold(connection.fileno())
    except BaseException:
        connection.close()
        raise
    return connection


def _limit(connection: "Connection", seconds: float) -> None:
    """Let the server stop by itself: a statement it is left alone with would hold its locks and a connection."""
    _ask(connection, f"SET LOCAL statement_timeout = {max(1, round(seconds * 900))}", ())
    _ask(connection, "SET LOCAL idle_in_transaction_session_timeout = 60000", ())


def _ask(connection: "Connection", text: str, parameters: tuple[str, ...]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(text, parameters or None)
        result = cursor.pgresult
        if result is None:
            return []
        columns = range(result.nfields)
        return [tuple(_text(result.get_value(row, column)) for column in columns) for row in range(result.ntuples)]


def _text(value: bytes | None) -> str | None:
    return None if value is None else bytes(value).decode("utf-8", errors="replace")


def _settled(login: Login, seconds: float, talk: Callable[[Cord], T]) -> T:
    """Return what `talk` returns within the deadline, and tell in one line without secrets why it does not."""
    import psycopg

    try:
        return within(seconds, talk)
    except TookTooLong:
        raise DatabaseFailed(f"no answer within {seconds:g} s") from None
    except psycopg.Error as error:
        text = error.diag.message_primary or str(error).strip().partition("\n")[0]
        raise DatabaseFailed(one_line(masked(text, login.secrets)), error.sqlstate or "") from None
    except (OSError, ValueError) as error:
        raise DatabaseFailed(one_line(masked(str(error), login.secrets))) from None
