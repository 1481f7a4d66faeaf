"""A run of the targets says what was reached, of what, and whether it holds; nothing is measured here."""

from dataclasses import replace

import pytest

from bench.sources import SOURCES
from bench.targets import TARGETS, chosen
from bench.verdict import Row, Target, judge, markdown_table, terminal_table

STEPS = Target(what="steps", than="× bare commits", at_least=0.5, ours="steps: ours", beside=("steps: bare",))
WAIT = Target(what="result", than="× best peer", at_most=0.6, ours="work: p50", beside=("a: p50", "b: p50"))
BYTES = Target(what="writes", than="B", at_most=0, ours="idle: writes")


def round_of(ours: float, bare: float) -> dict[str, float]:
    return {"steps: ours": ours, "steps: bare": bare}


def test_a_ratio_is_of_figures_of_the_same_round_and_its_median_counts() -> None:
    rounds = [round_of(100, 200), round_of(4000, 5000), round_of(30, 50)]

    row = judge(STEPS, rounds)

    assert row.rounds == (0.5, 0.8, 0.6)
    assert row.reached == 0.6
    assert row.share == pytest.approx(1.2)
    assert row.verdict == "holds"
    assert row.cells() == ("steps", "≥ 0.5 × bare commits", "0.60 ×", "120 %", "holds")


@pytest.mark.parametrize(
    ("reached", "verdict"),
    [(0.5, "holds"), (0.4999, "misses by < 1 %"), (0.45, "misses by 10 %"), (0.05, "misses by 90 %")],
)
def test_more_is_better_where_at_least_so_much_is_wanted(reached: float, verdict: str) -> None:
    assert judge(STEPS, [round_of(reached, 1)]).verdict == verdict


@pytest.mark.parametrize(("ours", "verdict"), [(0.6, "holds"), (0.3, "holds"), (0.75, "misses by 25 %")])
def test_less_is_better_where_at_most_so_much_is_wanted_and_the_best_peer_counts(ours: float, verdict: str) -> None:
    row = judge(WAIT, [{"work: p50": ours, "a: p50": 1.0, "b: p50": 7.0}])

    assert row.reached == ours
    assert row.verdict == verdict


def test_nothing_at_all_is_no_share_of_nothing() -> None:
    assert judge(BYTES, [{"idle: writes": 0.0}]).verdict == "holds"
    assert judge(BYTES, [{"idle: writes": 1.0}]).cells()[2:] == ("1.00 B", "–", "misses")


def test_a_round_that_lacks_a_figure_does_not_count() -> None:
    row = judge(STEPS, [{"steps: ours": 9.0}, round_of(2, 4)], "steps: no disk", failed=True)

    assert row.rounds == (0.5,)
    assert row.verdict == "holds"
    assert row.why == "steps: no disk"


def test_what_was_not_measured_says_why_below_the_table() -> None:
    missing = judge(WAIT, [], "celery work: needs redis-server")
    failed = judge(STEPS, [], "steps: the disk is full", failed=True)

    table = terminal_table([missing, failed])

    assert missing.cells()[2:] == ("–", "–", "not measured")
    assert failed.verdict == "failed"
    assert "* result: celery work: needs redis-server" in table.splitlines()
    assert "* steps: steps: the disk is full" in table.splitlines()
    assert "0 hold, 0 miss, 1 not measured, 1 failed." in markdown_table([missing, failed])


def test_a_target_that_is_missed_says_why() -> None:
    target = replace(STEPS, cause="the disk is slow")
    missed, held = judge(target, [round_of(1, 9)]), judge(target, [round_of(9, 1)])

    lines = terminal_table([missed, missed, held]).splitlines()

    assert (missed.why, held.why) == ("the disk is slow", "")
    assert "* steps: the disk is slow" in lines


def test_a_figure_that_no_source_tells_is_a_failure() -> None:
    row = judge(STEPS, [{"steps: hours": 9.0, "steps: bare": 1.0}])

    assert row.verdict == "failed"
    assert row.why == "its sources tell no 'steps: ours'"


def test_the_table_fits_into_a_hundred_columns() -> None:
    worst = [
        Row(
            what=each.what,
            wanted=each.wanted,
            unit=each.than.partition(" ")[0],
            reached=9e5,
            share=99.9,
            verdict="misses by 999 %",
        )
        for each in TARGETS
    ]

    assert max(map(len, terminal_table(worst).splitlines())) <= 100


def test_every_target_names_a_source_of_ours_or_a_peer() -> None:
    own = {source for each in TARGETS for source in each.sources if " " not in source}

    assert own == set(SOURCES)
    assert all(each.ours or each.later for each in TARGETS)


def test_targets_are_chosen_by_parts_of_their_words() -> None:
    assert chosen("") == list(TARGETS)
    assert [each.wanted for each in chosen("killed, dbos")] == [
        "≥ 5 × DBOS on SQLite",
        "≥ 8 × DBOS on SQLite",
        "≤ 1,000 ms",
        "≤ 3,000 ms",
    ]
