"""The widget's files, read once: the launcher, the modules it loads under their content's hash, and the page of its own."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

from aiohttp import hdrs, web

WIDGET = Path(__file__).parent.parent / "widget"
LAUNCHER = "widget.js"
PAGE = WIDGET / "chat.html"
PANEL = "'__PANEL__'"
TYPES = {".js": "text/javascript", ".json": "application/json", ".css": "text/css"}
SMALL = 500
COMMENT = re.compile(rb"^[ \t]*(//.*|/\*\*.*\*/)\n", re.MULTILINE)
IMMUTABLE = "public, max-age=31536000, immutable"
FOR_MINUTES = "public, max-age=300"
AGAIN = "no-cache"
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; style-src 'self'; base-uri 'none';"
    " form-action 'none'; require-trusted-types-for 'script'; frame-ancestors"
)


def packed(name: str, data: bytes) -> bytes:
    """A file as it is served: a line that is nothing but a comment is for whoever reads it here."""
    return COMMENT.sub(b"", data) if name.endswith(".js") else data


class Asset:
    """A file as it is served: its bytes, packed where that saves, under a tag of its content."""

    def __init__(self, data: bytes, content_type: str) -> None:
        self._data = data
        self._packed = gzip.compress(data, mtime=0) if len(data) >= SMALL else b""
        self._type = content_type
        self._tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'

    def response(self, request: web.BaseRequest, cache: str) -> web.Response:
        """The answer; any page may load it."""
        headers = {
            hdrs.CACHE_CONTROL: cache,
            hdrs.ETAG: self._tag,
            hdrs.VARY: hdrs.ACCEPT_ENCODING,
            hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "X-Content-Type-Options": "nosniff",
        }
        if self._tag in request.headers.get(hdrs.IF_NONE_MATCH, ""):
            return web.Response(status=304, headers=headers)
        packed = self._packed and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
        if packed:
            headers[hdrs.CONTENT_ENCODING] = "gzip"
        body = self._packed if packed else self._data
        return web.Response(body=body, headers=headers, content_type=self._type, charset="utf-8")


class Assets:
    """All files of the widget's folder. `version` changes with any of them."""

    def __init__(self, folder: Path = WIDGET) -> None:
        names = (file.relative_to(folder).as_posix() for file in sorted(folder.rglob("*")) if file.suffix in TYPES)
        files = {name: packed(name, (folder / name).read_bytes()) for name in names}
        digest = hashlib.sha256(b"".join(name.encode() + b"\0" + data for name, data in files.items()))
        self.version = digest.hexdigest()[:16]
        self._files = {name: Asset(data, TYPES[Path(name).suffix]) for name, data in files.items()}
        launcher = files.get(LAUNCHER, b"").replace(PANEL.encode(), f"'w/{self.version}/panel.js'".encode())
        self._launcher = Asset(launcher, TYPES[".js"])

    async def launcher(self, request: web.Request) -> web.Response:
        """GET /widget.js: short-lived, since it says where the rest is."""
        return self._launcher.response(request, FOR_MINUTES)

    async def file(self, request: web.Request) -> web.Response:
        """GET /w/{hash}/{file}. A page that was loaded before an update still asks for the old hash, and gets what there is."""
        asset = self._files.get(request.match_info["file"])
        if asset is None:
            raise web.HTTPNotFound
        return asset.response(request, IMMUTABLE if request.match_info["version"] == self.version else AGAIN)


def page(allowed_origins: tuple[str, ...]) -> web.Response:
    """GET /chat: the widget as a page, which only listed sites may frame."""
    headers = {
        "Content-Security-Policy": " ".join((POLICY, "'self'", *allowed_origins)),
        hdrs.CACHE_CONTROL: AGAIN,
        hdrs.VARY: hdrs.ACCEPT_ENCODING,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    return web.Response(text=PAGE.read_text("utf-8"), content_type="text/html", headers=headers)
