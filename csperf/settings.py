"""What people type into YAML: read strictly, and every finding said so that they can mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, get_args
from zoneinfo import available_timezones

import yaml
from pydantic import AfterValidator, BaseModel, ValidationError
from pydantic.fields import FieldInfo

from .errors import CsperfError, Problem
from .text import say

ENCODINGS = ("utf-8-sig", "gb18030")  # Windows' Notepad may have saved the file in either
TAB = r"'\t'"  # as PyYAML shows it
SHOWN = 60  # characters of a wrong value that are quoted back
LISTED = 24  # allowed words that are listed
MISSPELT = 0.85  # how alike two names of zones must be

# pydantic's kinds of finding -> our sentence; what is not listed falls back to pydantic's own words.
SENTENCES = {
    r"missing|union_tag_not_found": "missing",
    r"extra_forbidden": "unknown_key",
    r"literal_error|enum|union_tag_invalid": "not_one_of",
    r"string_type": "not_text",
    r"int_.*": "not_whole",
    r"float_.*|decimal_.*|finite_number": "not_number",
    r"bool_.*": "not_bool",
    r"date_.*": "not_date",
    r"list_type|tuple_type|set_type|iterable_type": "not_list",
    r"dict_type|mapping_type|model_type|model_attributes_type": "not_mapping",
    r"greater_than.*|less_than.*": "out_of_bounds",
    r"value_error": "refused",
}


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML in which no key stands twice, and times, dates and 001 stay text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, say("params.key_twice", key=key), key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


# YAML 1.1 reads 08:00 as base sixty and 010 as octal, and stops at 2026-02-30 without saying where: all three
# are text here, and the models say what is a time, an id or a date.
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":int", ":float", ":timestamp"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_WHOLE = re.compile(r"^[-+]?(0|[1-9][0-9_]*)$")
_DECIMAL = re.compile(r"^[-+]?([0-9][0-9_]*)?\.[0-9]+([eE][-+]?[0-9]+)?$")
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:int", _WHOLE, list("-+0123456789"))
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:float", _DECIMAL, list("-+0123456789."))


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; CsperfError where it cannot be read, with the line at fault."""
    where = str(path)
    try:
        content = deepcopy(_parsed(_decoded(Path(path))))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        slots = {"line": line, "column": column, "problem": error.problem}
        said = say("params.yaml_tab" if TAB in str(error.problem) else "params.yaml_syntax", **slots)
        raise CsperfError(Problem(where, said)) from error
    except yaml.YAMLError as error:
        raise CsperfError(Problem(where, say("params.yaml_characters", problem=error))) from error
    if not isinstance(content, dict):
        raise CsperfError(Problem(where, say("params.yaml_not_mapping", found=quoted(content))))
    return content


@lru_cache(maxsize=16)
def _parsed(text: str) -> Any:
    """What a text says: each page of a pack reads the same few files anew."""
    return yaml.load(text, _StrictLoader)


def _decoded(path: Path) -> str:
    if path.is_dir():
        raise CsperfError(Problem(str(path), say("params.is_folder", example=path / "params.yaml")))
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise CsperfError(Problem(str(path), say("params.no_file", folder=path.absolute().parent))) from None
    except OSError as error:
        raise CsperfError(Problem(str(path), say("params.unreadable", problem=error.strerror))) from error
    for encoding in ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise CsperfError(Problem(str(path), say("params.encoding")))


def explain(error: ValidationError, where: str, model: type[BaseModel], content: Mapping[str, Any]) -> list[Problem]:
    """One problem for each finding of pydantic about `content`, read from `where` and checked against `model`."""
    return list(dict.fromkeys(_problem(finding, where, model, content) for finding in error.errors(include_url=False)))


def _problem(finding: Any, where: str, model: type[BaseModel], content: Mapping[str, Any]) -> Problem:
    path, fields = _place(finding["loc"], model, content)
    kind, context = finding["type"], finding.get("ctx", {})
    if "." in kind:  # a layer's own finding: its type is the key of its sentence
        return Problem(where, f"{path}: {say(kind, **context)}")
    name = next((name for pattern, name in SENTENCES.items() if re.fullmatch(pattern, kind)), "other")
    if kind == "union_tag_not_found":
        path = f"{path}.{context['discriminator'].strip(chr(39))}"
    found = context.get("tag", finding["input"])
    expected = context.get("expected") or context.get("expected_tags")
    allowed = [word.strip("'") for word in re.split(r", | or ", expected)] if expected else list(fields)
    guess = did_you_mean(path.rsplit(".", 1)[-1] if name == "unknown_key" else found, allowed)
    slots = {"found": quoted(found), "allowed": listed(allowed), "hint": guess}
    slots |= {"limit": _limit(context), "problem": context.get("error", finding["msg"])}
    slots["example"] = _example(fields.get(path.rsplit(".", 1)[-1]))
    return Problem(where, f"{path}: {say(f'params.{name}', **slots)}")


def _example(field: FieldInfo | None) -> str:
    return say("params.example", example=field.examples[0]) if field and field.examples else ""


def _limit(context: Mapping[str, Any]) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    return next((f"{sign} {context[key]}" for key, sign in signs.items() if key in context), "")


def _place(loc: tuple[int | str, ...], model: type[BaseModel], content: Any) -> tuple[str, dict[str, FieldInfo]]:
    """The path as a person would write it, and what may stand beside its last part.

    pydantic's own path also names the member of a union that it tried; those parts are left out.
    """
    path, models, beside = "", [model], {}
    for token in loc:
        fields = {f.alias or name: f for m in models for name, f in m.model_fields.items()}
        tags = {tag: m for m in models for tag in _tags(m)} if len(models) > 1 else {}
        if token in tags:
            models = [tags[str(token)]]
        elif token in fields or isinstance(token, int) or (isinstance(content, Mapping) and token in content):
            path += f"[{token}]" if isinstance(token, int) else f".{token}"
            content = _step(content, token)
            models = _models(fields[str(token)].annotation) if token in fields else models
            beside = fields
    return path.removeprefix("."), beside


def _step(content: Any, token: int | str) -> Any:
    if isinstance(content, Mapping):
        return content.get(token)
    return content[token] if isinstance(content, list) and isinstance(token, int) and token < len(content) else None


def _tags(model: type[BaseModel]) -> Iterable[str]:
    yield model.__name__
    for field in model.model_fields.values():
        yield from (value for value in get_args(field.annotation) if isinstance(value, str))


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def quoted(value: object) -> str:
    """The value as it is shown back to the person who wrote it, cut to a readable length."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def listed(words: Iterable[str]) -> str:
    """The words with commas between them, cut to a readable number."""
    words = list(words)
    return ", ".join(words[:LISTED]) + (f" {say('params.and_more')}" if len(words) > LISTED else "")


def did_you_mean(word: object, allowed: Iterable[str], cutoff: float = 0.6) -> str:
    """`(did you mean x?)` for the nearest allowed word, empty where none is near."""
    near = get_close_matches(str(word), list(allowed), n=1, cutoff=cutoff)
    return say("params.did_you_mean", near=near[0]) if near else ""


def _zone(value: str) -> str:
    known = available_timezones()
    if value not in known:
        hint = did_you_mean(value, sorted(known), cutoff=MISSPELT)  # Beijing is no misspelt Brunei
        raise ValueError(say("params.bad_timezone", found=quoted(value), hint=hint))
    return value


TimeZone = Annotated[str, AfterValidator(_zone)]
