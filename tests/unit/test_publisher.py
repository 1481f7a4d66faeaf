"""When jobs.json is written, and that writing it holds nobody up for long."""

from collections.abc import Iterator

import pytest

from outlast.engine import publisher
from outlast.engine.publisher import QUIET_SECONDS, SHARE, Publisher


class Desk:
    """A clock that is moved by hand, and a file that is written in three pieces, each of which takes a second."""

    def __init__(self) -> None:
        self.now = 100.0
        self.version = self.begun = self.pieces = 0
        self.written: list[int] = []
        self.fails = False

    def rewriting(self) -> Iterator[int]:
        self.begun += 1
        shown = self.version
        for piece in range(2):
            self.now += 1
            self.pieces += 1
            yield piece
        self.now += 1
        if self.fails:
            raise OSError("no")
        self.written.append(shown)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk()
    monkeypatch.setattr(publisher, "monotonic", lambda: desk.now)
    return desk


def change(desk: Desk, writer: Publisher) -> None:
    desk.version += 1
    writer.changed()


def test_nothing_is_written_before_it_has_been_quiet_and_then_piece_by_piece(desk: Desk) -> None:
    writer = Publisher(desk.rewriting)
    writer.work()
    assert writer.seconds_to_write() is None

    change(desk, writer)
    writer.work()
    assert (desk.begun, writer.seconds_to_write()) == (0, QUIET_SECONDS)

    desk.now += QUIET_SECONDS
    for _ in range(2):
        writer.work()
        assert (desk.written, writer.seconds_to_write()) == ([], 0.0)
    writer.work()
    assert (desk.written, writer.seconds_to_write()) == ([1], None)


def test_what_changes_between_two_pieces_is_written_after_a_rest_of_ten_times_what_this_pass_took(desk: Desk) -> None:
    writer = Publisher(desk.rewriting)
    change(desk, writer)
    desk.now += QUIET_SECONDS
    for _ in range(3):
        writer.work()
    change(desk, writer)
    assert (desk.written, writer.seconds_to_write()) == ([1], SHARE * 3)

    desk.now += SHARE * 3
    writer.work()
    change(desk, writer)
    for _ in range(2):
        writer.work()
    assert desk.written == [1, 2]
    desk.now += SHARE * 3
    for _ in range(3):
        writer.work()
    assert desk.written == [1, 2, 3]


def test_who_has_something_to_say_goes_first_but_not_for_ever(desk: Desk) -> None:
    writer = Publisher(desk.rewriting)
    change(desk, writer)
    desk.now += QUIET_SECONDS
    writer.work(is_busy=True)
    writer.work(is_busy=True)
    assert desk.pieces == 1

    desk.now += SHARE
    writer.work(is_busy=True)
    writer.work()
    assert desk.written == [1]


def test_steady_changes_are_written_in_a_tenth_of_the_time(desk: Desk) -> None:
    writer = Publisher(desk.rewriting)
    began = desk.now
    while desk.begun < 20:
        change(desk, writer)
        before = desk.now
        writer.work()
        if desk.now == before:
            desk.now += 0.5
    assert desk.pieces * 1.5 * (SHARE + 1) <= desk.now - began + 3 * (SHARE + 1)


def test_steady_changes_do_not_put_a_write_off(desk: Desk) -> None:
    writer = Publisher(desk.rewriting)
    change(desk, writer)
    for _ in range(4):
        desk.now += QUIET_SECONDS / 4
        change(desk, writer)
    writer.work()
    assert desk.begun == 1


def test_on_the_way_out_the_file_is_written_as_things_are_now(desk: Desk) -> None:
    writer = Publisher(desk.rewriting)
    writer.finish()
    assert desk.written == []

    change(desk, writer)
    desk.now += QUIET_SECONDS
    writer.work()
    change(desk, writer)
    writer.finish()
    assert (desk.written, writer.seconds_to_write()) == ([2], None)


def test_a_pass_that_fails_is_over_and_the_next_change_begins_another(desk: Desk) -> None:
    writer = Publisher(desk.rewriting)
    desk.fails = True
    change(desk, writer)
    desk.now += QUIET_SECONDS
    writer.work()
    writer.work()
    with pytest.raises(OSError, match="no"):
        writer.work()
    assert writer.seconds_to_write() is None

    desk.fails = False
    change(desk, writer)
    writer.finish()
    assert desk.written == [2]
