"""Addresses of HTTP servers as a setting names them: taken apart, checked, and shown without what is secret in them."""

import base64
import ipaddress
from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, quote, unquote, urlsplit

_PATH_LETTERS = "/%:@!$&'()*+,;=-._~"
_QUERY_LETTERS = _PATH_LETTERS + "?"


class BadAddress(ValueError):
    """A text is no address that may be used. The message does not repeat it: it may hold a password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a request goes. `path` is percent-encoded; `authorization` is the header made of user and password."""

    scheme: str
    host: str
    port: int
    path: str
    query: str = field(default="", repr=False)
    authorization: str = field(default="", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def shown(self) -> str:
        """The address without user, password and query."""
        usual = {"http": 80, "https": 443}[self.scheme]
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{'' if self.port == usual else f':{self.port}'}{self.path}"

    @property
    def target(self) -> str:
        """What stands in the request line."""
        return (self.path or "/") + (f"?{self.query}" if self.query else "")

    @property
    def is_loopback(self) -> bool:
        """True if a request never leaves this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def below(self, path: str) -> "Address":
        """Return the address of something below this one."""
        return replace(self, path=self.path.rstrip("/") + path)

    def asking(self, name: str, value: str) -> "Address":
        """Return the address with one more parameter in its query."""
        more = f"{quote(name, safe='')}={quote(value, safe='')}"
        return replace(self, query=f"{self.query}&{more}" if self.query else more)


def parse_address(text: str) -> Address:
    """Return the http or https address that a text is. Raise BadAddress."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise BadAddress("is no address; write it like https://host/path") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadAddress("is no http:// or https:// address; write it like https://host/path")
    _check(parts)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Address(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or {"http": 80, "https": 443}[parts.scheme],
        path=quote(parts.path, safe=_PATH_LETTERS),
        query=quote(parts.query, safe=_QUERY_LETTERS),
        authorization=_basic(user, password) if user or password else "",
        secrets=(user, password, parts.username or "", parts.password or "", parts.query),
    )


def _check(parts: SplitResult) -> None:
    """Raise BadAddress for what would be misread: a password with `/`, `?` or `#` ends the host too early."""
    if "@" not in parts.netloc and "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise BadAddress("has an @ behind its host; percent-encode special characters in the password")
    try:
        f"{parts.netloc}{parts.path}{parts.query}".encode()
        (parts.hostname or "").encode("idna")
    except UnicodeError:
        raise BadAddress("has a host or characters that no address can have") from None
    if not all(letter.isprintable() and letter != " " for letter in parts.netloc):
        raise BadAddress("has a host or characters that no address can have")


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
