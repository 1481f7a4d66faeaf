"""The programs of the search, in LLVM's assembly language. Each tries, for every row, every value of the varying word.

    i64 scan(ptr rows, i64 count, ptr table, i64 first, i64 last, i32 ceiling, ptr hits, i64 room)

A row is a padded message of 64 bytes, in which the word number `word` may hold anything: it takes the values
table[first] to table[last − 1], and up to LANES_AT_MOST − 1 values behind them. Where the first word of the digest is
at most `ceiling`, (row << 32) + index is noted in `hits`, which has space for room + 1; more are counted, not kept.
The number of hits is returned. There is at least one row and one value.
"""

from dataclasses import dataclass

from outlast.pow.searching.kernel.assembly import WORD, Value, Writer, vector_of
from outlast.pow.searching.kernel.sha256 import (
    INITIAL,
    MESSAGE_WORDS,
    ROUNDS,
    K,
    State,
    initial_state,
    next_state,
    next_word,
)

SCAN = "scan"
LANES_AT_MOST = 32
_STREAMS = 4
"""Messages that the SHA instructions work on at once: enough to hide that each waits for the one before it."""


def lanes_program(word: int, *, width: int, groups: int) -> str:
    """Return a program that computes `width` digests in the lanes of one vector, and `groups` of them side by side."""
    code = Writer()
    message = _message(code)
    words = [_with(message, word, _table_vector(code, width, group * width)) for group in range(groups)]
    states = [initial_state()] * groups
    for number in range(ROUNDS):
        for group, schedule in enumerate(words):
            if number >= MESSAGE_WORDS:
                schedule.append(next_word(code, schedule))
            states[group] = next_state(code, states[group], number, schedule[number])
    return _frame(code, [code.add(state[0], Value.number(INITIAL[0])) for state in states])


def sha_program(word: int) -> str:
    """Return a program for x86 processors with the SHA instructions, which do two rounds, or four words, at a time."""
    code = Writer()
    message = _message(code)
    state = initial_state()
    first_pair = word // 2
    for number in range(first_pair * 2):
        state = next_state(code, state, number, message[number])
    streams = [_stream(code, _with(message, word, _table_word(code, stream)), state) for stream in range(_STREAMS)]
    for number in range(word // 4, ROUNDS // 4):
        for stream in streams:
            _four_rounds(code, stream, number, skip_two=number * 2 < first_pair)
    firsts = [code.add(code.element(stream.abef, 3), Value.number(INITIAL[0])) for stream in streams]
    return _frame(code, [code.vector(firsts)])


@dataclass(slots=True)
class _Stream:
    """One message on its way: its words in fours, and the working variables in the order the processor wants."""

    quads: list[Value]
    abef: Value
    cdgh: Value


def _stream(code: Writer, message: list[Value], state: State) -> _Stream:
    a, b, c, d, e, f, g, h = state
    quads = [code.vector(message[at : at + 4]) for at in range(0, MESSAGE_WORDS, 4)]
    return _Stream(quads, code.vector([f, e, b, a]), code.vector([h, g, d, c]))


def _four_rounds(code: Writer, stream: _Stream, number: int, *, skip_two: bool) -> None:
    if number >= len(stream.quads):
        stream.quads.append(_next_quad(code, stream.quads))
    keyed = _plus_constants(code, stream.quads[number], number)
    if not skip_two:
        _two_rounds(code, stream, keyed)
    _two_rounds(code, stream, code.pick(keyed, keyed, (2, 3, 2, 3)))


def _two_rounds(code: Writer, stream: _Stream, keyed: Value) -> None:
    """Write two rounds; the lower two elements of `keyed` are their words plus their constants."""
    abef = code.call("llvm.x86.sha256rnds2", stream.abef.type, stream.cdgh, stream.abef, keyed)
    stream.abef, stream.cdgh = abef, stream.abef


def _next_quad(code: Writer, quads: list[Value]) -> Value:
    oldest, old, recent, newest = quads[-4:]
    partial = code.call("llvm.x86.sha256msg1", oldest.type, oldest, old)
    partial = code.add(partial, code.pick(recent, newest, (1, 2, 3, 4)))
    return code.call("llvm.x86.sha256msg2", oldest.type, partial, newest)


def _plus_constants(code: Writer, quad: Value, number: int) -> Value:
    constants = ", ".join(f"{WORD} {constant}" for constant in K[number * 4 : number * 4 + 4])
    return code.add(quad, Value(f"<{constants}>", quad.type))


def _message(code: Writer) -> list[Value]:
    """Write the loading of a row; return its words. LLVM drops those that nobody uses."""
    words = []
    for number in range(MESSAGE_WORDS):
        at = code.write(f"getelementptr {WORD}, ptr %row.at, i64 {number}", "ptr", varies=False)
        loaded = code.write(f"load {WORD}, ptr {at.name}, align 1", WORD, varies=False)
        words.append(code.call("llvm.bswap.i32", WORD, loaded))
    return words


def _table_vector(code: Writer, width: int, offset: int) -> Value:
    at = _table_at(code, offset)
    return code.write(f"load {vector_of(width)}, ptr {at.name}, align 4", vector_of(width), varies=True)


def _table_word(code: Writer, offset: int) -> Value:
    at = _table_at(code, offset)
    return code.write(f"load {WORD}, ptr {at.name}, align 4", WORD, varies=True)


def _table_at(code: Writer, offset: int) -> Value:
    index = code.write(f"add i64 %i, {offset}", "i64", varies=True)
    return code.write(f"getelementptr {WORD}, ptr %table, i64 {index.name}", "ptr", varies=True)


def _with(message: list[Value], number: int, word: Value) -> list[Value]:
    return [*message[:number], word, *message[number + 1 :]]


def _frame(code: Writer, firsts: list[Value]) -> str:
    """Return the whole program around the computation of `firsts`, the first words of the digests of one step."""
    of_type = firsts[0].type
    width = int(of_type[1:].split()[0])
    least = firsts[0]
    for other in firsts[1:]:
        least = code.call(f"llvm.umin.v{width}i32", of_type, least, other)
    stores = [f"  store {of_type} {words.name}, ptr %firsts.{number}, align 4" for number, words in enumerate(firsts)]
    slots = [
        f"  %firsts.{number} = getelementptr {WORD}, ptr %firsts, i64 {number * width}" for number in range(len(firsts))
    ]
    return _FRAME.format(
        declared="\n".join(sorted(code.declared)),
        before="\n".join(code.before),
        inside="\n".join(code.inside),
        slots="\n".join(slots),
        stores="\n".join(stores),
        least=least.name,
        type=of_type,
        width=width,
        lanes=width * len(firsts),
    )


_FRAME = """\
{declared}

define i64 @scan(ptr %rows, i64 %count, ptr %table, i64 %first, i64 %last, i32 %ceiling, ptr %hits, i64 %room) {{
entry:
  %found = alloca i64
  store i64 0, ptr %found
  %firsts = alloca [{lanes} x i32]
{slots}
  %ceiling.one = insertelement {type} poison, i32 %ceiling, i32 0
  %ceilings = shufflevector {type} %ceiling.one, {type} poison, <{width} x i32> zeroinitializer
  br label %row

row:
  %r = phi i64 [ 0, %entry ], [ %r.next, %row.done ]
  %row.at = getelementptr [64 x i8], ptr %rows, i64 %r
{before}
  br label %step

step:
  %i = phi i64 [ %first, %row ], [ %i.next, %step.done ]
{inside}
  %low = icmp ule {type} {least}, %ceilings
  %low.bits = bitcast <{width} x i1> %low to i{width}
  %low.any = icmp ne i{width} %low.bits, 0
  br i1 %low.any, label %look, label %step.done

look:
{stores}
  br label %lane

lane:
  %k = phi i64 [ 0, %look ], [ %k.next, %lane.done ]
  %word.at = getelementptr i32, ptr %firsts, i64 %k
  %word = load i32, ptr %word.at
  %word.low = icmp ule i32 %word, %ceiling
  br i1 %word.low, label %note, label %lane.done

note:
  %n = load i64, ptr %found
  %n.slot = call i64 @llvm.umin.i64(i64 %n, i64 %room)
  %slot = getelementptr i64, ptr %hits, i64 %n.slot
  %row.shifted = shl i64 %r, 32
  %index = add i64 %i, %k
  %hit = add i64 %row.shifted, %index
  store i64 %hit, ptr %slot
  %n.next = add i64 %n, 1
  store i64 %n.next, ptr %found
  br label %lane.done

lane.done:
  %k.next = add i64 %k, 1
  %k.more = icmp ult i64 %k.next, {lanes}
  br i1 %k.more, label %lane, label %step.done

step.done:
  %i.next = add i64 %i, {lanes}
  %i.more = icmp ult i64 %i.next, %last
  br i1 %i.more, label %step, label %row.done

row.done:
  %r.next = add i64 %r, 1
  %r.more = icmp ult i64 %r.next, %count
  br i1 %r.more, label %row, label %done

done:
  %total = load i64, ptr %found
  ret i64 %total
}}

declare i64 @llvm.umin.i64(i64, i64)
"""
