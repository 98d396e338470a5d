"""The description of the API names every route there is, and no other."""

from __future__ import annotations

from typing import cast

from bus.store import Tenant
from gateway import openapi
from gateway.api import Api, Operations


def test_every_route_is_described() -> None:
    routes = Api(cast("Tenant", None), list, cast("Operations", None)).routes()
    served = {(route.method.lower(), route.path) for route in routes if route.path.startswith("/api/v1")}
    described = {(method, path) for path, methods in openapi.document()["paths"].items() for method in methods}
    assert described == served
