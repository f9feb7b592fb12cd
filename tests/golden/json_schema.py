"""Validates JSON against the part of JSON Schema 2020-12 that the schemas in docs/ use. A keyword
it does not know is an error of the schema, so nothing is passed over in silence. Standard library
only.

usage: json_schema.py SCHEMA FILE...      exit status 0: all of them are valid
"""

import json
import re
import sys

TYPES = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None),
    "integer": int, "number": (int, float),
}
ANNOTATIONS = {"$schema", "$id", "$defs", "title", "description", "default"}


def is_type(value, name):
    if isinstance(value, bool) and name in ("integer", "number"):
        return False
    return isinstance(value, TYPES[name])


def check_object(schema, value, path, root):
    properties = schema.get("properties", {})
    for key in schema.get("required", []):
        if key not in value:
            yield f"{path}: '{key}' is missing"
    for key, member in value.items():
        if key in properties:
            yield from check(properties[key], member, f"{path}.{key}", root)
        elif schema.get("additionalProperties", True) is False:
            yield f"{path}: '{key}' is not in the schema"
        elif isinstance(schema.get("additionalProperties"), dict):
            yield from check(schema["additionalProperties"], member, f"{path}.{key}", root)


def check_array(schema, value, path, root):
    if len(value) < schema.get("minItems", 0):
        yield f"{path}: fewer than {schema['minItems']} items"
    if len(value) > schema.get("maxItems", len(value)):
        yield f"{path}: more than {schema['maxItems']} items"
    for index, item in enumerate(value):
        yield from check(schema.get("items", {}), item, f"{path}[{index}]", root)


def check_value(schema, value, path):
    types = schema.get("type")
    types = [types] if isinstance(types, str) else types
    if types and not any(is_type(value, name) for name in types):
        yield f"{path}: {value!r:.60} is no {' or '.join(types)}"
    if "const" in schema and value != schema["const"]:
        yield f"{path}: {value!r:.60} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r:.60} is not one of {', '.join(map(str, schema['enum']))}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{path}: {value!r:.60} does not match {schema['pattern']}"
    if is_type(value, "number") and value < schema.get("minimum", value):
        yield f"{path}: {value} is less than {schema['minimum']}"
    if is_type(value, "number") and value > schema.get("maximum", value):
        yield f"{path}: {value} is more than {schema['maximum']}"
    if isinstance(value, str) and not (
            schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))):
        yield f"{path}: {len(value)} characters"


KNOWN = ANNOTATIONS | {"$ref", "type", "properties", "required", "additionalProperties", "items",
                       "minItems", "maxItems", "const", "enum", "pattern", "minimum", "maximum",
                       "minLength", "maxLength", "anyOf"}


def check(schema, value, path="report", root=None):
    """Yields one line for each violation."""
    root = schema if root is None else root
    unknown = set(schema) - KNOWN
    if unknown:
        raise ValueError(f"{path}: this validator does not know {', '.join(sorted(unknown))}")
    if "$ref" in schema:
        yield from check(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], value, path, root)
    if "anyOf" in schema and all(list(check(one, value, path, root)) for one in schema["anyOf"]):
        yield f"{path}: {value!r:.60} is none of what it may be"
    yield from check_value(schema, value, path)
    if isinstance(value, dict):
        yield from check_object(schema, value, path, root)
    if isinstance(value, list):
        yield from check_array(schema, value, path, root)


def load(path):
    with open(path, encoding="utf-8") as text:
        return json.load(text)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    schema = load(sys.argv[1])
    bad = 0
    for path in sys.argv[2:]:
        for line in check(schema, load(path)):
            print(f"{path}: {line}")
            bad += 1
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
