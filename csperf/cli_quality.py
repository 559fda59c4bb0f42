"""`csperf quality sample|agreement|survey|response PARAMS`: checks by sample, whether they agree, and surveys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from .text import say

quality = typer.Typer(
    name="quality",
    help=say("quality.about"),
    epilog=say("quality.about_example"),
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
MonthOption = typer.Option("--month", metavar="YYYY-MM", help=say("cli.option_month"))


def command(name: str, word: str = "") -> Callable[[Callable], Callable]:
    """Registers a command whose help and example are words of text/quality.yaml."""
    word = word or name
    return quality.command(
        name, help=say(f"quality.{word}"), epilog=say(f"quality.{word}_example"), no_args_is_help=True
    )


def _option(name: str, metavar: str, **more: Any) -> Any:
    return typer.Option(name, metavar=metavar, help=say(f"quality.option_{name.strip('-')}"), **more)


ParamsFile = Annotated[Path, typer.Argument(metavar="PARAMS", help=say("cli.params_file"))]
Month = Annotated[str, MonthOption]
Output = Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE.xlsx", help=say("cli.option_output"))]


@command("sample")
def sample(
    params_file: ParamsFile,
    month: Month = "",
    margin: Annotated[float, _option("--margin", "POINTS", min=0.5, max=50)] = 10,
    each: Annotated[int, _option("--each", "N", min=0)] = 0,
    share: Annotated[float, _option("--share", "PERCENT", min=1, max=99)] = 50,
    seed: Annotated[int, _option("--seed", "N")] = 1,
    output: Output = None,
) -> None:
    from .checking import chats_to_check, checked_before, sample_words
    from .errors import CsperfError, Problem
    from .run import open_run
    from .sampling import drawn, write_form
    from .tables import names

    run = open_run(params_file, month=month)
    chats, before = chats_to_check(run), checked_before(run)
    found = drawn(chats, margin=margin / 100, each=each, share=share / 100, seed=seed, checked=before)
    if found.empty:
        raise CsperfError(Problem(str(params_file), say("quality.nothing_to_sample")))
    path = output or run.params.folder / f"{say('quality.form', run.lang)}_{run.month}.xlsx"
    write_form(path, found, run.lang, run.params.timezone, names(run.table("roster")))
    typer.echo(say("cli.written", path=path))
    for said in sample_words(found, chats, before, seed):
        typer.echo(said)
    typer.echo(say("quality.to_load"))
    typer.echo(f'  - {{source: quality, files: "{say("quality.form", run.lang)}_*.xlsx"}}')


@command("agreement")
def agreement(params_file: ParamsFile, month: Month = "") -> None:
    from .checking import checks_of
    from .run import open_run
    from .sampling import agreement as judged_alike
    from .sampling import agreement_words
    from .text import ui_language

    found = judged_alike(checks_of(open_run(params_file, month=month)))
    for _place, row in found.iterrows():
        typer.echo(agreement_words(row, ui_language()))
    if found.empty:
        typer.echo(say("quality.few_checks"))


@command("survey", "survey_command")
def survey(params_file: ParamsFile, output: Output = None) -> None:
    from .params import load_params
    from .surveys import source_words, write_survey

    params = load_params(params_file)
    path = output or params.folder / f"{say('quality.survey', params.lang)}.xlsx"
    typer.echo(say("cli.written", path=write_survey(path, params.lang)))
    typer.echo(say("quality.to_load"))
    typer.echo(source_words(path.name, params.lang))


@command("response", "response_command")
def response(params_file: ParamsFile) -> None:
    from .run import open_run
    from .surveys import response as came_back
    from .surveys import response_words
    from .text import ui_language

    found = came_back(open_run(params_file).table("surveys"))
    for _place, row in found.iterrows():
        typer.echo(response_words(row, ui_language()))
    if found.empty:
        typer.echo(say("quality.no_surveys"))
