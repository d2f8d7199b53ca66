"""Random requests: correct ones, nearly correct ones, and completely wrong ones."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi.routing import APIRoute

LONG = "9" * 5_000
TEXTS = (
    *("", " ", "1", "0", "-1", "a", "ana", "cooks", "q-1", "q-2", "duplicate", "true", "null"),
    *("a\0b", "\ud800", "x\udfff", "\ufffe", "\u202e\u200f", "e\u0301" * 40, "\u0130\u00df"),
    *("%00", "%ED%A0%80", "..%2f..%2f", "../../etc/passwd", "'; DROP TABLE pairs; --", "{{7*7}}"),
    *("<script>alert(1)</script>", "=1+1", "javascript:alert(1)", "http://[::1", "https://a..b"),
    *("https://127.0.0.1/x", "https://user:p@h/", "//evil.example/", "\r\nSet-Cookie: a=b"),
    *("x" * 600, "y" * 30_000, LONG, "1e999", "NaN", "-Infinity", "0x10", "\u0661\u0662", "1_000"),
    *("9999-12-31", "0001-01-01", "9999-12-31T23:59:59.999999+14:00", "0000-00-00", "2026-02-30"),
    *("0001-01-01T00:00:00+23:59", "pair:1", "cGFpcjox", "cGFpcjow", "9223372036854775807"),
)
NUMBERS = (
    *(0, 1, -1, 2, 60, 2**31 - 1, 2**31, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**40),
    *(0.0, 0.5, 1.0, -0.0, 1e-320, 1e308, float("inf"), float("nan")),
)
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    [],
    {},
    [[[[]]]],
    {"a": {"b": []}},
    ["a\0"],
    {"\ud800": 1},
)
HEADERS = {
    "Accept": ("text/html", "application/json", "*/*;q=0", "\xff", ""),
    "Accept-Language": ("de", "\xff" * 50, ""),
    "Content-Type": (
        *("application/json", "application/json; charset=utf-16", "text/plain", "", "\xff"),
        *("application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; "),
    ),
    "Content-Encoding": ("gzip", "br", "identity", "\xff"),
    "Cookie": ("session=\xff", "askedbefore=" + "a" * 4_000, ";;;=", "session=" + LONG),
    "Authorization": ("Bearer ", "Bearer \xff", "Basic YTpi", "Bearer " + LONG, "bearer x y z"),
    "Host": ("evil.example", "[::1", "\xff", ""),
    "If-None-Match": ("*", '"', "\xff"),
    "Last-Event-ID": (LONG, "-1", "\xb2"),
    "Range": ("bytes=0-", "bytes=-1", "x"),
    "X-Forwarded-For": ("1.2.3.4", "::ffff:1.2.3.4, x", "\xff", "," * 2_000),
    "X-Forwarded-Proto": ("https", "javascript", ","),
}
_RARE = 0.12


@dataclass(frozen=True, slots=True)
class Hostile:
    """A request: what `httpx2` is given."""

    method: str
    path: str
    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    content: bytes | None = None

    def __str__(self) -> str:
        body = b"" if self.content is None else self.content[:300]
        return f"{self.method} {self.path[:300]} {dict(self.headers)} {body!r}"


class Maker:
    """Makes requests for any route; *schemas* are those of the OpenAPI document."""

    def __init__(self, document: Mapping[str, Any], drawn: random.Random) -> None:
        self._document = document
        self._drawn = drawn

    def request(self, route: APIRoute, method: str) -> Hostile:
        """Return a request to *route*."""
        path, query = self._path(route), self._query(route)
        headers: dict[bytes, bytes] = {}
        content = None
        if route.body_field is not None or self._drawn.random() < _RARE / 4:
            kind, content = self._body(route, method)
            headers[b"content-type"] = kind
        for name, values in HEADERS.items():
            if self._drawn.random() < _RARE / 6:
                headers[name.lower().encode()] = self._drawn.choice(values).encode("latin-1")
        return Hostile(method, path + query, headers, content)

    def _path(self, route: APIRoute) -> str:
        path = route.path
        for name in route.param_convertors:
            filled = "cooks" if name == "forum" and self._is_usual() else self._text()
            usual = self._drawn.choice(("1", "2", "3", "q-1"))
            chosen = usual if name != "forum" and self._is_usual() else filled
            path = path.replace(f"{{{name}:path}}", _quoted(chosen))
            path = path.replace(f"{{{name}}}", _quoted(chosen))
        return path

    def _query(self, route: APIRoute) -> str:
        names = [one.alias for one in route.dependant.query_params]
        chosen = [name for name in names if self._drawn.random() < 0.5]
        if self._drawn.random() < _RARE:
            chosen.append(self._text()[:40])
        pairs = [f"{_quoted(name)}={_quoted(self._text())}" for name in chosen]
        return ("?" + "&".join(pairs)) if pairs else ""

    def _body(self, route: APIRoute, method: str) -> tuple[bytes, bytes]:
        if route.path.startswith("/console"):
            return b"application/x-www-form-urlencoded", self._form(route).encode()
        if route.path.endswith("/archives"):
            return b"application/octet-stream", self._text().encode("utf-8", "surrogatepass")
        schema = self._schema_of(route, method)
        value = self._value(schema, depth=0) if self._is_usual() else self._drawn.choice(ODD)
        return b"application/json", self._encoded(value)

    def _form(self, route: APIRoute) -> str:
        names = [one.alias for one in route.dependant.body_params]
        chosen = [name for name in names if self._drawn.random() < 0.9]
        return "&".join(f"{_quoted(name)}={_quoted(self._text())}" for name in chosen)

    def _encoded(self, value: object) -> bytes:
        plain = json.dumps(value)
        breaking: Sequence[Callable[[str], bytes]] = (
            lambda text: text.encode("utf-16"),
            lambda text: text.encode("latin-1", "replace")[:-1],
            lambda text: b"\xef\xbb\xbf" + text.encode(),
            lambda text: text.encode()[: len(text) // 2],
            lambda _: b"[" * 20_000,
            lambda _: b'{"title": ' + LONG.encode() + b"}",
            lambda text: text.encode().replace(b'"', b"\xff"),
        )
        if self._is_usual():
            return plain.encode()
        return self._drawn.choice(breaking)(plain)

    def _schema_of(self, route: APIRoute, method: str) -> Mapping[str, Any]:
        found = self._document["paths"].get(route.path_format, {}).get(method.lower(), {})
        content = found.get("requestBody", {}).get("content", {})
        return content.get("application/json", {}).get("schema", {})  # type: ignore[no-any-return]

    def _value(self, schema: Mapping[str, Any], *, depth: int) -> Any:
        if depth > 6 or not self._is_usual():
            return self._drawn.choice((*ODD, *NUMBERS, self._text()))
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return self._value(self._document["components"]["schemas"][name], depth=depth + 1)
        for several in ("anyOf", "oneOf", "allOf"):
            if several in schema:
                return self._value(self._drawn.choice(schema[several]), depth=depth + 1)
        if "enum" in schema:
            return self._drawn.choice(schema["enum"])
        return self._of_type(schema, depth)

    def _of_type(self, schema: Mapping[str, Any], depth: int) -> Any:
        kind = schema.get("type")
        kind = self._drawn.choice(kind) if isinstance(kind, list) else kind
        match kind:
            case "object":
                return {
                    name: self._value(one, depth=depth + 1)
                    for name, one in schema.get("properties", {}).items()
                    if self._drawn.random() < 0.85
                }
            case "array":
                items = schema.get("items", {})
                return [
                    self._value(items, depth=depth + 1) for _ in range(self._drawn.randint(0, 3))
                ]
            case "integer" | "number":
                return self._drawn.choice((1, 2, 5, *NUMBERS))
            case "boolean":
                return self._drawn.random() < 0.5
            case "null":
                return None
        return self._text()

    def _text(self) -> str:
        return self._drawn.choice(TEXTS)

    def _is_usual(self) -> bool:
        return self._drawn.random() > _RARE


def _quoted(text: str) -> str:
    kept = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~"
    raw = text.encode("utf-8", "surrogatepass")
    return "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in raw)
