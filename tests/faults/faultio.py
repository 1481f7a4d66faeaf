"""faultio.c from Python: building it, preloading it, and arming it from inside a process that has it."""

import ctypes
import errno
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("faultio.c")
EVERY_CALL = "open,write,fsync,rename,unlink,truncate,mkdir,link,lock"
"""All that changes a file, or who may."""
EVERY_WRITE = "open,write,fsync,rename,unlink,truncate,mkdir,link"
"""The same without locks, for which SQLite waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Which call is struck, and how: see faultio.c."""

    nth: int
    mode: str = "kill"
    ops: str = EVERY_CALL
    path: str = ""
    error: int = errno.EIO
    sticky: bool = False


def build(directory: Path) -> Path | None:
    """Compile the library into a directory; None where there is no gcc."""
    compiler = shutil.which("gcc")
    if compiler is None:
        return None
    library = directory / "faultio.so"
    command = [compiler, "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    return library


def arm(fault: Fault) -> None:
    """Strike a call of this process from now on; the library is preloaded."""
    ctypes.CDLL(None).faultio_arm(
        fault.ops.encode(),
        fault.path.encode(),
        ctypes.c_long(fault.nth),
        fault.mode.encode(),
        ctypes.c_int(fault.error),
        ctypes.c_int(fault.sticky),
    )


def disarm() -> int:
    """Strike nothing any more; return how many calls were counted."""
    library = ctypes.CDLL(None)
    library.faultio_count.restype = ctypes.c_uint64
    seen = int(library.faultio_count())
    arm(Fault(nth=0))
    return seen
