"""The fields of files as a page, out of their JSON schemas: schemas.py <folder> > schemas.md"""
import json
import pathlib
import sys


def shape(schema, whole):
    """What a value may be, in a few words."""
    if "$ref" in schema:
        return shape(whole["$defs"][schema["$ref"].rsplit("/", 1)[1]], whole)
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return ", ".join(json.dumps(v) for v in schema["enum"])
    if "anyOf" in schema and "type" not in schema:
        return " or ".join(shape(s, whole) for s in schema["anyOf"])
    kind = schema.get("type", "")
    if isinstance(kind, list):
        return " or ".join(shape({**schema, "type": k}, whole) for k in kind)
    if kind == "array":
        least, most = schema.get("minItems"), schema.get("maxItems")
        count = f"{least} " if least is not None and least == most else ""
        return f"list of {count}{shape(schema['items'], whole)}"
    bounds = [f"{sign} {schema[key]}" for key, sign in (("minimum", ">="), ("exclusiveMinimum", ">"), ("maximum", "<=")) if key in schema]
    name = {"integer": "whole number", "string": "text", "object": "object", "null": "null"}.get(kind, kind)
    return " ".join([name, *bounds[:1], *(["and " + bounds[1]] if len(bounds) > 1 else [])])


def parts(schema, whole):
    """Objects inside a value, with what is appended to its path."""
    if "$ref" in schema:
        yield from parts(whole["$defs"][schema["$ref"].rsplit("/", 1)[1]], whole)
    elif "anyOf" in schema and "type" not in schema:
        for s in schema["anyOf"]:
            yield from parts(s, whole)
    elif schema.get("type") == "array":
        for end, inner in parts(schema["items"], whole):
            yield "[]" + end, inner
    elif schema.get("type") in ("object", ["object", "null"]):
        yield "", schema


def rows(schema, whole, prefix, told):
    for field, value in schema.get("properties", {}).items():
        path = prefix + field
        needed = "" if field in schema.get("required", []) else ", optional"
        note = value.get("description") or next((s["description"] for s in value.get("anyOf", []) if "description" in s), "")
        ref = value.get("$ref") or next((s["$ref"] for s in value.get("anyOf", []) if "$ref" in s), None)
        if ref in told:
            note = (note + "; " if note else "") + f"as `{told[ref]}`"
        yield path, shape(value, whole) + needed, note
        if ref in told:
            continue
        if ref:
            told[ref] = path
        for end, inner in parts(value, whole):
            yield from rows(inner, whole, path + end + ".", told)
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        yield prefix + "NAME", shape(extra, whole), extra.get("description", "any name")
        for end, inner in parts(extra, whole):
            yield from rows(inner, whole, prefix + "NAME" + end + ".", told)


def cell(text):
    return text.replace("--", "\\--").replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


print("# Fields of the files {#schemas}\n")
print("Made of the JSON schemas in `docs/schema` while this site was built; [file formats](@ref formats) says what each file is for.\n")
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.schema.json")):
    schema = json.loads(path.read_text())
    name = path.name.removesuffix(".schema.json")
    print(f"## {name} {{#schemas-{name}}}\n\n{cell(schema['title'])}. <a href=\"{path.name}\">The schema itself</a>.\n")
    print("| field | is | |\n|---|---|---|")
    for field, kind, note in rows(schema, schema, "", {}):
        print(f"| `{field}` | {cell(kind)} | {cell(note)} |")
    print()
