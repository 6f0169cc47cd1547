"""What digests of requests are made of.

    messages   in order: [role, kind, ...]; kinds: text, image, audio, file (with what it is of),
               reasoning, refusal, call (name, arguments, number), result (number, texts and media,
               failed). Calls are numbered in their order; ids are compared by what they pair.
    tools      [name, description, schema]; server tools stand in `others`
    choice     auto, none, required, a name, or ["allowed", mode, names]; None: not said
    params     by OpenAI's names
    format     None, "json", or the schema
    others     whatever else was said, by JSON pointer: nothing is passed over
"""

import base64
import binascii
import hashlib
import json


class Request:
    def __init__(self):
        self.messages, self.tools, self.params, self.others = [], [], {}, {}
        self.choice, self.format, self.parallel = None, None, None
        self.names = []           # of the calls, by number
        self.open = []            # numbers of calls without a result, in order
        self._ids = {}

    def say(self, role, kind, *what):
        if kind in ("text", "reasoning", "refusal") and not (what and what[0]):
            return
        self.messages.append([role, kind, *what])

    def call(self, ident, name, arguments):
        number = len(self.names)
        self.names.append(name)
        self.open.append(number)
        if ident:
            self._ids[ident] = number
        self.messages.append(["assistant", "call", name, arguments, number])

    def result(self, ident, name, content, failed=False):
        """By id; without one by name, then by order."""
        number = self._ids.get(ident) if ident else None
        if number is None or ident is None:
            named = [n for n in self.open if name and self.names[n] == name]
            if number is None:
                number = (named or (self.open if not ident else [None]) or [None])[0]
        if number in self.open:
            self.open.remove(number)
        self.messages.append(["tool", "result", number, content, bool(failed)])

    def free_tool(self, at, name, description, form):
        """A tool that takes text. What the text has to look like is said in a grammar, flat or
        not."""
        self.tools.append([name, description, {"type": "string"}])
        form = dict(form or {})
        form.update(form.pop("grammar", None) or {})
        if form.get("type") not in (None, "text"):
            self.other(at + "/format", form)

    def param(self, name, value):
        if value is not None:
            self.params[name] = value

    def other(self, pointer, value):
        """An empty object says something where it names a tool, and nothing elsewhere."""
        if value is not None and value != [] and (value != {} or "/tools/" in pointer):
            self.others[pointer] = value


class Obj:
    """An object that knows which of its members were read; `rest` enters the others."""

    def __init__(self, value, at, request):
        self.value = value if isinstance(value, dict) else {}
        self.at, self.request, self.taken = at, request, set()
        if not isinstance(value, dict) and value is not None:
            request.other(at, value)

    def __contains__(self, name):
        return self.value.get(name) is not None

    def take(self, *names):
        found = None
        for name in names:
            if name in self.value:
                self.taken.add(name)
                found = self.value[name] if found is None else found
        return found

    def obj(self, *names):
        return Obj(self.take(*names), self.at + "/" + names[0], self.request)

    def items(self, *names):
        """(object, its index) of a list; a single object counts as a list of one."""
        value = self.take(*names)
        value = value if isinstance(value, list) else [] if value is None else [value]
        for i, item in enumerate(value):
            yield Obj(item, "%s/%s/%d" % (self.at, names[0], i), self.request), item

    def rest(self):
        for name, value in self.value.items():
            if name not in self.taken:
                self.request.other(self.at + "/" + name, value)


def modalities(request, names):
    """What the answer may be made of, in small letters."""
    request.param("modalities", sorted(name.lower() for name in names) if names else None)


def of_data(data):
    """What bytes in base64 are of, however they are padded."""
    try:
        raw = base64.b64decode(data.replace("-", "+").replace("_", "/") + "=" * (-len(data) % 4))
    except (binascii.Error, ValueError, AttributeError):
        return "text:" + str(data)[:40]
    return of_bytes(raw)


def of_bytes(raw):
    return "sha:" + hashlib.sha256(raw).hexdigest()[:16]


def of_url(url):
    """A data: URL is of its bytes."""
    if isinstance(url, str) and url.startswith("data:"):
        head, _, data = url.partition(",")
        return of_data(data) if head.endswith(";base64") else of_bytes(data.encode())
    return "url:%s" % url


def arguments_of(value):
    if not isinstance(value, str):
        return {} if value is None else value
    if not value.strip():
        return {}
    try:
        return json.loads(value)
    except ValueError:
        return value


# -- Schemas ----------------------------------------------------------------------------------


def shape(schema, root=None, depth=0):
    """What a schema asks for, without the words one API needs and another has not: types (small
    letters; null among them as `nullable`), properties, what is required, enumerations, items,
    alternatives, descriptions. $refs are resolved as far as they go."""
    root = schema if root is None else root
    if not isinstance(schema, dict) or depth > 12:
        return schema if isinstance(schema, bool) else {}
    if isinstance(schema.get("$ref"), str):
        target = _resolve(schema["$ref"], root)
        return shape(dict(target, **{k: v for k, v in schema.items() if k != "$ref"}), root,
                     depth + 1)
    out = {}
    types, nullable = _types(schema)
    if types:
        out["type"] = types
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
    if values:
        nullable = nullable or None in values
        out["enum"] = [v for v in values if v is not None]
    if isinstance(schema.get("description"), str):
        out["description"] = schema["description"]
    if isinstance(schema.get("properties"), dict):
        out["properties"] = {k: shape(v, root, depth + 1) for k, v in schema["properties"].items()}
    if schema.get("required"):
        out["required"] = sorted(schema["required"])
    if isinstance(schema.get("items"), dict):
        out["items"] = shape(schema["items"], root, depth + 1)
    if isinstance(schema.get("prefixItems"), list):
        out["prefix"] = [shape(v, root, depth + 1) for v in schema["prefixItems"]]
    alternatives = [v for key in ("anyOf", "oneOf") for v in schema.get(key) or ()]
    if alternatives:
        shapes = [shape(v, root, depth + 1) for v in alternatives]
        nullable = nullable or {"type": ["null"]} in shapes or {"nullable": True} in shapes
        shapes = [s for s in shapes if s not in ({"type": ["null"]}, {"nullable": True})]
        if len(shapes) == 1:
            out = dict(shapes[0], **out)
        else:
            out["any"] = shapes
    if nullable:
        out["nullable"] = True
    return out


# As Google's older libraries wrote its enumeration.
_NUMBERED = {1: "string", 2: "number", 3: "integer", 4: "boolean", 5: "array", 6: "object"}


def _types(schema):
    types = schema.get("type")
    types = _NUMBERED.get(types, types) if isinstance(types, int) else types
    types = types if isinstance(types, list) else [types] if isinstance(types, str) else []
    types = [t.lower() for t in types]
    nullable = bool(schema.get("nullable")) or ("null" in types and len(types) > 1)
    if types == ["null"]:
        return [], True
    return sorted(t for t in types if t != "null"), nullable


def _resolve(ref, root):
    at = root
    for name in ref.lstrip("#/").split("/"):
        at = at.get(name.replace("~1", "/").replace("~0", "~"), {}) if isinstance(at, dict) else {}
    return at if isinstance(at, dict) else {}
