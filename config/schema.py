"""The JSON Schema of `gateway.yaml` for editors, with the sections of the parts that the roof passes in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.settings import Settings

Schema = dict[str, Any]
REFERENCE = {"type": "string", "pattern": r"\$\{"}  # `port: ${PORT}` is text until it is filled in


def gateway_schema(channels: Mapping[str, Schema], slack: Schema, desk: Schema) -> Schema:
    """The whole file's schema. `channels` is by kind; a section of another name must say its `kind`."""
    own = Settings.model_json_schema(mode="validation")
    definitions: Schema = own.setdefault("$defs", {})
    for name, section in {
        "slack": slack,
        "desk": desk,
        **{f"channel_{kind}": channels[kind] for kind in channels},
    }.items():
        definitions |= {f"{name}_{inner}": _moved(schema, name) for inner, schema in section.get("$defs", {}).items()}
        definitions[name] = _moved({key: value for key, value in section.items() if key != "$defs"}, name)
    own["properties"]["slack"] = _optional("slack")
    own["properties"]["desk"] = _optional("desk")
    own["properties"]["channels"] = _channels(channels)
    own["title"] = "gateway.yaml"
    return {"$schema": "http://json-schema.org/draft-07/schema#", **_fillable(own)}


def text_schema(schema: Schema, title: str) -> Schema:
    """A document's schema as an editor should see it: numbers and switches may be `${NAME}`."""
    return {"$schema": "http://json-schema.org/draft-07/schema#", **_fillable(schema), "title": title}


def _channels(kinds: Mapping[str, Schema]) -> Schema:
    sections = {kind: {"$ref": f"#/$defs/channel_{kind}"} for kind in kinds}
    return {
        "type": "object",
        "description": "The section's name is the instance and its route; `kind` defaults to it.",
        "properties": {kind: {"anyOf": [ref, {"type": "null"}]} for kind, ref in sections.items()},
        "additionalProperties": {"anyOf": [{"allOf": [_kind(kind), ref]} for kind, ref in sections.items()]},
    }


def _kind(kind: str) -> Schema:
    return {"required": ["kind"], "properties": {"kind": {"const": kind}}}


def _optional(name: str) -> Schema:
    return {"anyOf": [{"$ref": f"#/$defs/{name}"}, {"type": "null"}], "default": None}


def _moved(schema: Any, name: str) -> Any:
    """The same schema with its references pointing to where its definitions stand now."""
    if isinstance(schema, list):
        return [_moved(item, name) for item in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {key: _moved(value, name) for key, value in schema.items()}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        moved["$ref"] = reference.replace("#/$defs/", f"#/$defs/{name}_")
    return moved


def _fillable(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_fillable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") in {"integer", "number", "boolean"} or "enum" in schema:
        said = {key: schema[key] for key in ("description", "default", "title") if key in schema}
        return said | {"anyOf": [{key: value for key, value in schema.items() if key not in said}, REFERENCE]}
    return {key: _fillable(value) for key, value in schema.items()}
