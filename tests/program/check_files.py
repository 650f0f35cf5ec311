"""Holds files against their schemas: check_files.py <folder of schemas> <file or folder>...

Which schema a file has is said by its name, of other JSON by the fields it begins with. Each file is then
damaged in every way that its schema should notice: a required field left out, an unknown one added, a value of
another kind, at each place of the file that differs from those before. A schema that passes a damaged file fails."""
import copy
import json
import pathlib
import struct
import sys

try:
    import jsonschema
except ImportError:
    print("files were not held against their schemas: no jsonschema here (Debian, Ubuntu: python3-jsonschema)")
    sys.exit(0)

BY_NAME = {"solution.json": "solution", "folding_config.json": "folding_config", "foldings.json": "foldings",
           "fpgaconvnet.json": "fpgaconvnet"}
BY_FIELD = {"hass_version": "solution", "hass_resources": "resources", "bandwidth_gbps": "device"}


def content(path):
    """The JSON of a file and the name of its schema; nothing for files that have none."""
    if path.suffix == ".statistics":
        data = path.read_bytes()
        if data[:8] != b"HASSSTAT" or len(data) < 24:
            return None, None
        return json.loads(data[24:24 + struct.unpack("<I", data[12:16])[0]]), "statistics_header"
    if path.suffix != ".json":
        return None, None
    try:
        file = json.loads(path.read_text())
    except ValueError:
        return None, None
    return file, BY_NAME.get(path.name) or next((s for f, s in BY_FIELD.items() if isinstance(file, dict) and f in file), None)


def places(value, path=(), pattern=()):
    """Every place of a file, and the pattern in which indices of lists are all one."""
    yield path, pattern
    if isinstance(value, dict):
        for key, part in value.items():
            yield from places(part, path + (key,), pattern + (key,))
    elif isinstance(value, list):
        for i, part in enumerate(value):
            yield from places(part, path + (i,), pattern + ("*",))


def shortened(value):
    """The same with long lists cut: what is damaged need not be large."""
    if isinstance(value, dict):
        return {key: shortened(part) for key, part in value.items()}
    if isinstance(value, list):
        return [shortened(part) for part in (value if len(value) <= 4 else value[:2])]
    return value


def at(value, path):
    for step in path:
        value = value[step]
    return value


def damaged(file, free):
    """(what was done, file): one damage each, at the first of all places that are alike."""
    seen = set()
    for path, pattern in places(file):
        kind = type(at(file, path)).__name__
        if (pattern, kind) in seen:
            continue
        seen.add((pattern, kind))
        where = "/".join(map(str, path)) or "the file"
        worse = copy.deepcopy(file)
        value = at(worse, path)
        wrong = "a text" if isinstance(value, dict) else {"an": "object"}
        if isinstance(value, dict):
            value["nosuchfield"] = {"an": ["unknown", "field"]}
            yield f"{where} with a field more", worse
            worse = copy.deepcopy(file)
        if path:
            at(worse, path[:-1])[path[-1]] = wrong
            yield f"{where} of another kind", worse
            if isinstance(path[-1], str) and not free(path):
                worse = copy.deepcopy(file)
                del at(worse, path[:-1])[path[-1]]
                yield f"{where} left out", worse


def may_be_left_out(schema, path):
    """Whether the schema calls the field optional, wherever it stands."""
    def resolve(s):
        while "$ref" in s:
            s = schema["$defs"][s["$ref"].rsplit("/", 1)[1]]
        return s

    def steps(s, rest):
        s = resolve(s)
        if "anyOf" in s and "properties" not in s and "items" not in s:
            return any(steps(a, rest) for a in s["anyOf"])
        if len(rest) == 1:
            return rest[0] not in s.get("required", []) if isinstance(rest[0], str) else False
        if isinstance(rest[0], int):
            return steps(s["items"], rest[1:]) if "items" in s else False
        inner = s.get("properties", {}).get(rest[0], s.get("additionalProperties"))
        return steps(inner, rest[1:]) if isinstance(inner, dict) else False
    return steps(schema, path)


def main(schemas, given):
    loaded = {}
    for path in sorted(pathlib.Path(schemas).glob("*.schema.json")):
        schema = json.loads(path.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        loaded[path.name.removesuffix(".schema.json")] = schema
    files = [f for g in map(pathlib.Path, given) for f in (sorted(g.rglob("*")) if g.is_dir() else [g]) if f.is_file()]
    failures, damages, counts = 0, 0, {}
    for path in files:
        file, name = content(path)
        if name is None:
            continue
        schema = loaded[name]
        validator = jsonschema.Draft202012Validator(schema)
        wrong = list(validator.iter_errors(file))
        for e in wrong[:5]:
            print(f"{path}: at {'/'.join(map(str, e.absolute_path))}: {e.message[:300]}")
        failures += bool(wrong)
        known = counts.setdefault(name, 0)
        counts[name] += 1
        if wrong or known >= 1:  # one of a kind is damaged
            continue
        short = shortened(file)
        for what, worse in damaged(short if validator.is_valid(short) else file, lambda p, s=schema: may_be_left_out(s, p)):
            damages += 1
            if validator.is_valid(worse):
                print(f"{path}: the schema of {name} passes {what}")
                failures += 1
    if not counts:
        print("no file that has a schema")
        return 1
    print("files held against their schemas:", ", ".join(f"{n} {name}" for name, n in sorted(counts.items())),
          f"; {damages} damaged ones refused" if not failures else f"; {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
