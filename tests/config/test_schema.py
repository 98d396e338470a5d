"""The schema that editors get."""

from __future__ import annotations

from typing import Literal

import pytest
from jsonschema import Draft7Validator
from pydantic import BaseModel, ConfigDict, Field

from config.schema import gateway_schema, text_schema


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    limit: int = 1


class Web(BaseModel):
    model_config = ConfigDict(extra="forbid")
    mode: Literal["off", "draft", "live"] = "live"
    inner: Inner = Inner()
    kind: str = "web"


class Slack(BaseModel):
    token: str


class Desk(BaseModel):
    model_config = ConfigDict(extra="forbid")
    inner: Inner = Inner()
    condition: str = Field("", alias="if")


SCHEMA = gateway_schema({"web": Web.model_json_schema()}, Slack.model_json_schema(), Desk.model_json_schema())
LEAST = {"secret_key": "x"}


def errors(content: dict[str, object]) -> list[str]:
    Draft7Validator.check_schema(SCHEMA)
    return [error.message for error in Draft7Validator(SCHEMA).iter_errors(LEAST | content)]


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"listen": {"port": 80}, "secret_key": ["a", "b"]},
        {"listen": {"port": "${PORT:-8080}"}, "log": {"level": "${LEVEL}"}},
        {"channels": {"web": {"mode": "off", "inner": {"limit": 3}}}, "slack": None, "desk": {"if": "x"}},
        {"channels": {"web": None, "shop": {"kind": "web", "mode": "draft"}}},
    ],
)
def test_what_is_right_passes(content: dict[str, object]) -> None:
    assert errors(content) == []


@pytest.mark.parametrize(
    "content",
    [
        {"lisetn": {}},
        {"listen": {"port": "eighty"}},
        {"channels": {"web": {"mode": "on"}}},
        {"channels": {"web": {"inner": {"limt": 3}}}},
        {"channels": {"shop": {"mode": "off"}}},
        {"channels": {"shop": {"kind": "web", "mod": "off"}}},
        {"slack": {}},
        {"desk": {"inner": {"limt": 1}}},
    ],
)
def test_what_is_wrong_fails(content: dict[str, object]) -> None:
    assert errors(content)


def test_any_document_may_name_variables_where_numbers_belong() -> None:
    schema = text_schema(Web.model_json_schema(), "web.yaml")
    Draft7Validator(schema).validate({"inner": {"limit": "${LIMIT}"}})
    assert schema["title"] == "web.yaml"
