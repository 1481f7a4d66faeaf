"""The search begins with hashlib at once, goes over to a kernel by itself, and stops when it is told to."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from outlast.pow.searching.kernel import kernels
from outlast.pow.searching.kernel.searcher import CompiledSearcher
from outlast.pow.searching.plain import HashlibSearcher
from outlast.pow.searching.search import ANY, limit, open_searcher

PREFIX = b"2-371BUILD1000NONCE"
HIT = 5_721_567
"""Its first with six zeros."""


def run(program: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_begins_with_hashlib_and_goes_over() -> None:
    done = run("""
from outlast.pow.searching.search import open_searcher, limit
searcher, names, at = open_searcher(b"2-371BUILD1000NONCE"), [], 10**6
while "llvm" not in names:
    assert searcher.first_below(at, at + 10_000, limit(6)) is None
    at += 10_000
    names.append(searcher.name)
print(names[0], names[-1], searcher.first_below(at, 10**9, limit(6))[0])
searcher.close()
""")

    assert (done.stdout, done.stderr) == (f"hashlib llvm {HIT}\n", "")


@pytest.mark.parametrize("cache", ["/dev/null", ""], ids=["compiled", "kept"])
def test_a_process_that_ends_meanwhile_ends_in_silence(cache: str) -> None:
    environment = {"XDG_CACHE_HOME": cache} if cache else {}
    for nonces in (1, 30_000, 60_000):
        done = run(
            "from outlast.pow.searching.search import open_searcher, limit\n"
            f"open_searcher(b'x').first_below(10**6, 10**6 + {nonces}, limit(9))",
            **environment,
        )

        assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_a_closed_searcher_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_made", {})
    before = threading.enumerate()
    searcher = CompiledSearcher(PREFIX, wait=False)
    searcher.first_below(10**6, 10**6 + 1, limit(6))

    searcher.close()

    assert threading.enumerate() == before


def test_the_first_nonces_need_no_kernel() -> None:
    done = run("""
import sys
from outlast.pow.searching.search import ANY, open_searcher
searcher = open_searcher(b"x")
searcher.first_below(0, 10_000, b"")
searcher.first_below(10**8, 10**9, ANY)
print(searcher.name, "llvmlite.binding" in sys.modules)
""")

    assert (done.stdout, done.stderr) == ("hashlib False\n", "")


def test_importing_a_search_loads_no_compiler() -> None:
    done = run("""
import sys
import outlast.pow.job, outlast.pow.searching.search, outlast.pow.searching.crew
heavy = ("llvmlite", "ctypes", "outlast.pow.searching.kernel", "outlast.pow.searching.team")
print([name for name in heavy if name in sys.modules])
""")

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_without_llvmlite_it_searches_with_hashlib_or_says_how_to_get_it() -> None:
    done = run("""
import sys
sys.modules["llvmlite"] = None
from outlast import OutlastError
from outlast.pow.searching.search import limit, open_searcher
searcher = open_searcher(b"2-371BUILD1000NONCE")
print(type(searcher).__name__, searcher.first_below(5_721_000, 5_722_000, limit(6))[0])
try:
    open_searcher(b"2-371BUILD1000NONCE", "llvm")
except OutlastError as error:
    print(error)
""")

    assert (done.stderr, done.stdout.splitlines()) == (
        "",
        [
            f"HashlibSearcher {HIT}",
            "The compiled search needs llvmlite, which is not installed. pip install 'outlast[fast]'",
        ],
    )


def test_a_kernel_that_cannot_be_made_is_told_once_and_hashlib_goes_on() -> None:
    done = run("""
import llvmlite.binding as llvm
def broken(*_): raise RuntimeError("no such target")
llvm.parse_assembly = broken
from outlast.pow.searching.search import limit, open_searcher
searcher = open_searcher(b"2-371BUILD1000NONCE")
print(searcher.first_below(5_500_000, 10**9, limit(6))[0], searcher.name)
""")

    assert done.stdout == f"{HIT} hashlib\n"
    assert done.stderr == "The search cannot be compiled: no such target. It goes on with hashlib.\n"


@pytest.mark.parametrize("choice", ["hashlib", "llvm"])
def test_a_signal_ends_a_search_that_would_never_end(choice: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED.replace("CHOICE", choice)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "searching\n"

    process.send_signal(signal.SIGTERM)

    assert process.communicate(timeout=20)[0] == f"stopped {choice}\n"
    assert process.returncode == 0


STOPPED = """
import signal
from outlast.core.errors import JobCancelled
from outlast.pow.searching.search import limit, open_searcher
def stop(*_): raise JobCancelled
searcher = open_searcher(b"x", "CHOICE")
searcher.first_below(10**6, 10**6 + 200_000, limit(64))
signal.signal(signal.SIGTERM, stop)
try:
    print("searching", flush=True)
    searcher.first_below(10**6, 10**18, limit(64))
except JobCancelled:
    print("stopped", searcher.name)
"""


def test_a_choice_opens_what_it_names() -> None:
    assert isinstance(open_searcher(PREFIX, "hashlib"), HashlibSearcher)
    assert isinstance(open_searcher(PREFIX), CompiledSearcher)
    assert isinstance(open_searcher(PREFIX, "llvm"), CompiledSearcher)


def test_a_bound_that_everything_is_below_is_met_by_the_first_nonce() -> None:
    searcher = open_searcher(PREFIX, "llvm")

    assert [searcher.first_below(start, start + 9, ANY) for start in (0, 10**7)] == [
        HashlibSearcher(PREFIX).first_below(start, start + 9, ANY) for start in (0, 10**7)
    ]
