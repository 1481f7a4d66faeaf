"""Jobs that leave processes behind, and jobs that do not want to end. They note the pids they live in.

Those with a sign stay until that file stands.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import threading

from outlast import Context, JobCancelled, job
from tests.engine.hostile import LONG_SECONDS, linger
from tests.engine.stubborn import note_pid


@job
def forks_and_both_return(path: str) -> int:
    pid = os.fork()
    note_pid(path)
    if pid:
        os.waitpid(pid, 0)
    return 1


@job
def forks_and_the_child_raises(path: str) -> int:
    pid = os.fork()
    note_pid(path)
    if pid == 0:
        raise ValueError("only in the child")
    os.waitpid(pid, 0)
    return 1


@job
def forks_and_the_child_uses_the_context(ctx: Context, path: str) -> int:
    pid = os.fork()
    note_pid(path)
    if pid == 0:
        ctx.checkpoint("the child's", now=True)
    os.waitpid(pid, 0)
    ctx.step("the parent's", int)
    return 1


@job
def leaves_a_child(path: str, sign: str = "") -> str:
    if os.fork() == 0:
        note_pid(path)
        threading.Event().wait()
    note_pid(path)
    return linger.fn(sign) if sign else "left"


@job
def leaves_a_daemon(path: str, sign: str = "") -> str:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            note_pid(path)
            threading.Event().wait()
        os._exit(0)
    os.wait()
    note_pid(path)
    return linger.fn(sign) if sign else "left"


@job
def leaves_a_daemon_without_environment(path: str, sign: str = "") -> str:
    script = f"echo $$ >>{path}; exec sleep {LONG_SECONDS}"
    subprocess.run(["env", "-i", "/usr/bin/setsid", "--fork", "/bin/sh", "-c", script], check=True)
    note_pid(path)
    return linger.fn(sign) if sign else "left"


@job
def leaves_its_output_open(path: str, sign: str = "") -> str:
    child = subprocess.Popen(["sleep", str(LONG_SECONDS)], start_new_session=True)
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"{child.pid}\n")
    child.returncode = 0  # it shall not say that it was not waited for
    note_pid(path)
    return linger.fn(sign) if sign else "left"


@job
def swallows_everything_around_a_wait(ctx: Context, path: str) -> str:
    note_pid(path)
    with contextlib.suppress(BaseException):
        ctx.wait(2.2)
    ctx.step("after", note_pid, path)
    return "through"


@job
def swallows_the_request(path: str) -> str:
    note_pid(path)
    try:
        threading.Event().wait()
    except JobCancelled:
        return "finished all the same"
    return "never"


@job(max_attempts=5, backoff="10ms")
def turns_the_request_into_an_error(path: str) -> None:
    note_pid(path)
    try:
        threading.Event().wait()
    except JobCancelled:
        raise ValueError("cleaning up went wrong") from None


@job
def parks_when_asked_to_stop(ctx: Context, path: str) -> None:
    note_pid(path)
    try:
        threading.Event().wait()
    except JobCancelled:
        ctx.wait("1h")


@job
def never_gives_in(path: str) -> None:
    note_pid(path)
    while True:
        try:
            threading.Event().wait()
        except BaseException:  # noqa: BLE001 - that is what it is for
            continue


@job
def stops_itself(path: str) -> None:
    note_pid(path)
    os.kill(os.getpid(), signal.SIGSTOP)
    threading.Event().wait()


@job
def cannot_hear(path: str) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    note_pid(path)
    threading.Event().wait()


@job
def runs_another_program(path: str) -> None:
    note_pid(path)
    os.execv("/bin/sleep", ["sleep", str(LONG_SECONDS)])


@job
def forgets_who_it_is(path: str) -> None:
    os.environ.clear()
    os.closerange(0, 256)
    note_pid(path)
    threading.Event().wait()


@job
async def waits_in_a_task_group(path: str) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.Event().wait())
        group.create_task(_wait_in_a_socket())
        note_pid(path)


async def _wait_in_a_socket() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        await asyncio.get_running_loop().sock_recv(left, 1)
