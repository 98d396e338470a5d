"""What a tool may be called with: checked against its JSON schema, and stricter where a schema is silent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from jsonschema_specifications import REGISTRY as SPECIFICATIONS  # type: ignore[import-untyped]
from referencing.exceptions import Unresolvable

from agent.spec import Tool
from bus.canonical import decode_numbers, encode

LARGEST = Decimal(10) ** 12
LONGEST = 8000
BOUNDS = {"minimum", "exclusiveMinimum", "enum", "const"}
CEILINGS = {"maximum", "exclusiveMaximum", "enum", "const"}


def offered(tool: Tool) -> dict[str, Any]:
    """The schema as the model sees it: bound arguments are not in it, nothing unnamed is allowed."""
    properties = {name: schema for name, schema in tool.arguments.items() if name not in tool.bind}
    required = [name for name in tool.required if name not in tool.bind]
    return {
        "additionalProperties": False,
        **tool.args,
        "type": "object",
        "properties": properties,
        "required": required,
    }


def complete(tool: Tool) -> dict[str, Any]:
    """The schema of the whole call. A writing tool's numbers are positive and bounded unless the schema says otherwise."""
    properties = tool.arguments
    if tool.writes:
        properties = {name: _bounded(schema) for name, schema in properties.items()}
    return {"additionalProperties": False, **tool.args, "type": "object", "properties": properties}


def _bounded(schema: Any) -> Any:
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind not in ("number", "integer"):
        return schema
    below = {} if BOUNDS & set(schema) else {"exclusiveMinimum": 0} if kind == "number" else {"minimum": 0}
    above = {} if CEILINGS & set(schema) else {"maximum": int(LARGEST)}
    return {**schema, **below, **above}


def problem(schema: Mapping[str, Any], args: Any) -> str:
    """Why these arguments are refused, "" when they are fine. Every number is finite and every text of bounded length."""
    if wild := _wild(args):
        return wild
    try:
        errors = sorted(_validator(encode(schema)).iter_errors(args), key=lambda error: list(map(str, error.path)))
    except (Unresolvable, SchemaError, re.error, ArithmeticError, TypeError) as error:
        return f"the schema cannot be applied: {type(error).__name__}"
    return "; ".join(_sentence(error) for error in errors[:3])


def plain(value: Any) -> Any:
    """The value with every fraction as a Decimal."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def recordable(value: Any) -> Any:
    """The value as it can be written down and read back: plain, and what is no number or no text of Unicode as such a text."""
    if isinstance(value, dict):
        return {recordable(str(key)): recordable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [recordable(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    value = plain(value)
    return str(value) if isinstance(value, Decimal) and not value.is_finite() else value


def _sentence(error: ValidationError) -> str:
    where = ".".join(str(part) for part in error.path)
    return f"{where}: {error.message[:200]}" if where else error.message[:200]


def _wild(value: Any) -> str:
    if isinstance(value, float | Decimal) and not Decimal(str(value)).is_finite():
        return "a number must be finite"
    if isinstance(value, str) and len(value) > LONGEST:
        return f"a text has at most {LONGEST} characters"
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return next((found for item in inside if (found := _wild(item))), "")


@lru_cache(maxsize=1024)
def _validator(schema: bytes) -> Validator:
    return cast("Validator", _Strict(decode_numbers(schema), registry=SPECIFICATIONS))  # nothing is fetched for a $ref


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Any:
    if isinstance(instance, str) and not _expression(pattern).search(instance):
        yield ValidationError(f"{instance[:80]!r} does not match {pattern!r}")


@lru_cache(maxsize=1024)
def _expression(pattern: str) -> re.Pattern[str]:
    """As JSON schema means it (ECMA-262): `$` is the very end and `\\d` is 0 to 9."""
    return re.compile(re.sub(r"(?<!\\)((?:\\\\)*)\$$", r"\1\\Z", pattern), re.ASCII)


def _is_integer(_: Any, value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, Decimal) and value == value.to_integral_value())


_Strict = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {"pattern": _pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


def value_at(result: Any, path: str) -> Any:
    """The value of `field.field` in a result. Raises KeyError when it is not there."""
    for part in path.split(".") if path else ():
        if isinstance(result, list) and part.isdecimal() and int(part) < len(result):
            result = result[int(part)]
        elif isinstance(result, dict) and part in result:
            result = result[part]
        else:
            raise KeyError(path)
    return result
