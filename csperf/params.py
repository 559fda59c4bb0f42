"""One shop's settings: read from YAML, checked whole, frozen. Each layer owns its part; here they are put together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, create_model

from .definitions import SETS, Definition
from .engine import EngineSettings
from .errors import CsperfError, Problem
from .filled import confirmed
from .hours import HoursSettings
from .load import LoadSettings
from .people.settings import PeopleSettings
from .rules import PlatformRule, load_rules
from .settings import TimeZone, did_you_mean, explain, listed, quoted, read_yaml
from .sources import SourceSettings
from .staffing.settings import StaffingSettings
from .targets.register_file import read_register
from .targets.settings import TargetSettings
from .text import say
from .weights.settings import WeightSettings

STRICT = ConfigDict(frozen=True, extra="forbid")
NAME_LENGTH = 64


def _month(value: str) -> str:
    if value and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", value):
        raise ValueError(say("params.bad_month", found=quoted(value)))
    return value


def _identifier(value: str) -> str:
    if not re.fullmatch(rf"\w[\w-]{{0,{NAME_LENGTH - 1}}}", value):
        raise ValueError(say("params.bad_identifier", found=quoted(value)))
    return value


def _set_name(value: str) -> str:
    if said := no_set(value):
        raise ValueError(said)
    return value


def no_set(value: str) -> str:
    """What is to be said about a name that is no definition set, empty where it is one."""
    if value in SETS:
        return ""
    return say("params.no_definitions", found=quoted(value), hint=did_you_mean(value, SETS), allowed=listed(SETS))


def _metric_key(value: str) -> str:
    from .catalogue import ENTRIES  # only a file that names metrics pays for the catalogue

    if value not in ENTRIES:
        raise ValueError(say("params.no_metric", found=quoted(value), hint=did_you_mean(value, ENTRIES)))
    return value


Month = Annotated[str, AfterValidator(_month)]


class Name(BaseModel):
    """What the shop is called, in both languages."""

    model_config = STRICT

    zh: str
    en: str


# Every field of Definition, none required: a misspelt or ill-typed rule is then found like any other.
Overrides: Any = create_model(
    "Overrides",
    __config__=STRICT,
    **{name: (field.annotation, field.default) for name, field in Definition.model_fields.items() if name != "name"},
)  # type: ignore[call-overload]


class Params(BaseModel):
    """One shop's settings, as checked.

    Once `load_params` has returned it the paths are absolute, store and reports below root where the file names none.
    """

    model_config = STRICT

    shop: Annotated[str, AfterValidator(_identifier)] = Field(examples=["my-shop"])
    name: Name | None = None
    root: Path = Path()
    store: Path = Path()
    reports: Path = Path()
    timezone: TimeZone = Field(examples=["Asia/Shanghai"])
    platform: str | None = None
    definitions: Annotated[str, AfterValidator(_set_name)] = "shop"
    definition: Overrides = Overrides()
    month: Month = ""
    door: Literal["", "chat", "table"] = ""
    lang: Literal["zh", "en"] = "zh"
    objections_to: str = ""  # who is asked; default: the supervisor
    min_n: int = Field(default=20, ge=1)
    hours: tuple[HoursSettings, ...] = ()
    internal_accounts: frozenset[str] = frozenset()
    listed_buyers: frozenset[str] = frozenset()
    engine: EngineSettings = EngineSettings()
    metrics: tuple[Annotated[str, AfterValidator(_metric_key)], ...] = ()
    targets: TargetSettings = TargetSettings()
    weights: WeightSettings = WeightSettings()
    people: PeopleSettings = PeopleSettings()
    staffing: StaffingSettings = StaffingSettings()
    sources: tuple[SourceSettings, ...] = ()

    _file: Path = PrivateAttr(default=Path())

    @property
    def file(self) -> Path:
        """The file these settings came from."""
        return self._file

    @property
    def folder(self) -> Path:
        """The shop's folder: the one that holds its YAML and forms."""
        return self._file.parent

    @property
    def tz(self) -> ZoneInfo:
        """The shop's time zone, in which days begin."""
        return ZoneInfo(self.timezone)

    @property
    def frozen(self) -> frozenset[str]:
        """The months that are frozen; CsperfError where the register cannot be read."""
        return read_register(self.folder / f"{self.shop}.register.csv").frozen_months

    @property
    def loading(self) -> LoadSettings:
        """What reading the exports needs of these settings."""
        return LoadSettings(**{name: getattr(self, name) for name in LoadSettings.model_fields})

    def title(self, lang: str) -> str:
        """What the shop is called in `lang`; its number where it has no name."""
        return getattr(self.name, lang) if self.name else self.shop

    def platform_rules(self) -> tuple[PlatformRule, ...]:
        """The platform's rules, none where the file names no platform; CsperfError where they cannot be read."""
        try:
            return confirmed(load_rules(self.platform), self.folder) if self.platform else ()
        except CsperfError as error:
            here = str(self.file)
            raise CsperfError(
                Problem(here, f"platform: {p.message}") if p.where == "platform" else p for p in error.problems
            ) from None

    def counting_rules(self, name: str = "") -> Definition:
        """The definition set `name` (default: the shop's), with the shop's own changes where it is the shop's set."""
        name = name or self.definitions
        if said := no_set(name):
            raise CsperfError(Problem("definitions", said))
        changes = self.definition.model_dump(exclude_unset=True) if name == self.definitions else {}
        return SETS[name].model_copy(update=changes)


def load_params(path: str | Path, **overrides: Any) -> Params:
    """The settings in a YAML file; an override that is not empty replaces the entry of that name.

    CsperfError with every finding at once: the file, the entry, what was found, what is allowed.
    """
    file = Path(path).absolute()
    given = {name: value for name, value in overrides.items() if value not in (None, "")}
    content = read_yaml(path) | given
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        raise CsperfError(explain(error, str(path), Params, content)) from None
    if problems := list(_outside(params.sources, str(path))):
        raise CsperfError(problems)
    root = (file.parent / params.root).resolve()
    places = {name: root / name for name in ("store", "reports")}
    places |= {
        name: (file.parent / getattr(params, name)).resolve() for name in places if name in params.model_fields_set
    }
    params = params.model_copy(update={"root": root, **places})
    params._file = file
    return params


def _outside(sources: Iterable[Any], where: str) -> Iterator[Problem]:
    """Files are looked for below root; whoever means another place says so in root."""
    for at, source in enumerate(sources):
        if not hasattr(source, "files"):  # a database
            continue
        parts = PurePath(source.files.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts:
            yield Problem(where, f"sources[{at}].files: {say('params.outside', found=quoted(source.files))}")
