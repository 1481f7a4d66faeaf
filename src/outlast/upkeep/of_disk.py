"""Checks of where the data lie: room, the file system, owners and modes, and what killed writers left."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from outlast.core.findings import Finding
from outlast.durable import leftovers
from outlast.storage.sqlite.beside import SIDES, backup_of, marker_of
from outlast.upkeep.patient import Patient, counted, few, ok, problem, warning

LEAST_BYTES = 64 * 1024 * 1024
FEW_BYTES = 1024**3
LEAST_INODES = 1_000

NETWORK = {
    0x6969: "NFS",
    0xFF534D42: "CIFS",
    0xFE534D42: "SMB",
    0x517B: "SMB",
    0x01021997: "9P",
    0x5346414F: "AFS",
    0x6B414653: "AFS",
    0x73757245: "Coda",
    0x564C: "NCP",
    0x00C36400: "Ceph",
    0x0BD00BD0: "Lustre",
    0x47504653: "GPFS",
    0x7461636F: "OCFS2",
    0x01161970: "GFS2",
    0x786F4256: "a VirtualBox share",
    0x19830326: "BeeGFS",
    0xAAD7AAEA: "PanFS",
}
"""File systems that several machines share, by their number in statfs(2)."""
FUSE = 0x65735546
_FUSE_OF_NETWORKS = frozenset({"sshfs", "glusterfs", "s3fs", "gcsfuse", "rclone", "ceph-fuse", "davfs", "curlftpfs"})
MEMORY = (0x01021994, 0x858458F6)


def room(patient: Patient) -> Finding:
    """Tell how much may still be written."""
    try:
        disk = os.statvfs(existing(patient.places.root))
    except OSError as error:
        return problem("room", f"The disk cannot be asked: {error.strerror}.", "See to the disk (dmesg).")
    free = disk.f_bavail * disk.f_frsize
    words = f"{free / 1e9:,.1f} GB are free" if free >= FEW_BYTES else f"{free / 1e6:,.0f} MB are free"
    fix = "Free some space; `outlast prune --older-than 1h` removes old jobs."
    if free < LEAST_BYTES:
        return problem("room", f"Only {words} for {patient.places.root}.", fix)
    if disk.f_files and disk.f_favail < LEAST_INODES:
        return problem("room", f"Only {disk.f_favail:,} more files fit on the disk.", "Remove files of the disk.")
    if free < FEW_BYTES and free < 0.05 * disk.f_blocks * disk.f_frsize:
        return warning("room", f"Only {words} for {patient.places.root}.", fix)
    return ok("room", f"{words[0].upper()}{words[1:]}.")


def file_system(patient: Patient) -> Finding:
    """Tell whether the data lie on a disk of this machine."""
    number = file_system_of(existing(patient.path))
    if number is None:
        return ok("file system", "It cannot be told here what kind it is.")
    network = NETWORK.get(number) or (_network_of_fuse(patient.path) if number == FUSE else "")
    if network:
        says = f"{patient.places.root} lies on {network}, a network file system: jobs may be lost or run twice there."
        return problem("file system", says, "Set JOBS_DATA_DIR to a disk of this machine.")
    if number == FUSE:
        return ok("file system", "It is a FUSE file system. If another machine writes there too, use a local disk.")
    if number in MEMORY and patient.settings.persist:
        return ok("file system", "It is in memory: jobs are gone after a restart of the machine.")
    return ok("file system", "It is a disk of this machine.")


def file_system_of(path: Path) -> int | None:
    """Return the type of a file system as statfs(2) has it, None where it cannot be told."""
    if sys.platform != "linux":
        return _by_name(path)
    import ctypes

    answer = ctypes.create_string_buffer(256)
    if ctypes.CDLL(None, use_errno=True).statfs(os.fsencode(path), answer) != 0:
        return None
    # The type is the first word of the structure.
    return ctypes.c_long.from_buffer_copy(answer).value & 0xFFFFFFFF


def _network_of_fuse(path: Path) -> str:
    """Return the name of a FUSE file system that belongs to other machines, empty for any other."""
    real, kind, longest = os.path.realpath(path), "", -1
    with suppress(OSError), open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
        for line in mounts:
            place, rest = line.split(" ")[4], line.partition(" - ")[2]
            if len(place) > longest and os.path.commonpath([real, place]) == place:
                kind, longest = rest.partition(" ")[0].removeprefix("fuse."), len(place)
    return kind if kind in _FUSE_OF_NETWORKS else ""


def _by_name(path: Path) -> int | None:
    """Return the number of the same file system on Linux, as far as it is one that matters."""
    import psutil

    mounts = sorted(psutil.disk_partitions(all=True), key=lambda mount: len(mount.mountpoint), reverse=True)
    real = os.path.realpath(path)
    kind = next((mount.fstype for mount in mounts if real.startswith(mount.mountpoint)), "")
    return {"nfs": 0x6969, "smbfs": 0x517B, "afpfs": 0x5346414F, "macfuse": FUSE}.get(kind)


def existing(path: Path) -> Path:
    """Return a path, or what exists of it."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def permissions(patient: Patient) -> Finding:
    """Tell whether every file is ours, and nobody else can write it."""
    foreign: list[str] = []
    shut: list[str] = []
    loose: list[str] = []
    for path, found in _files(patient):
        if found.st_uid != os.geteuid():
            foreign.append(str(path))
        elif not os.access(path, os.R_OK | os.W_OK):
            shut.append(str(path))
        elif _is_loose(patient, path, found):
            loose.append(str(path))
    user = os.geteuid()
    if shut:
        return problem("permissions", f"{few(shut)} cannot be written.", "chmod u+rw them, or mount the disk writable.")
    if foreign and user != 0:
        says = f"{few(foreign)} {'belongs' if len(foreign) == 1 else 'belong'} to another user."
        return problem(
            "permissions", says, f"Use one user for one data directory: chown -R {user} {patient.places.root}"
        )
    if loose:
        return warning("permissions", f"Other users can write {few(loose)}.", "chmod o-w them.", mendable=True)
    if foreign:
        says = f"You are root, and {few(foreign)} {'belongs' if len(foreign) == 1 else 'belong'} to another user."
        return warning("permissions", says, "Run jobs as that user, or chown the directory.")
    return ok("permissions", "Every file is yours.")


def _files(patient: Patient) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield every file of the data directory, the store's own wherever it lies; of many logs enough to tell."""
    places = [patient.path, *(Path(f"{patient.path}{side}") for side in SIDES), backup_of(patient.path)]
    root = patient.places.root
    places += [root, patient.places.view, patient.places.logs, patient.places.run]
    for directory in (patient.places.logs, patient.places.run):
        with suppress(OSError), os.scandir(directory) as entries:
            places += [Path(entry.path) for entry, _ in zip(entries, range(MOST_LOGS), strict=False)]
    for path in places:
        with suppress(OSError):
            yield path, os.stat(path)


MOST_LOGS = 5_000


def _is_loose(patient: Patient, path: Path, found: os.stat_result) -> bool:
    private = path == patient.places.run and stat.S_IMODE(found.st_mode) & 0o077
    return bool(private) or (not stat.S_ISSOCK(found.st_mode) and bool(found.st_mode & stat.S_IWOTH))


def loose_files(patient: Patient) -> list[Path]:
    """Return what other users can write, and could not if the modes were as we make them."""
    return [path for path, found in _files(patient) if _is_loose(patient, path, found) and found.st_uid == os.geteuid()]


def half_written(patient: Patient) -> Finding:
    """Tell whether killed writers left temporary files."""
    found = temporary_files(patient)
    if found:
        words = counted(len(found), "temporary file", "temporary files")
        return warning(
            "leftovers", f"Killed writers left {words}: {few([str(path) for path in found])}.", FIX, mendable=True
        )
    return ok("leftovers", "No temporary file was left.")


FIX = "`outlast doctor --repair` removes them."


def temporary_files(patient: Patient) -> list[Path]:
    """Return the temporary files that nobody writes any more."""
    written = (patient.path, patient.places.view, backup_of(patient.path), marker_of(patient.path))
    return [path for target in written for path in leftovers(target)]
