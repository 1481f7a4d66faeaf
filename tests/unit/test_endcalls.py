"""What may be called at the end of a job."""

import pytest

from outlast.core.endcalls import check_on_end, is_url, with_default
from outlast.core.errors import UsageError
from tests.contract.making import spec


@pytest.mark.parametrize(
    "text",
    [
        "notify-send 'a job has ended'",
        "https://example.org/hook?token=x",
        "http://127.0.0.1:8080/ends",
        "http://127.9.9.9/",
        "http://[::1]/",
        "http://localhost/x",
        "",
    ],
)
def test_commands_and_safe_urls_may(text: str) -> None:
    assert check_on_end(text) == text
    assert check_on_end(f"  {text} ") == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http://example.org/", "unencrypted"),
        ("http://localhost.example.org/", "unencrypted"),
        ("http://10.0.0.1/", "unencrypted"),
        ("HTTP://EXAMPLE.org/", "unencrypted"),
        ("ftp://example.org/", "scheme ftp"),
        ("file:///etc/passwd", "scheme file"),
        ("https://", "without a host"),
        ("https:///path", "without a host"),
        ("https://ex ample.org/", "escaped"),
        ("https://exämple.org/", "escaped"),
        ("https://a.example/\r\nX-Evil: 1", "escaped"),
        ("https://name:password@example.org/", "name and password"),
        ("https://example.org:99999/", "cannot be read"),
        ("https://[::1/", "cannot be read"),
        ("a\0b", "at most"),
        ("x" * 5_000, "at most"),
    ],
)
def test_others_may_not(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        check_on_end(text)


def test_what_looks_like_a_url_only_inside_is_a_command() -> None:
    assert not is_url(check_on_end("curl http://example.org/"))
    assert is_url(check_on_end("https://example.org/"))


def test_a_default_holds_only_for_what_says_nothing() -> None:
    assert with_default(spec(), "notify").policy.on_end == "notify"
    assert with_default(spec(on_end="mine"), "notify").policy.on_end == "mine"
    assert with_default(spec(on_end=""), "notify").policy.on_end == ""
    assert with_default(silent := spec(), None) is silent
