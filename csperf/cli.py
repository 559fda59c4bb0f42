"""The command line: what a person types, what is printed, and the exit code (0 done, 1 mend your data, 2 mistyped)."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cli_people import WHAT
from .cli_quality import quality
from .cli_records import review
from .errors import CsperfError, Problem
from .text import LANGUAGES, say, speaking, ui_language
from .text.numbers import MISSING

if TYPE_CHECKING:  # heavy: imported inside the commands that need them, so that --help is quick
    import pandas as pd

    from .load import LoadReport

GRAINS = ("shop", "agent", "level", "role", "shift", "day", "week", "month")
STAGES = ("plan", "progress", "settle")  # of stages.py, which would be heavy to import
TABLES_OF = ("taobao", "pdd", "douyin")  # of sample.PLATFORMS, which would be heavy to import
DOORS = ("chat", "table", "both")
SHOWN_ROWS = 200
UNBROKEN = 10_000  # columns where no person watches: no line is broken or cut, a program may read it
DATE = ["%Y-%m-%d"]

app = typer.Typer(
    name="csperf",
    help=say("cli.about"),
    epilog=say("cli.about_example"),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(review)
app.add_typer(quality)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave with its exit code; a person's mistakes are printed without traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that cannot show a character must not stop the work
    try:
        app(arguments, prog_name="csperf")
    except CsperfError as error:
        _refuse(error)
    except PermissionError as error:  # on Windows: the file is open in Excel
        _refuse(CsperfError(Problem(str(error.filename), say("cli.locked"))))
    except OSError as error:
        said = say("cli.disk", problem=error.strerror or error)
        _refuse(CsperfError(Problem(str(error.filename or Path.cwd()), said)))


def _refuse(error: CsperfError) -> None:
    typer.echo(f"{error}\n{say('cli.problems', n=len(error.problems))}", err=True)
    sys.exit(1)


# What the commands take -------------------------------------------------------------------------------------------


def command(name: str) -> Callable[[Callable], Callable]:
    """Registers a command whose help and example are words of text/cli.yaml."""
    return app.command(name, help=say(f"cli.{name}"), epilog=say(f"cli.{name}_example"), no_args_is_help=True)


def _option(*names: str, metavar: str | None = None, **more: Any) -> Any:
    return typer.Option(*names, metavar=metavar, help=say(f"cli.option_{names[-1].strip('-')}"), **more)


def _one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def checked(value: str) -> str:
        for word in _words(value):
            if word not in allowed:
                raise typer.BadParameter(say("cli.not_one_of", found=word, allowed=", ".join(allowed)))
        return value

    return checked


def _just_one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def checked(value: str) -> str:
        if value not in allowed:
            raise typer.BadParameter(say("cli.not_one_of", found=value, allowed=", ".join(allowed)))
        return value

    return checked


def _month(value: str) -> str:
    if value and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", value):
        raise typer.BadParameter(say("params.bad_month", found=f'"{value}"'))
    return value


def _period(value: str) -> str:
    try:
        first, last = (datetime.strptime(day, DATE[0]) for day in value.split("..")) if value else (None, None)
    except ValueError:
        first, last = datetime.max, datetime.min
    if first and last and first > last:
        raise typer.BadParameter(say("cli.bad_period", found=value))
    return value


def _writable(path: Path | None) -> Path | None:
    """Refuses a kind of file that cannot be written before anything is worked out for it."""
    from .export import known_ending

    return known_ending(path) if path else None


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.replace("，", ",").split(",") if word.strip()]


ParamsFile = Annotated[Path, typer.Argument(metavar="PARAMS", help=say("cli.params_file"))]
ParamsFiles = Annotated[list[Path], typer.Argument(metavar="PARAMS...", help=say("cli.params_files"))]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help=say("cli.folder"))]
Month = Annotated[str, _option("--month", metavar="YYYY-MM", callback=_month)]
FirstDay = Annotated[datetime | None, _option("--from", metavar="YYYY-MM-DD", formats=DATE)]
LastDay = Annotated[datetime | None, _option("--to", metavar="YYYY-MM-DD", formats=DATE)]
Day = Annotated[datetime | None, _option("--day", metavar="YYYY-MM-DD", formats=DATE)]
Grain = Annotated[str, _option("--by", metavar=",".join(GRAINS), callback=_one_of(GRAINS))]
Metrics = Annotated[str, _option("--metrics", metavar="KEY,KEY")]
Definitions = Annotated[str, _option("--definitions", metavar="SET,SET")]
Definition = Annotated[str, _option("--definitions", metavar="SET")]
Agent = Annotated[str, _option("--agent", metavar="AGENT")]
Output = Annotated[Path | None, _option("-o", "--output", metavar="FILE", callback=_writable)]
Page = Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE.md", help=say("cli.option_page"))]
Excel = Annotated[bool, _option("--excel")]
Language = Annotated[str, _option("--lang", metavar="zh|en", callback=_one_of(LANGUAGES))]


# Commands ---------------------------------------------------------------------------------------------------------


@command("new")
def new(folder: Folder, lang: Language = "") -> None:
    from .forms import new_shop

    with writing(folder):
        written, kept = new_shop(folder, lang=lang or ui_language(), today=datetime.now().date())
    for path in written:
        typer.echo(say("cli.written", path=path))
    for path in kept:
        typer.echo(say("cli.kept", path=path))
    typer.echo(say("cli.new_next", path=folder / "params.yaml"))


@app.command("templates", help=say("templates.command"), epilog=say("templates.command_example"), no_args_is_help=True)
def templates(
    folder: Folder,
    check: Annotated[bool, typer.Option("--check", help=say("templates.option_check"))] = False,
    lang: Language = "",
) -> None:
    from .documents import check_documents, write_documents

    if check:
        read, problems = check_documents(folder)
        if problems:
            raise CsperfError(problems)
        for path in read:
            typer.echo(say("templates.checked", path=path))
        if not read:
            typer.echo(say("templates.nothing_filled", folder=folder))
        return
    with writing(folder):
        written, kept = write_documents(folder, lang or ui_language())
    for key, paths in (("cli.written", written), ("cli.kept", kept)):
        for path in paths:
            typer.echo(say(key, path=path))


@command("sample")
def sample(
    folder: Folder,
    months: Annotated[int, _option("--months", min=1)] = 12,
    agents: Annotated[int, _option("--agents", min=4)] = 16,
    messages: Annotated[int, _option("--messages", min=500)] = 200_000,
    seed: Annotated[int, _option("--seed")] = 1,
    door: Annotated[str, _option("--door", metavar="|".join(DOORS), callback=_one_of(DOORS))] = "chat",
    platform: Annotated[
        str, _option("--platform", metavar="|".join(TABLES_OF), callback=_one_of(TABLES_OF))
    ] = TABLES_OF[0],
) -> None:
    from .sample import make

    if door == "chat" and platform != TABLES_OF[0]:
        raise typer.BadParameter(say("cli.chat_platform", platform=platform))
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not (folder / "truth.json").exists()):
        raise CsperfError(Problem(str(folder), say("cli.folder_in_use")))
    with writing(folder), working(say("cli.making_sample")):
        made = make(folder, months=months, agents=agents, messages=messages, seed=seed, door=door, platform=platform)
    said = "cli.tables_made" if door == "table" else "cli.sample_made"
    typer.echo(say(said, folder=made.folder, chats=made.chats, messages=made.messages, orders=made.orders))


@command("load")
def load(
    params_file: ParamsFile,
    mappings: Annotated[bool, _option("--mappings")] = False,
    period: Annotated[str, _option("--period", metavar="FIRST..LAST", callback=_period)] = "",
) -> None:
    from .load import load as load_exports
    from .load import write_mappings
    from .params import load_params
    from .roster import fill_roster

    with working(say("cli.loading")) as done:
        settings = load_params(params_file).loading
        try:
            report = load_exports(settings, lambda n, of, file: done(f"{n + 1}/{of} {file}"), period=period)
        except CsperfError as error:
            typer.echo(say("cli.not_loaded"), err=True)
            for path in write_mappings(error.problems) if mappings else ():
                typer.echo(say("cli.written", path=path))
            raise
    _print_accounts(report)
    for said in fill_roster(settings):
        typer.echo(said)


def _print_accounts(report: LoadReport) -> None:
    """Prints what became of every row, file by file, then the reasons and what to know."""
    from .load import COLUMNS, left_out, rejection

    rows = report.files[list(COLUMNS)].astype(str)
    _print_table((say(f"load.{column}") for column in COLUMNS), rows.itertuples(index=False))
    for row in report.files.dropna(subset="format").itertuples():
        _print_recognised(row)
    for row in report.reasons.itertuples():
        if row.part == "rejected":
            said = rejection(row.reason, row.n, row._asdict())
            typer.echo(say("cli.rejected", file=row.file, said=said))
        else:
            typer.echo(say("cli.filtered", file=row.file, reason=left_out(row.reason), n=row.n))
    for file in report.files[report.files["warnings"] != ""].itertuples():
        for warning in file.warnings.splitlines():
            typer.echo(say("cli.warning", file=file.file, warning=warning))
    for notice in report.warnings:
        typer.echo(notice.say())
    totals = report.files[["read", "kept", "rejected"]].sum()
    typer.echo(say("cli.loaded", files=len(report.files), **totals))
    if "rejected" in report.reasons["part"].values:
        typer.echo(say("cli.mend_rejects"))


def _print_recognised(row: Any) -> None:
    """Prints what a file was taken for and what became of its columns."""
    from .load import format_name

    slots = {"file": row.file, "name": format_name(row.format), "format": row.format}
    version = say("cli.version", version=row.version) if row.version else ""
    typer.echo(say("cli.recognised", **slots, version=version))
    for part in ("used", "ignored", "dropped"):
        if names := getattr(row, part):
            typer.echo(say(f"cli.columns_{part}", n=len(names), columns=", ".join(names)))


@command("check")
def check(params_file: ParamsFile, month: Month = "") -> None:
    from .checkup import checkup

    with working(say("cli.checking")):
        found = checkup(params_file, on_day=datetime.now().date(), month=month)
    for note in found.notes:
        typer.echo(f"{note.where}: {note.message}")
    if found.problems:
        raise CsperfError(found.problems)
    typer.echo(say("cli.checked"))


@command("measure")
def measure(
    params_file: ParamsFile,
    by: Grain = "shop,month",
    month: Month = "",
    first: FirstDay = None,
    last: LastDay = None,
    metrics: Metrics = "",
    definitions: Definitions = "",
    output: Output = None,
    excel: Excel = False,
) -> None:
    import pandas as pd

    from . import run as facade

    stacked: list[pd.DataFrame] = []
    left_out: dict[str, str] = {}
    with working(say("cli.measuring")):
        _refuse_unknown_sets(_words(definitions))
        for name in _words(definitions) or [""]:
            run = _within(facade.open_run(params_file, month=month, definitions=name), first, last)
            stacked.append(facade.measure(run, by=_words(by), metrics=_words(metrics) or None))
            left_out |= stacked[-1].attrs["unavailable"]
    for key in (key for key in _words(metrics) if key in left_out):
        typer.echo(say("cli.not_measured", metric=key, reason=say(f"catalogue.{left_out[key]}")), err=True)
    _show(pd.concat(stacked, ignore_index=True), output, excel=excel, created=run.last_day)


@command("explain")
def explain(
    params_file: ParamsFile,
    metric: Annotated[str, typer.Argument(metavar="METRIC", help=say("cli.metric"))],
    agent: Agent = "",
    day: Day = None,
    month: Month = "",
    definitions: Definition = "",
    output: Output = None,
    excel: Excel = False,
) -> None:
    from . import run as facade
    from .explain import in_words

    month = month or (f"{day:%Y-%m}" if day else "")
    with working(say("cli.explaining")):
        run = facade.open_run(params_file, month=month, definitions=definitions)
        rows = facade.explain(run, metric, agent=agent or None, day=day.date() if day else None)
    _show(rows.assign(reason=in_words(rows["reason"], ui_language())), output, excel=excel, created=run.last_day)


@command("run")
def run(
    params_files: ParamsFiles,
    month: Month = "",
    stage: Annotated[str, _option("--stage", metavar="|".join(STAGES), callback=_one_of(STAGES))] = "plan",
    as_of: Annotated[datetime | None, _option("--as-of", metavar="YYYY-MM-DD", formats=DATE)] = None,
    force: Annotated[bool, _option("--force")] = False,
    lang: Language = "",
    only: Annotated[str, _option("--only", metavar="NOTEBOOK")] = "",
    jobs: Annotated[int, _option("--jobs", min=1)] = 1,
) -> None:
    from .report import run_packs

    how: dict[str, Any] = {"month": month, "stage": stage, "lang": lang, "only": only, "force": force}
    how["as_of"] = f"{as_of:%Y-%m-%d}" if as_of else ""
    with working(say("cli.running", path=", ".join(map(str, params_files)))) as done:
        for folder in run_packs(params_files, jobs=jobs, progress=done, **how):
            typer.echo(say("cli.report_at", path=folder / "index.html"))


@app.command("targets", help=say("cli.targets"), epilog=say("cli.targets_example"))
def targets(
    params_file: Annotated[Path | None, typer.Argument(metavar="[PARAMS]", help=say("cli.params_file"))] = None,
    values: Annotated[Path | None, _option("--values", metavar="FILE")] = None,
    benchmarks: Annotated[Path | None, _option("--benchmarks", metavar="FILE")] = None,
    rules: Annotated[str, _option("--rules", metavar="NAME|FILE")] = "",
    current: Annotated[Path | None, _option("--current", metavar="FILE.xlsx")] = None,
    month: Month = "",
    planned_volume: Annotated[str, _option("--planned-volume", metavar="FACTOR|FILE")] = "",
    lang: Language = "",
    output: Output = None,
    excel: Excel = False,
) -> None:
    if params_file is None and values is None:
        raise typer.BadParameter(say("cli.params_or_values"))
    from .cli_targets import worked_out

    with speaking(lang), working(say("cli.targeting")):
        table, findings = worked_out(
            params_file, values, benchmarks, rules, current, month, planned_volume, lang or ui_language()
        )
    _show(table, output, excel=excel)
    for said in findings:
        typer.echo(said)


@app.command("score", help=say("cli.score"), epilog=say("cli.score_example"))
def score(
    params_file: Annotated[Path | None, typer.Argument(metavar="[PARAMS]", help=say("cli.params_file"))] = None,
    values: Annotated[Path | None, _option("--values", metavar="FILE")] = None,
    targets: Annotated[Path | None, _option("--targets", metavar="FILE")] = None,
    weights: Annotated[Path | None, _option("--weights", metavar="FILE")] = None,
    events: Annotated[Path | None, _option("--events", metavar="FILE")] = None,
    preset: Annotated[str, _option("--preset", metavar="manual2010")] = "",
    rule: Annotated[str, _option("--rule", metavar="linear|step|attainment")] = "",
    month: Month = "",
    lang: Language = "",
    sheets: Annotated[Path | None, _option("--sheets", metavar="DIR")] = None,
    team: Annotated[Path | None, _option("--team", metavar="team.yaml")] = None,
    output: Output = None,
    excel: Excel = False,
) -> None:
    if team is None and params_file is None and values is None:
        raise typer.BadParameter(say("cli.params_or_values"))
    from .cli_score import Asked, team_worked_out, worked_out, write_sheets

    lang = lang or ui_language()
    with speaking(lang):
        with working(say("cli.scoring")):
            if team:
                scores, notices, written = team_worked_out(team, month, lang, sheets)
            else:
                found = worked_out(Asked(params_file, values, targets, weights, events, preset, rule, month, lang))
                scores, notices = found.scores, found.notices
                written = write_sheets(found, sheets, lang) if sheets else []
        _show(scores, output, excel=excel)
        for said in (*notices, *(say("cli.written", path=path) for path in written)):
            typer.echo(said)


@command("people")
def people(
    params_file: ParamsFile,
    what: Annotated[str, typer.Argument(metavar="WHAT", help=say("people.cli_what"), callback=_just_one_of(WHAT))],
    month: Month = "",
    lang: Language = "",
    output: Output = None,
    excel: Excel = False,
) -> None:
    from .cli_people import worked_out

    with working(say("people.cli_working")):
        table, notices = worked_out(params_file, what, month, lang or ui_language())
    _show(table, output, excel=excel)
    for said in notices:
        typer.echo(said)


@app.command("weights", help=say("cli.weights"), epilog=say("cli.weights_example"))
def weights(
    params_file: Annotated[Path | None, typer.Argument(metavar="[PARAMS]", help=say("cli.params_file"))] = None,
    values: Annotated[Path | None, _option("--values", metavar="FILE")] = None,
    outcome: Annotated[str, _option("--outcome", metavar="METRIC|FILE")] = "",
    experts: Annotated[Path | None, _option("--experts", metavar="FILE")] = None,
    role: Annotated[str, _option("--role", metavar="ROLE")] = "",
    month: Month = "",
    output: Output = None,
    excel: Excel = False,
) -> None:
    if params_file is None and values is None and experts is None:
        raise typer.BadParameter(say("cli.params_values_or_experts"))
    from .cli_weights import worked_out

    with working(say("cli.weighing")):
        table, findings = worked_out(params_file, values, outcome, experts, role, month)
    _show(table, output, excel=excel)
    for said in findings:
        typer.echo(said)


STAFFING_BY = ("hour", "week", "queue")


def _staffing_option(name: str, metavar: str, **more: Any) -> Any:
    return typer.Option(name, metavar=metavar, help=say(f"staffing.option_{name.strip('-')}"), **more)


@app.command("staffing", help=say("staffing.command"), epilog=say("staffing.command_example"), no_args_is_help=True)
def staffing(
    params_file: Annotated[Path | None, typer.Argument(metavar="[PARAMS]", help=say("cli.params_file"))] = None,
    month: Month = "",
    by: Annotated[str, _staffing_option("--by", "|".join(STAFFING_BY), callback=_one_of(STAFFING_BY))] = "hour",
    queue: Annotated[str, _staffing_option("--queue", "QUEUE")] = "",
    per_hour: Annotated[float | None, _staffing_option("--per-hour", "N", min=0)] = None,
    handle: Annotated[float | None, _staffing_option("--handle", "SECONDS", min=1)] = None,
    chats: Annotated[float | None, _staffing_option("--chats", "N", min=1)] = None,
    reply: Annotated[float | None, _staffing_option("--reply", "SECONDS", min=0)] = None,
    level: Annotated[float | None, _staffing_option("--level", "PERCENT", min=0, max=99)] = None,
    lang: Language = "",
    output: Output = None,
    excel: Excel = False,
) -> None:
    from .cli_staffing import reckoned, worked_out

    given = {"handle_s": handle, "chats_at_once": chats, "reply_s": reply, "level": level and level / 100}
    changes = {name: value for name, value in given.items() if value is not None}
    if params_file is None and (per_hour is None or handle is None):
        raise typer.BadParameter(say("staffing.calculator_needs"))
    if params_file is None:
        findings = reckoned(per_hour or 0, lang or ui_language(), **changes)
    else:
        with working(say("cli.measuring")):
            table, findings = worked_out(params_file, month, by, queue, lang or ui_language(), **changes)
        _show(table, output, excel=excel)
    for said in findings:
        typer.echo(said)


@app.command("today", help=say("today.command"), epilog=say("today.command_example"), no_args_is_help=True)
def today(
    params_file: ParamsFile,
    day: Day = None,
    slow: Annotated[int, typer.Option("--slow", metavar="SECONDS", min=30, help=say("today.option_slow"))] = 120,
    times: Annotated[int, typer.Option("--times", metavar="N", min=1, help=say("today.option_times"))] = 3,
    lang: Language = "",
) -> None:
    from .cli_today import said

    with working(say("cli.measuring")):
        lines = said(params_file, day and day.date(), slow, times, lang or ui_language(), datetime.now().astimezone())
    for line in lines:
        typer.echo(line)


@app.command("metrics", help=say("cli.metrics"), epilog=say("cli.metrics_example"))
def metrics(
    key: Annotated[str, typer.Argument(metavar="[KEY]", help=say("cli.metric"))] = "",
    everything: Annotated[bool, _option("--all")] = False,
    lang: Language = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE.md", help=say("cli.option_page"))
    ] = None,
) -> None:
    from .catalogue import ENTRIES, entry
    from .dictionary import article, page

    if key or everything or output:
        articles = [article(entry(key), language) for language in ([lang] if lang else LANGUAGES)] if key else []
        text = "\n\n".join(articles) + "\n" if key else page(lang or ui_language())
        typer.echo(say("cli.written", path=_write_text(output, text)) if output else text)
    else:
        _print_table(
            ("key", "zh", "en", "unit", "better"), ((e.key, e.zh, e.en, e.unit, e.better) for e in ENTRIES.values())
        )


def _write_text(path: Path, text: str) -> Path:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CsperfError(Problem(str(path), say("cli.cannot_write", problem=error.strerror))) from error
    return path


# Printing ---------------------------------------------------------------------------------------------------------


@contextmanager
def working(doing: str) -> Iterator[Callable[[str], None]]:
    """Shows on stderr that long work goes on, and for how long; silent where nobody watches.

    Gives what is to be called with the name of each part that is done.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(doing, total=None)
        yield lambda part: progress.update(task, description=f"{doing}: {part}")


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Says of a full disk or a folder without permission where it is."""
    from xlsxwriter.exceptions import FileCreateError

    try:
        yield
    except (OSError, FileCreateError) as error:
        said = say("cli.disk", problem=getattr(error, "strerror", None) or error)
        raise CsperfError(Problem(str(folder), said)) from error


def _refuse_unknown_sets(names: Iterable[str]) -> None:
    from .params import no_set

    unknown = [Problem("--definitions", said) for said in map(no_set, names) if said]
    if unknown:
        raise CsperfError(unknown)


def _within(run: Any, first: datetime | None, last: datetime | None) -> Any:
    """The run cut to the days asked for."""
    days = {"first_day": first and first.date(), "last_day": last and last.date()}
    run = replace(run, **{name: day for name, day in days.items() if day})
    if run.first_day > run.last_day:
        said = say("cli.backwards", first=run.first_day, last=run.last_day)
        raise CsperfError(Problem("--from, --to", said))
    return run


def _show(frame: pd.DataFrame, output: Path | None, **writing: Any) -> None:
    """Writes the table to the file asked for; without one prints its first rows."""
    if output:
        from .export import write_table

        typer.echo(say("cli.written", path=write_table(frame, output, **writing)))
        return
    if frame.empty:
        typer.echo(say("cli.no_rows"))
        return
    _print_table(frame.columns, (map(_cell, row) for row in frame.head(SHOWN_ROWS).itertuples(index=False)))
    if len(frame) > SHOWN_ROWS:
        typer.echo(say("cli.more_rows", shown=SHOWN_ROWS, n=len(frame)))


def _print_table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = UNBROKEN
    table = Table(*map(str, headings), box=None, pad_edge=False)  # no lines: not every console has them
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _cell(value: Any) -> str:
    from pandas import isna

    if isna(value):
        return MISSING
    return f"{value:.6g}" if isinstance(value, float) else str(value)
