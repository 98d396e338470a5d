"""What the page `/phones` asks: a live view of both phones, and what their owners do."""

from dataclasses import dataclass

from aiohttp import web

from demo.live import Live, download, upload
from demo.phones.app import App, Json, Unwanted


@dataclass
class Phones:
    """`apps` by the name that stands in the addresses."""

    apps: dict[str, App]

    def __post_init__(self) -> None:
        self.live = Live(lambda: {name: app.shown() for name, app in self.apps.items()})
        for name, app in self.apps.items():
            app.listen(lambda news, name=name: self._spread(name, news))  # type: ignore[misc]

    def routes(self) -> list[web.RouteDef]:
        base = "/demo/api/phones"
        return [
            web.get(f"{base}/events", self.live.events),
            web.post(f"{base}/{{app}}/share", self.share),
            web.post(f"{base}/{{app}}/{{verb}}", self.act),
            web.get(f"{base}/{{app}}/files/{{file}}", self.file),
        ]

    async def act(self, request: web.Request) -> web.Response:
        """`POST {person, …}` as JSON, which no page of another origin can send."""
        app = self._app(request)
        verb = app.verbs.get(request.match_info["verb"]) if app else None
        if verb is None:
            return _refused("there is no such thing to do", 404)
        if request.content_type != "application/json":
            return _refused("only JSON is understood", 415)
        try:
            said = await request.json()
            person = said.get("person") if isinstance(said, dict) else None
            await self.live.patiently(verb(str(person), said if isinstance(said, dict) else {}))
        except Unwanted as error:
            return _refused(str(error))
        except ValueError:
            return _refused("this is no JSON")
        return web.json_response({})

    async def share(self, request: web.Request) -> web.Response:
        app = self._app(request)
        if app is None:
            return _refused("there is no such phone", 404)
        try:
            await self.live.patiently(app.share(request.query.get("person", ""), await upload(request)))
        except ValueError as error:
            return _refused(str(error))
        return web.json_response({})

    async def file(self, request: web.Request) -> web.Response:
        app = self._app(request)
        found = app.file(request.match_info["file"]) if app else None
        if found is None:
            return _refused("there is no such file", 404)
        return download(found.content, found.media_type, found.name)

    def _app(self, request: web.Request) -> App | None:
        return self.apps.get(request.match_info["app"])

    def _spread(self, name: str, news: Json) -> None:
        told = self.apps[name].told(news)
        if told is not None:
            self.live.spread({"app": name} | told)


def _refused(why: str, status: int = 400) -> web.Response:
    return web.json_response({"error": why}, status=status)
