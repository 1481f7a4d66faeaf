"""Write docs/pow.md, and its chart docs/pow.svg, from the rules of the proof of work: python docs/make_pow.py"""

from dataclasses import dataclass
from pathlib import Path

from outlast.pow.rules import DEFAULT_RANGE, age_for

PAGE = Path(__file__).with_name("pow.md")
CHART = Path(__file__).with_name("pow.svg")
BLOCK_SECONDS = 5
RATES = {"hashlib": 2.0e6, "outlast[fast]": 45.0e6}
"""Hashes a second on one core, as `python -m bench.pow` measured them on a server of 2025 with SHA instructions."""
SHOWN = range(10, 2, -1)

HEAD = """\
# Proof of work

<!-- Made by docs/make_pow.py. Do not edit: change that, then run it. -->

`outlast pow` searches a number, the nonce, for which

```text
sha256( ENTITY WORD BLOCK_START "NONCE" nonce )
```

begins with enough hex zeros. WORD is `BUILD`, `RAID`, `MINE` or `REFINE`; the nonce is decimal and counts from 0. The
search is a job like any other: it is saved every second, goes on after a `kill -9`, and its answer stays.

```sh
outlast pow struct_build_complete 5-12 --player 1-11 --block-start 1000 --block-height 9000 --follow
outlast pow ore_miner_complete 5-3 --player 1-11 --simulate 0.001 --follow   # a chain that is none, to try it
```

## The difficulty falls with age

The older the block it began in, the fewer zeros are needed. With *age* = height − block_start and *range* = 14,000
(`--difficulty`):

```text
zeros(age) = 64                                             for age ≤ 1
           = max(1, 64 − ⌊ log10(age) / log10(range) · 63 ⌋)  else
```

One nonce in 16^zeros is a hit. Each zero less makes the search sixteen times as short, and comes only about one and a
half hours later. So searching early is almost always in vain, and waiting for the last zero costs time that a search
would not have needed.

![The age at which each number of zeros is enough, and how long a search for so many zeros takes](pow.svg)

"""

TAIL = """\

## When to start

`TARGET_DIFFICULTY_START` (default 5) says with how many zeros a search may begin. A good value is the largest number
of zeros for which a search is likely to be over before the next zero falls:

* **8 with `pip install outlast[fast]`**: a hit takes about a minute and a half on one core. 9 is right if you have
  cores to spare (`--processes N`): 25 minutes on one of them, with about an hour until the next fall.
* **7 without it**: a hit takes about two minutes. 8 is a gamble that pays: 36 minutes on average, 66 until the next
  fall.

Raise `--max-iterations` with it. It bounds what one difficulty may cost, and a search begins only if it has a fair
chance within that bound (16^zeros ≤ 2 · max_iterations; the default, 1,000,000, is enough for 5 zeros).
4 · 16^zeros gives a chance of 98 %:

| zeros | `--max-iterations` |
|---|---|
| 6 | 67,000,000 |
| 7 | 1,100,000,000 |
| 8 | 17,000,000,000 |
| 9 | 275,000,000,000 |

## What happens on the way

* **Waiting.** Until the age is at least 10, the zeros are few enough and the bound allows it, the job is `waiting` and
  holds no process; `waiting_info` shows `current_age`, `target_age` and `blocks_remaining`. All waiting searches of one
  source share one look every five seconds.
* **Searching.** The height is looked at every five seconds. A fall is used at once: the best nonce so far may already
  do. Falls are recorded in `result.difficulty_updates`.
* **Used up.** When `max_iterations` nonces had no hit, the job waits for the next fall and goes on from its nonce. If
  no fall can come (a fixed height, or one zero), it fails, with `proof_of_work.valid` false.
* **Heights** come from PostgreSQL (`DATABASE_URL`, the table `structs.current_block`), else from
  `CONSENSUS_API_URL/structs/blockheight`, else from the last known height and a block every five seconds. A source
  that fails is recorded in `result.errors` and ends nothing. `--block-height H` stands still.
* **Several processes.** `--processes N` hands out blocks of nonces to N processes. A search may be resumed with
  another number.
* **Sending.** With `DANGER=true` the proof is sent: `OUTLAST_BROADCAST` is `signer` (PostgreSQL functions), an
  `https://` address, or `dry-run`. What is intended is saved first. After a crash in between, the receiver is asked
  whether it was done; if that cannot be known the job fails with the reason `broadcast_unknown`, keeps its proof, and
  `outlast retry ID --broadcast` sends it once more.

`OUTLAST_POW_SEARCH` is `auto` (compiled if `outlast[fast]` is there, hashlib until it is ready), `hashlib` or `llvm`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One number of zeros: the age from which on it is enough, and until when."""

    zeros: int
    age: int
    next_age: int

    @property
    def lasts_seconds(self) -> int:
        return (self.next_age - self.age) * BLOCK_SECONDS

    def takes_seconds(self, rate: float) -> float:
        """Return the seconds that a search takes on average: 16^zeros / rate."""
        return float(16**self.zeros / rate)


def levels() -> list[Level]:
    """Return the levels that are shown, hardest first."""
    return [
        Level(zeros=zeros, age=age_for(zeros, DEFAULT_RANGE), next_age=age_for(zeros - 1, DEFAULT_RANGE))
        for zeros in SHOWN
    ]


def page() -> str:
    """Return the text of the page."""
    names = " | ".join(RATES)
    lines = [
        f"| zeros | from age | that is after | next zero falls after | a hit takes: {names} |",
        "|---|---|---|---|---|---|",
    ]
    for level in levels():
        takes = " | ".join(_told(level.takes_seconds(rate)) for rate in RATES.values())
        after, lasts = _told(level.age * BLOCK_SECONDS), _told(level.lasts_seconds)
        lines.append(f"| {level.zeros} | {level.age:,} | {after} | {lasts} | {takes} |")
    rates = " and ".join(f"{rate / 1e6:.0f} million hashes a second ({name})" for name, rate in RATES.items())
    note = f"\nBlocks of {BLOCK_SECONDS} seconds; {rates} on one core, on average.\n"
    return HEAD + "\n".join(lines) + "\n" + note + TAIL


def _told(seconds: float) -> str:
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {word}" if seconds < 10 * size else f"{seconds / size:.0f} {word}"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else "< 1 ms"


def chart() -> str:
    """Return the chart: for each number of zeros how long it lasts (a bar), and how long a search takes (marks)."""
    left, width, top, row = 90, 600, 40, 30
    begin, end = levels()[0].age * BLOCK_SECONDS - 3_600, levels()[-1].next_age * BLOCK_SECONDS

    def x(seconds: float) -> float:
        return left + width * (seconds - begin) / (end - begin)

    parts = [
        _text(left, 18, "hours after the block it began in (blocks of 5 s); a bar lasts as long as so many zeros do")
    ]
    for place, level in enumerate(levels()):
        y = top + place * row
        start, stop = x(level.age * BLOCK_SECONDS), x(level.next_age * BLOCK_SECONDS)
        parts.append(_text(left - 12, y + 14, f"{level.zeros} zeros", anchor="end"))
        parts.append(f'<rect x="{start:.1f}" y="{y}" width="{stop - start:.1f}" height="18" class="lasts"/>')
        for number, rate in enumerate(RATES.values()):
            takes = min(level.takes_seconds(rate), end - level.age * BLOCK_SECONDS)
            length = max(1.5, x(level.age * BLOCK_SECONDS + takes) - start)
            parts.append(
                f'<rect x="{start:.1f}" y="{y + 3 + 7 * number}" width="{length:.1f}" height="5" class="r{number}"/>'
            )
    foot = top + len(levels()) * row + 8
    for hour in range(int(begin // 3_600) + 1, int(end // 3_600) + 1, 3):
        parts.append(
            f'<line x1="{x(hour * 3600):.1f}" y1="{top - 6}" x2="{x(hour * 3600):.1f}" y2="{foot - 6}" class="grid"/>'
        )
        parts.append(_text(x(hour * 3600), foot + 8, f"{hour} h", anchor="middle"))
    for number, name in enumerate(RATES):
        parts.append(f'<rect x="{left + 230 * number}" y="{foot + 24}" width="14" height="5" class="r{number}"/>')
        parts.append(_text(left + 22 + 230 * number, foot + 31, f"a search with {name}, one core"))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {foot + 44}" role="img">\n{_STYLE}\n{body}\n</svg>\n'
    )


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}">{text}</text>'


_STYLE = (
    '<rect width="100%" height="100%" fill="#ffffff"/><style>text{font:12px system-ui,sans-serif;fill:#334155}'
    ".lasts{fill:#e2e8f0}.grid{stroke:#f1f5f9}.r0{fill:#b45309}.r1{fill:#0f766e}</style>"
)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    CHART.write_text(chart(), encoding="utf-8")
