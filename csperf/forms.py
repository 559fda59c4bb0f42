"""A new shop's folder: its settings and the Excel forms that people fill in, with drop-downs and an example row."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

import yaml
from xlsxwriter.exceptions import FileCreateError

from .adoption import form_name, write_form
from .catalogue import ENTRIES
from .definitions import SETS
from .documents import documents
from .errors import CsperfError, Problem
from .facts import FEEDBACK, LEVELS, PLANS, ROLES, SPOKEN
from .load import KEY_FILE
from .params import NAME_LENGTH
from .people.settings import CRITERIA
from .rules import PLATFORMS, load_rules
from .scorecard.events import APPEALS, KINDS, OTHER_KINDS
from .text import say
from .workbook import WIDTH, Book

TEMPLATE = Path(__file__).with_name("templates") / "shop" / "params.yaml"
KEY_BYTES = 32
CELLS = ("own", "mean", "top10_mean", "tier_mean", "tier_excellent")
SHIFTS = {"early": ("08:00", "16:00"), "middle": ("12:00", "20:00"), "late": ("16:00", "00:30")}
OFF = ("rest", "leave")


@dataclass(frozen=True)
class Field:
    """A column of a form: the contract's column it fills, the word of its heading, what may be chosen, an example.

    `choices`: what is written in the cell -> what it means in the contract; nothing = free text. `pattern`: what of the
    cell is meant.
    """

    column: str
    example: object
    word: str = ""
    choices: Callable[[str], dict[str, object]] | None = None
    area: str = "forms"
    pattern: str = ""

    def heading(self, lang: str) -> str:
        """The heading in `lang`."""
        return say(f"{self.area}.{self.word or self.column}", lang)

    def about(self, lang: str) -> str:
        """What to write in the column."""
        return say(f"forms.about_{self.word or self.column}", lang)


def _chosen(column: str, meanings: Iterable[object], kept_as_said: bool = False) -> Callable[[str], dict[str, object]]:
    def choices(lang: str) -> dict[str, object]:
        said = {say(f"forms.{column}_{str(m).lower()}", lang): m for m in meanings}
        return {word: word for word in said} if kept_as_said else said

    return choices


def _said_as(words: str, meanings: Iterable[str]) -> Callable[[str], dict[str, object]]:
    return lambda lang: {say(f"{words}_{meaning}", lang): meaning for meaning in meanings}


def _metrics(lang: str) -> dict[str, object]:
    return {entry.name(lang): key for key, entry in ENTRIES.items()}


def _sets(lang: str) -> dict[str, object]:
    return {name: name for name in SETS}


VISITS = ("phone", "chat", "call_on")
PERIOD_OF_CELL = r"^(\d{4}(?:-\d{2}|-Q[1-4])?)(?:-\d{2}.*)?$"  # Excel makes a date of 2026-10
FIRST, LAST = dt.date(2026, 10, 1), dt.date(2026, 10, 31)
FORMS: dict[str, tuple[Field, ...]] = {
    "roster": (
        Field("account_id", "我的店铺:小美"),
        Field("agent_id", "A001"),
        Field("name", "王小美"),
        Field("role", "pre", choices=_chosen("role", ROLES)),
        Field("level", "mid", choices=_chosen("level", LEVELS)),
        Field("team", ""),
        Field("started", dt.date(2026, 3, 1)),
        Field("ended", ""),
        Field("valid_from", dt.date(2026, 3, 1)),
        Field("valid_to", ""),
    ),
    "calendar": (
        Field("name", "双11", word="calendar_name"),
        Field("start", dt.date(2026, 11, 1)),
        Field("end", dt.date(2026, 11, 11)),
        Field("phase", "main", choices=_chosen("phase", ("warm-up", "main"))),
        Field("exempt", False, choices=_chosen("exempt", (True, False))),
    ),
    "benchmarks": (
        Field("metric", "conversion_paid_user", choices=_metrics),
        Field("definitions", "taobao", choices=_sets),
        Field("cell", "tier_mean", choices=_chosen("cell", CELLS)),
        Field("value", 0.546),
        Field("n", ""),
        Field("period_start", FIRST),
        Field("period_end", LAST),
        Field("tier", ""),
        Field("category", ""),
        Field("source", "生意参谋 服务 客服绩效"),
        Field("read_by", "王小美"),
    ),
    "plans": (
        Field("kind", "plan", word="plan_kind", choices=_chosen("plan_kind", PLANS)),
        Field("period", "2026-10", pattern=PERIOD_OF_CELL),
        Field("item", "产品知识培训", word="plan_item"),
        Field("planned", 20),
        Field("done", ""),
    ),
    "visits": (
        Field("kind", "phone", word="visit_kind", choices=_chosen("visit_kind", VISITS)),
        Field("agent_id", "A001"),
        Field("buyer_id", "买家甲"),
        Field("key_customer", True, choices=_chosen("exempt", (True, False))),
        Field("due_at", dt.date(2026, 10, 20)),
        Field("done_at", ""),
    ),
    "feedback": (
        Field("kind", "feedback", word="feedback_kind", choices=_chosen("feedback_kind", FEEDBACK)),
        Field("agent_id", "A001"),
        Field("buyer_id", "买家甲"),
        Field("key_customer", False, choices=_chosen("exempt", (True, False))),
        Field("due_at", dt.date(2026, 10, 20)),
        Field("done_at", ""),
    ),
}
# Forms that a command reads (filled.py): their columns are those of tidy.TABLES.
READ_FORMS: dict[str, tuple[Field, ...]] = {
    "experts": (
        Field("expert", "王小美", area="tidy"),
        Field("round", 1, area="tidy"),
        Field("role", "pre", choices=_chosen("role", ("pre", "after", "mixed")), area="tidy"),
        Field("metric", "conversion_paid_user", choices=_metrics, area="tidy"),
        Field("points", 40, area="tidy"),
    ),
    "findings": (
        Field("month", "2026-10", area="tidy"),
        Field("finding", "", area="tidy"),
        Field("metric", "mean_wait_turn_s", choices=_metrics, area="tidy"),
        Field("role", "pre", choices=_chosen("role", ("pre", "after", "mixed")), area="tidy"),
        Field("agent_id", "", area="tidy"),
        Field("measure", "", area="tidy"),
        Field("owner", "李主管", area="tidy"),
        Field("due", dt.date(2026, 11, 15), area="tidy"),
    ),
    "objections": (
        Field("objected_on", dt.date(2026, 11, 7), area="tidy"),
        Field("about", "2026-10", area="tidy"),
        Field("objector", "王小美", area="tidy"),
        Field("agent_id", "", area="tidy"),
        Field("scorer", "李主管", area="tidy"),
        Field("objection", "", area="tidy"),
    ),
    "events": (
        Field("agent_id", "A001", area="tidy"),
        Field("date", dt.date(2026, 10, 12), area="tidy"),
        Field("kind", "complaint", choices=_said_as("scores.kind", (*KINDS, *OTHER_KINDS)), area="tidy"),
        Field("evidence", "20261012-0342", area="tidy"),
        Field("reported_by", "王小美", area="tidy"),
        Field("confirmed_by", "李主管", area="tidy"),
        Field("appeal", "none", choices=_said_as("scores.appeal", APPEALS), area="tidy"),
    ),
    "steps": (
        Field("score_from", 90, area="tidy"),
        Field("score_to", 99.9, area="tidy"),
        Field("coefficient", 1.0, area="tidy"),
        Field("yuan", "", area="tidy"),
    ),
    "corrections": (
        Field("id", "C0001", area="tidy"),
        Field("agent_id", "A001", area="tidy"),
        Field("yuan", 80, area="tidy"),
        Field("reason", "", area="tidy"),
    ),
    "votes": (
        Field("agent_id", "A001", area="tidy"),
        Field("criterion", "service", choices=_said_as("people.criterion", CRITERIA), area="tidy"),
        Field("points", 4, area="tidy"),
        Field("rater", "王小美", area="tidy"),
        Field("source", "", area="tidy"),
    ),
}
SENTENCES = ("objection", "finding", "measure")  # whose example is words in the form's language
ABOUT = {
    ("findings", "agent_id"): "about_found_agent",
    ("findings", "month"): "about_found_in",
    ("objections", "agent_id"): "about_objected_agent",
    ("corrections", "id"): "about_correction",
    ("votes", "points"): "about_votes",
    ("votes", "source"): "about_voter",
} | {(name, "agent_id"): "about_whose" for name in ("events", "corrections", "votes")}
# Forms that commands write later, into the same folder: the columns of the contract are among theirs.
REGISTER, REGISTERED = (
    "complaint_register",
    ("complaint_id", "opened_at", "account_id", "kind", "cause_at", "resolved_at"),
)
ASKED = ("survey_id", "asked_at", "answered_at", "score", "scale_max", "subject")
RULE_COLUMNS = ("rule", "since", "threshold", "grade", "source", "seen", "checked_on", "checked_by")


def new_shop(folder: str | Path, *, lang: str, today: dt.date) -> tuple[list[Path], list[Path]]:
    """The files written into `folder`, and those that were there already and were left alone.

    `lang` is the language of the forms; the 排班表 is laid out for the month of `today`.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise CsperfError(Problem(str(folder), say("cli.not_a_folder")))
    for part in (folder, folder / "exports" / "chats", folder / "exports" / "orders"):
        part.mkdir(parents=True, exist_ok=True)
    made: dict[str, Callable[[Path], None]] = {
        "params.yaml": lambda path: _write_params(path, folder.resolve().name, lang),
        KEY_FILE: _write_key,
        **{_file(name, lang): _form_writer(name, lang) for name in (*FORMS, *READ_FORMS)},
        _file("shifts", lang): lambda path: _write_shifts(path, lang, today.replace(day=1)),
        _file("rules", lang): lambda path: _write_rules(path, lang),
        form_name(lang): lambda path: write_form(path, (), lang),
    }
    kept = [folder / name for name in made if (folder / name).exists()]
    written = [folder / name for name in made if not (folder / name).exists()]
    for path in written:
        try:
            made[path.name](path)
        except (OSError, FileCreateError):  # half a form would be left alone ever after
            path.unlink(missing_ok=True)
            raise
    return written, kept


def _file(name: str, lang: str) -> str:
    return f"{say(f'forms.{name}', lang)}.xlsx"


def _write_key(path: Path) -> None:
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(secrets.token_hex(KEY_BYTES), encoding="ascii")


# Settings ---------------------------------------------------------------------------------------------------------


def _write_params(path: Path, shop: str, lang: str) -> None:
    sources = [_source(name, fields, lang) for name, fields in FORMS.items()]
    plans = f"{say('forms.shifts', lang)}*.xlsx"  # a month's plan each
    sources.append({"source": "schedule", "files": plans, "agent": say("forms.agent_id", lang)})
    sources += _later(lang)
    listed = yaml.safe_dump(sources, allow_unicode=True, sort_keys=False, width=110, default_flow_style=None)
    forms = "".join(f"  {line}\n" for line in listed.splitlines())
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(shop=shop_id(shop), lang=lang, forms=forms)
    path.write_text(text, encoding="utf-8", newline="\n")


def shop_id(name: str) -> str:
    """The folder's name as a shop's number: what may not stand in one becomes -."""
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name).strip("-")[:NAME_LENGTH] or "shop"


def _later(lang: str) -> list[dict[str, object]]:
    """The entries that read quality checks, questionnaires and complaints once their forms are in the folder."""
    register = documents()[REGISTER]
    headings = {column.key: column.said(lang) for column in register.columns}
    tables = {
        "surveys": (say("quality.survey", lang), {name: say(f"quality.{name}", lang) for name in ASKED}),
        "complaints": (register.title.said(lang), {name: headings[name] for name in REGISTERED}),
    }
    checks = {"source": "quality", "files": f"{say('quality.form', lang)}*.xlsx", "optional": True}
    return [checks] + [
        {"source": "table", "table": name, "files": f"{title}*.xlsx", "optional": True, "columns": columns}
        | ({"filter": _no_example(lang)} if name == "complaints" else {})
        for name, (title, columns) in tables.items()
    ]


def _no_example(lang: str) -> dict[str, object]:
    """The filter that leaves out a form's example."""
    return {"example": {"column": say("forms.remark", lang), "not_in": [say("forms.example", lang)]}}


def _source(name: str, fields: Sequence[Field], lang: str) -> dict[str, object]:
    """The entry of `sources` that reads the form back."""
    columns: dict[str, object] = {}
    for field in fields:
        heading, words = field.heading(lang), field.choices(lang) if field.choices else {}
        meant = {word: value for word, value in words.items() if word != value} | SPOKEN.get(field.column, {})
        if field.choices is _metrics:
            meant |= {key: key for key in ENTRIES}
        columns[field.column] = {"from": heading, "values": meant} if meant else heading
        if field.pattern:
            columns[field.column] = {"from": heading, "pattern": field.pattern}
    left_out = _no_example(lang)
    if name == "roster":
        waiting = say("forms.role_undecided", lang)
        left_out["undecided"] = {"column": say("forms.role", lang), "not_in": [waiting]}
    return {"source": "table", "table": name, "files": _file(name, lang), "columns": columns, "filter": left_out}


# Forms ------------------------------------------------------------------------------------------------------------


def _form_writer(name: str, lang: str) -> Callable[[Path], None]:
    return lambda path: _write_form(path, name, (FORMS | READ_FORMS)[name], lang)


def _write_form(path: Path, name: str, fields: Sequence[Field], lang: str) -> None:
    book = Book(path, lang)
    remark = say("forms.remark", lang), say("forms.about_remark", lang)
    headings = [*(f.heading(lang) for f in fields), remark[0]]
    about = [
        say(f"forms.{ABOUT[name, f.column]}", lang) if (name, f.column) in ABOUT else f.about(lang) for f in fields
    ]
    sheet = book.sheet(name, headings, [*about, remark[1]])
    for column, field in enumerate(fields):
        example = field.example
        if field.choices:
            choices = field.choices(lang)
            book.drop_down(sheet, (column, column), choices)
            example = next((word for word, meant in choices.items() if meant == example), next(iter(choices)))
        if field.column in SENTENCES:
            example = say(f"forms.example_{field.column}", lang)
        if isinstance(field.example, dt.date):
            sheet.set_column(column, column, WIDTH, book.date)
        sheet.write(1, column, example, book.grey_date if isinstance(example, dt.date) else book.grey)
    sheet.write(1, len(fields), say("forms.example", lang), book.grey)
    if any(field.choices is _metrics for field in fields):
        _explain_metrics(book)
    book.close()


def _explain_metrics(book: Book) -> None:
    """A sheet that says what each key of a metric means."""
    words = ("metric", "metric_name", "unit")
    sheet = book.sheet("metric_names", [say(f"forms.{w}", book.lang) for w in words], [""] * len(words))
    sheet.set_column(0, 1, 2 * WIDTH)
    for row, (key, entry) in enumerate(ENTRIES.items(), start=1):
        sheet.write_row(row, 0, [key, entry.name(book.lang), say(f"dictionary.unit_{entry.unit}", book.lang)])


def _write_shifts(path: Path, lang: str, first: dt.date) -> None:
    """The wide 排班表: people × days, and the times of each shift on a sheet of its own."""
    book = Book(path, lang)
    days = [first + dt.timedelta(days=n) for n in range(31) if (first + dt.timedelta(days=n)).month == first.month]
    who = [Field("agent_id", "A001"), Field("name", "王小美")]
    about = [*(f.about(lang) for f in who), *(say("forms.about_shift", lang) for _ in days)]
    sheet = book.sheet("shifts", [*(f.heading(lang) for f in who), *days], about)
    shifts = {name: say(f"forms.shift_{name}", lang) for name in SHIFTS}
    off = [say(f"forms.off_{name}", lang) for name in OFF]
    book.drop_down(sheet, (2, len(days) + 1), [*shifts.values(), *off], strict=False)  # 替小美早 is one as well
    sheet.freeze_panes(1, 2)
    times = [say(f"forms.{word}", lang) for word in ("shift", "begins", "ends")]
    table = book.sheet("shift_times", times, [say("forms.about_times", lang)] * len(times))
    for row, (name, (begins, ends)) in enumerate(SHIFTS.items(), start=1):
        table.write_row(row, 0, [shifts[name], begins, ends])
    for row, word in enumerate(off, start=len(SHIFTS) + 1):
        table.write_row(row, 0, [word, say("forms.no_shift", lang)])
    book.close()


def _write_rules(path: Path, lang: str) -> None:
    """Every platform rule as csperf has it, with room for what the merchant's backend says."""
    book = Book(path, lang)
    fields = [Field(column, "") for column in RULE_COLUMNS]
    last = len(RULE_COLUMNS) - 1
    sheet = book.sheet("rules", [f.heading(lang) for f in fields], [f.about(lang) for f in fields])
    rules = [rule for file in sorted(PLATFORMS.glob("*.yaml")) for rule in load_rules(file)]
    for row, rule in enumerate(rules, start=1):
        name = rule.name_zh if lang == "zh" else rule.name_en
        since = f"{rule.since:%Y-%m-%d}" if rule.since else ""
        sheet.write_row(row, 0, [f"{rule.platform} {name}", since, rule.threshold, rule.grade, rule.source])
    sheet.set_column(last - 1, last - 1, WIDTH, book.date)
    sheet.set_column(0, 0, 3 * WIDTH)
    book.close()
