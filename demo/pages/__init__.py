"""The pages of the demo world: HTML, style and script, with nothing loaded from elsewhere."""

from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

FOLDER = Path(__file__).parent
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'; require-trusted-types-for 'script'"
)

_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
)


def page(name: str, **values: Any) -> web.Response:
    text = _templates.get_template(f"{name}.html").render(values)
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return web.Response(text=text, content_type="text/html", headers=headers)


async def static(request: web.Request) -> web.Response:
    """Style and script, by plain file name."""
    file = FOLDER / request.match_info["name"]
    if file.suffix not in TYPES or not file.is_file():
        raise web.HTTPNotFound
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return web.Response(text=file.read_text("utf-8"), content_type=TYPES[file.suffix], headers=headers)
