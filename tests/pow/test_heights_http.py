"""Heights over HTTP: what a chain's server may say, and what it may do instead."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from outlast.pow.chain.heights import Heights, HeightUnknown, open_heights
from tests.pow.chain import Chain

PATIENCE_SECONDS = 30.0
SHORT_SECONDS = 0.2
"""For what hangs."""

Open = Callable[..., Heights]


@pytest.fixture
def opened(tmp_path: Path, chain: Chain) -> Open:
    """Return a function that opens the heights of the chain."""

    def make(url: str = chain.url, patience_seconds: float = PATIENCE_SECONDS) -> Heights:
        return open_heights(
            database_url=None, api_url=url, cache_dir=tmp_path / "run", patience_seconds=patience_seconds
        )

    return make


@pytest.mark.parametrize(
    "body",
    [
        '{"blockheight": 1234}',
        '{"block_height": "1234"}',
        '{"height": 1234, "hash": "00ab"}',
        '{"blockheight": 1234, "height": 1}',
        "1234",
        '"1234"',
        " 1234\n",
        b"\xef\xbb\xbf1234",
    ],
)
def test_a_height_is_a_number_or_its_text_bare_or_under_its_name(chain: Chain, opened: Open, body: str | bytes) -> None:
    chain.say(body)

    height = opened().look()

    assert (height.value, height.source, height.errors, height.notes) == (1234, "http", (), ())
    assert chain.heard[0].method == "GET"
    assert chain.heard[0].target == "/structs/blockheight"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html><body>Welcome</body></html>",
        "12x",
        '{"blockheight": "12x"}',
        '{"blockheight": -1}',
        '{"blockheight": NaN}',
        '{"blockheight": 1e999}',
        '{"blockheight": 12.5}',
        '{"blockheight": true}',
        '{"blockheight": null}',
        '{"blockheight": {"height": 5}}',
        '{"error": "no"}',
        "[1234]",
        "null",
        "1" + 30 * "0",
        9000 * "9",
        json.dumps({"height": "9" * 5000}),
        json.dumps({"height": "\u0661\u0662"}),
        60_000 * "[",
        b"\xff\xfe\x00",
        b"\x00",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_no_height_is_said_and_never_taken_for_one(chain: Chain, opened: Open, body: str | bytes) -> None:
    chain.say(body)

    with pytest.raises(HeightUnknown, match="which is no height") as raised:
        opened().look()

    assert chain.url in str(raised.value)
    assert len(str(raised.value)) < 400


def packed(body: bytes) -> bytes:
    return gzip.compress(body)


def with_length(length: int, body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + body


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def drips_in_the_status_line(chain: Chain) -> None:
    chain.drip(b"HTTP/1.1 ", b"2")


def drips_in_a_header(chain: Chain) -> None:
    chain.drip(b"HTTP/1.1 200 OK\r\nX: ", b"y")


def drips_headers(chain: Chain) -> None:
    chain.drip(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n")


def drips_in_the_body(chain: Chain) -> None:
    chain.drip(with_length(60_000, b""), b"1")


def drips_in_a_chunk(chain: Chain) -> None:
    chain.drip(CHUNKED, b"1\r\n1\r\n")


def never_answers(chain: Chain) -> None:
    chain.hang()


def stops_in_the_body(chain: Chain) -> None:
    chain.hang(with_length(4, b"12"))


@pytest.mark.parametrize(
    "hang",
    [
        never_answers,
        stops_in_the_body,
        drips_in_the_status_line,
        drips_in_a_header,
        drips_headers,
        drips_in_the_body,
        drips_in_a_chunk,
    ],
)
def test_a_server_that_hangs_in_any_way_is_left_at_the_deadline(
    chain: Chain, opened: Open, hang: Callable[[Chain], None]
) -> None:
    hang(chain)

    with pytest.raises(HeightUnknown, match=r"no whole answer within 0\.2 s"):
        opened(patience_seconds=SHORT_SECONDS).look()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "without response"),
        (b"\x16\x03\x01\x02\x00", "\\S"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + 70_000 * b"y" + b"\r\n\r\n1", "line"),
        (b"HTTP/1.1 200 OK\r\n" + 200 * b"X: y\r\n" + b"\r\n1", "headers"),
        (with_length(4, b"12"), "ended early"),
        (with_length(10_000_000, 10_000_000 * b" "), "more than 65,536 bytes"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + 10_000_000 * b"1", "more than 65,536 bytes"),
        (CHUNKED + b"2\r\n12\r\n", "IncompleteRead"),
        (CHUNKED + b"zz\r\n12\r\n0\r\n\r\n", "\\S"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed(b"1234")[:-6], "ended early"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed(50_000_000 * b"0"), "more than 65,536 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n1234", "incorrect header"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n1234", "packed as br"),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else None,
)
def test_an_answer_that_is_broken_or_too_large_is_no_answer(chain: Chain, opened: Open, raw: bytes, words: str) -> None:
    chain.send(raw)

    with pytest.raises(HeightUnknown, match=words):
        opened().look()


def test_an_answer_packed_with_gzip_is_unpacked(chain: Chain, opened: Open) -> None:
    chain.say(packed(b'{"height": 77}'), Content_Encoding="gzip")

    assert opened().look().value == 77


def test_a_reset_is_an_error(chain: Chain, opened: Open) -> None:
    chain.reset()

    with pytest.raises(HeightUnknown, match="reset by peer"):
        opened().look()


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 400, 401, 404, 429, 500, 503])
def test_only_200_is_an_answer(chain: Chain, opened: Open, status: int) -> None:
    chain.say("" if status == 204 else "1234", status=status)

    with pytest.raises(HeightUnknown, match=f"answered {status}"):
        opened().look()


@pytest.mark.parametrize("where", ["other host", "file"])
def test_a_redirect_is_not_followed(chain: Chain, opened: Open, tmp_path: Path, where: str) -> None:
    with Chain(height=666) as other:
        (tmp_path / "height").write_text("667")
        targets = {"other host": f"{other.url}/structs/blockheight", "file": f"file://{tmp_path}/height"}
        chain.say("", status=302, Location=targets[where])

        with pytest.raises(HeightUnknown, match="answered 302"):
            opened().look()

        assert other.polls == 0


def test_nobody_there_is_an_error_that_says_what_to_do(chain: Chain, opened: Open) -> None:
    chain.close()

    with pytest.raises(HeightUnknown, match="Connection refused") as raised:
        opened().look()

    assert "--block-height" in raised.value.fix
    assert (raised.value.code, raised.value.exit_code) == ("busy", 3)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://host/",
        "chain.example",
        "localhost:8080",
        "https://",
        "https://host:port/",
        "https://host:99999/",
        "https://[::1",
        "http://a..b/",
        "http://exa mple/",
        "http://user:pa/ss@host/",
        "http://user:12/34@host/",
        "http://user:12#34@host/",
        "http://user:12?34@host/",
        "http://\udcff/",
        f"http://{300 * 'a'}/",
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_it(opened: Open, url: str) -> None:
    with pytest.raises(HeightUnknown, match=r"CONSENSUS_API_URL (is no|has)") as raised:
        opened(url).look()

    assert "34" not in str(raised.value)
    assert "passwd" not in str(raised.value)
    assert "user" not in str(raised.value)


SECRETS = ("alice", "se@cret", "se%40cret", "hunter2")


def test_user_password_and_query_are_sent_but_never_shown(chain: Chain, opened: Open) -> None:
    address = f"http://alice:se%40cret@127.0.0.1:{chain.port}/api/?key=hunter2"
    chain.say("alice se@cret se%40cret key=hunter2")
    heights = opened(address)

    with pytest.raises(HeightUnknown) as raised:
        heights.look()

    assert chain.heard[0].target == "/api/structs/blockheight?key=hunter2"
    assert chain.heard[0].headers["authorization"] == "Basic YWxpY2U6c2VAY3JldA=="
    assert f"http://127.0.0.1:{chain.port}/api/structs/blockheight answered '*** *** *** ***'" in str(raised.value)
    for secret in SECRETS:
        assert secret not in str(raised.value) + heights.name


def test_a_broken_answer_that_repeats_them_is_masked(chain: Chain, opened: Open) -> None:
    chain.send(b"alice se@cret se%40cret key=hunter2\r\n\r\n")

    with pytest.raises(HeightUnknown, match=r"\*\*\* \*\*\*") as raised:
        opened(f"http://alice:se%40cret@127.0.0.1:{chain.port}/api/?key=hunter2").look()

    assert not any(secret in str(raised.value) for secret in SECRETS)
