"""The one place where storage, engine and service are joined."""

import logging
import os
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outlast.core.errors import OutlastError, Refused, StoreBroken, UsageError
from outlast.core.job import Home, Job, NewJob, Spec
from outlast.core.places import Places
from outlast.core.policies import Backoff, Policy
from outlast.durable import ensure_directory
from outlast.engine.chores import Chore
from outlast.engine.doorbell import SocketDoorbell
from outlast.engine.launch import Launch
from outlast.engine.witness import Witness
from outlast.service import Service, forget_files
from outlast.settings import Settings, load_settings
from outlast.storage.sqlite import SqliteStore
from outlast.storage.view_file import ViewFile, import_view

if TYPE_CHECKING:
    from outlast.backends import ServiceBackend

log = logging.getLogger("outlast")


def open_service(settings: Settings, *, client: str) -> Service:
    """Return the service of the settings' store; `client` (cli, library, mcp, web) is part of who acts."""
    refuse_windows()
    places = prepare_places(settings)
    store = open_store(settings, places)
    doorbell = SocketDoorbell(
        str(places.socket),
        launch_of(settings, places),
        has_row=lambda: store.supervisor() is not None,
        has_work=store.has_work,
    )
    return Service(
        store,
        places,
        doorbell,
        actor=f"{client}:{_user()}",
        publish=ViewFile(store, places.view).write,
        witness=Witness(places, may_start=settings.autostart),
        on_end=settings["OUTLAST_ON_END"],
    )


def open_backend(flags: Mapping[str, str]) -> "ServiceBackend":
    """Return the backend of the library."""
    from outlast.backends import ServiceBackend

    settings = load_settings(flags)
    try:
        service = open_service(settings, client="library")
    except OSError as error:
        place = os.fsdecode(error.filename or settings.data_dir)
        raise StoreBroken(
            f"{place}: {error.strerror or error}.",
            "Name a directory that can be written, with data_dir or JOBS_DATA_DIR.",
        ) from error
    return ServiceBackend(service, lambda: timezone_of(settings))


def timezone_of(settings: Settings) -> str:
    """Return the time zone of schedules that name none: the setting, else the system's."""
    from outlast.scheduling import system_timezone

    return settings["OUTLAST_TIMEZONE"] or system_timezone()


def open_store(settings: Settings, places: Places) -> SqliteStore:
    """Open the store; the first time, take over what an old jobs.json holds."""
    store = SqliteStore(store_path(settings, places))
    import_view(store, places.view)
    return store


def store_path(settings: Settings, places: Places) -> Path:
    """Return the file of the store."""
    url = settings["OUTLAST_STORE"]
    return places.store if url is None else _path_of(url)


def places_of(settings: Settings) -> Places:
    """Return the places of the settings' data directory; nothing is made."""
    return Places(settings.data_dir if settings.persist else _memory_path(settings.data_dir))


def prepare_places(settings: Settings) -> Places:
    """Return the places of the settings' data directory, its directories made."""
    if settings.persist:
        places = Places(settings.data_dir)
        ensure_directory(places.root)
    else:
        places = Places(_memory_directory(settings.data_dir))
    ensure_directory(places.logs)
    ensure_directory(places.run, private=True)
    return places


def supervise(settings: Settings, **duty: Any) -> None:
    """Supervise the settings' store in this process until there is nothing left to do, or a signal says stop.

    Keyword arguments are fields of `Duty`. Raise Busy if another process supervises it.
    """
    from outlast.backends import ServiceBackend
    from outlast.engine.supervisor import Duty, Supervisor

    refuse_windows()
    places = prepare_places(settings)
    store = open_store(settings, places)
    on_end = settings["OUTLAST_ON_END"]
    service = Service(store, places, _OwnDoorbell(), actor="job", publish=lambda: None, on_end=on_end)
    supervisor = Supervisor(
        store,
        places,
        launch_of(settings, places),
        Duty(
            **{
                "concurrency": settings.concurrency,
                "grace_seconds": settings.grace_seconds,
                "max_crashes": settings.max_crashes,
                "at_once": settings["OUTLAST_QUEUE_LIMITS"] or {},
                "chores": chores_of(settings, store, places),
                **duty,
            }
        ),
        rewriting=ViewFile(store, places.view).rewriting,
        calls=partial(answer_call, ServiceBackend(service)),
    )
    supervisor.run()
    store.close()
    if not settings.persist:
        import shutil

        shutil.rmtree(places.root, ignore_errors=True)


def chores_of(settings: Settings, store: SqliteStore, places: Places) -> tuple[Chore, ...]:
    """Return what a supervisor of these settings does by the clock."""
    from outlast.engine.retention import Retention, Terms
    from outlast.storage.sqlite.backup import EVERY_SECONDS, Backup

    terms = Terms(
        read_seconds=settings["OUTLAST_RETENTION"],
        unread_seconds=settings["OUTLAST_RETENTION_UNREAD"],
        history_seconds=settings["OUTLAST_HISTORY"],
    )
    retention = Retention(store, terms, forget_files=partial(forget_files, places), trust_file=places.clock)
    backup = [Chore(name="back up the store", every_seconds=EVERY_SECONDS, work=Backup(store).work)]
    return (terms.chore(retention), *(backup if settings.persist else ()))


def supervise_detached() -> None:
    """Be the supervisor that `Launch` starts: log to stderr, which is its log file, and say nothing if one lives."""
    from outlast.core.errors import Busy

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    try:
        supervise(load_settings())
    except Busy:
        os._exit(0)
    except OutlastError as error:
        log.error("%s", error)
        os._exit(error.exit_code)
    os._exit(0)


def launch_of(settings: Settings, places: Places) -> Launch:
    """Return how to start a supervisor with these settings."""
    return Launch(
        interpreter=sys.executable or "python3",
        cwd=str(places.root),
        log=str(places.supervisor_log),
        settings=settings.texts,
        allowed=settings.autostart,
    )


def answer_call(backend: "ServiceBackend", method: str, params: Mapping[str, Any], *, caller: Job | None) -> Any:
    """Answer what a running job asks of its store. Raise OutlastError."""
    if method == "submit":
        actor = f"job:{caller.id}" if caller is not None else ""
        return backend.submit([_new_job(fields, actor) for fields in params["jobs"]])
    allowed: dict[str, Callable[..., Any]] = {
        "view": backend.view,
        "find": backend.find,
        "list": backend.list,
        "act": backend.act,
        "prune": backend.prune,
        "stats": backend.stats,
        "logs": backend.logs,
    }
    if method not in allowed:
        raise UsageError(f"{method!r:.40} is no call.", f"Use one of {', '.join(allowed)}.")
    return allowed[method](**params)


class _OwnDoorbell:
    """The supervisor's own: it notices by itself."""

    def ring(self, *, wish: bool = False) -> bool:
        return True

    def ensure(self) -> bool:
        return True

    def tell_read(self, job_ids: Sequence[str]) -> bool:
        return False

    def wait(self, seconds: float) -> None:
        raise Refused("A supervisor does not wait for its own jobs.")

    def close(self) -> None:
        """Do nothing: there is no line."""


def _new_job(fields: Mapping[str, Any], actor: str) -> NewJob:
    spec = fields["spec"]
    policy = spec["policy"]
    return NewJob(
        **{
            **fields,
            "actor": actor,
            "spec": Spec(
                kind=spec["kind"],
                target=spec["target"],
                policy=Policy(
                    **{**policy, "backoff": Backoff(**policy["backoff"]), "retry_on": tuple(policy["retry_on"])}
                ),
                home=Home(**{**spec["home"], "path": tuple(spec["home"]["path"])}),
            ),
        }
    )


def _memory_directory(data_dir: Path) -> Path:
    """Return the private directory on a memory file system that stands for `data_dir`. Raise Refused if it is not ours.

    It is named after the data directory, so that all commands of one user find the same one.
    """
    path = _memory_path(data_dir)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise Refused(
                f"{path} is not a private directory of yours.", "Remove it, or set PERSIST_JOBS=true."
            ) from None
    else:
        log.warning("PERSIST_JOBS=false: jobs are kept in memory (%s) and are gone after a restart.", path)
    return path


def _memory_path(data_dir: Path) -> Path:
    import hashlib
    import tempfile

    shared = Path("/dev/shm")
    base = shared if shared.is_dir() and os.access(shared, os.W_OK) else Path(tempfile.gettempdir())
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return base / f"outlast-{os.getuid()}-{digest}"


def _path_of(url: str) -> Path:
    if not url.startswith("sqlite:///"):
        raise UsageError(
            f"OUTLAST_STORE={url.partition(':')[0]}:… is not supported yet.", "Use sqlite:///path/jobs.db."
        )
    return Path(url.removeprefix("sqlite://")).resolve()


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def refuse_windows() -> None:
    """Raise Refused on Windows."""
    if sys.platform == "win32":
        raise Refused("Outlast runs on Linux and macOS.", "On Windows use WSL.")
