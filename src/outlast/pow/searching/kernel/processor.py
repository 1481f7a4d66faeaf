"""The processor: which program suits it, and turning a program into code that runs on it. LLVM is loaded here only."""

import ctypes
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from outlast.pow.searching.kernel import objects
from outlast.pow.searching.kernel.programs import SCAN, lanes_program, sha_program

ANYWHERE = "any"
PROGRAMS: dict[str, Callable[[int], str]] = {
    "avx512f": partial(lanes_program, width=16, groups=2),
    "sha": sha_program,
    "avx2": partial(lanes_program, width=8, groups=1),
    ANYWHERE: partial(lanes_program, width=4, groups=1),
}
"""The programs by the feature that a processor needs for them, by LLVM's name; the fastest first (decision 0015)."""
_SIGNATURE = ctypes.CFUNCTYPE(
    ctypes.c_int64,
    ctypes.c_char_p,
    ctypes.c_int64,
    ctypes.c_void_p,
    ctypes.c_int64,
    ctypes.c_int64,
    ctypes.c_uint32,
    ctypes.c_void_p,
    ctypes.c_int64,
)


@dataclass(frozen=True, slots=True)
class Code:
    """A function `scan` in memory, as programs.py describes it; it is there as long as `engine` is."""

    scan: Callable[..., int]
    engine: Any


def features() -> dict[str, bool]:
    """Return LLVM's names of what this processor can do and what it cannot; nothing if LLVM does not know it."""
    try:
        return dict(_llvm().get_host_cpu_features())
    except RuntimeError:
        return {}


def suitable() -> list[str]:
    """Return the keys of PROGRAMS that run on this processor, the fastest first."""
    has = {**features(), ANYWHERE: True}
    return [feature for feature in PROGRAMS if has.get(feature)]


def program_for(word: int) -> str:
    """Return the fastest program for this processor whose varying word is number `word`."""
    return PROGRAMS[suitable()[0]](word)


def code_for(program: str) -> Code:
    """Return a program as code, compiled unless it was kept."""
    key = _key(program)
    compiled = objects.kept(key)
    if compiled is None:
        compiled = _target().emit_object(_llvm().parse_assembly(program))
        objects.keep(key, compiled)
    return _load(compiled)


def _load(compiled: bytes) -> Code:
    llvm = _llvm()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target())
    engine.add_object_file(llvm.ObjectFileRef.from_data(compiled))
    engine.finalize_object()
    return Code(_SIGNATURE(engine.get_function_address(SCAN)), engine)


def _key(program: str) -> str:
    """Return a name that no other program, processor or version of LLVM has."""
    llvm = _llvm()
    facts = (llvm.get_process_triple(), llvm.get_host_cpu_name(), _flags(), llvm.llvm_version_info, program)
    return f"pow-{hashlib.sha256(repr(facts).encode()).hexdigest()[:40]}"


def _target() -> Any:
    llvm = _llvm()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=_flags(), opt=3, jit=True
    )


def _flags() -> str:
    return ",".join(f"{'+' if has else '-'}{feature}" for feature, has in sorted(features().items()))


@cache
def _llvm() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm
