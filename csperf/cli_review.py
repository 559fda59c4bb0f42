"""`csperf review PARAMS ...`: the steps of a target's life as commands; what they do stands in review.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .text import LANGUAGES, say, ui_language

if TYPE_CHECKING:  # heavy: imported inside the commands that need them, so that --help is quick
    from .review import Shop
    from .targets.publishing import Adoption
    from .targets.register import Event, Register

CAUSES = ("calendar", "volume", "rule", "definitions", "failure")
OUTCOMES = ("upheld", "dismissed")

review = typer.Typer(
    name="review",
    help=say("review.about"),
    epilog=say("review.about_example"),
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def command(name: str, bare: bool = False) -> Callable[[Callable], Callable]:
    """Registers a command whose help and example are words of text/review.yaml; `bare`: it needs nothing more."""
    return review.command(
        name, help=say(f"review.{name}"), epilog=say(f"review.{name}_example"), no_args_is_help=not bare
    )


def option(*names: str, metavar: str, word: str = "", **more: Any) -> Any:
    """An option whose help stands in text/review.yaml."""
    return typer.Option(*names, metavar=metavar, help=say(f"review.option_{word or names[-1].strip('-')}"), **more)


def _month(value: str) -> str:
    if value and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", value):
        raise typer.BadParameter(say("review.bad_month", found=f'"{value}"'))
    return value


def one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    """What refuses every word but the allowed ones."""

    def checked(value: str) -> str:
        if value and value not in allowed:
            raise typer.BadParameter(say("review.not_one_of", found=value, allowed=", ".join(allowed)))
        return value

    return checked


def _value(text: str) -> str:
    from .tidy import number

    if text:
        try:
            number(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    return text


Context = typer.Context
Id = Annotated[str, typer.Argument(metavar="NUMBER", help=say("review.id"))]
By = Annotated[str, option("--by", metavar="NAME")]
Reason = Annotated[str, option("--reason", metavar="WHY")]
From = Annotated[str, option("--month", metavar="YYYY-MM", callback=_month)]
FrozenMonth = Annotated[str, option("--month", metavar="YYYY-MM", word="frozen-month", callback=_month)]
On = Annotated[datetime | None, option("--date", metavar="YYYY-MM-DD", formats=["%Y-%m-%d"])]
Agent = Annotated[str, option("--agent", metavar="AGENT")]
Language = Annotated[str, option("--lang", metavar="zh|en", callback=one_of(LANGUAGES))]


def _params(value: Path) -> Path:
    if str(value) in {known.name for known in review.registered_commands} and not value.exists():
        raise typer.BadParameter(say("review.subcommand_as_params", found=value))
    return value


@review.callback()
def of_shop(
    context: Context,
    params_file: Annotated[Path, typer.Argument(metavar="PARAMS", help=say("review.params_file"), callback=_params)],
) -> None:
    context.obj = params_file


def shop_of(context: Context) -> Shop:
    """The shop of the command line."""
    from .review import open_shop

    return open_shop(context.obj)


def day_of(given: datetime | None) -> date:
    """The day of an event; today where none is given."""
    return (given or datetime.now()).date()


def _save(register: Register) -> None:
    from .targets.register_file import save

    typer.echo(say("review.recorded", path=save(register)))


# Looking ----------------------------------------------------------------------------------------------------------


@command("show", bare=True)
def show(
    context: Context,
    month: FrozenMonth = "",
    output: Annotated[Path | None, option("-o", "--output", metavar="FILE")] = None,
) -> None:
    from .targets.register import published

    shop = shop_of(context)
    if output:
        from .export import write_table
        from .review import month_after

        frame = published(shop.register, month or month_after(day_of(None)))
        typer.echo(say("review.form_saved", path=write_table(frame, output)))
        return
    for said in _lines(shop, month):
        typer.echo(said)


def _lines(shop: Shop, month: str) -> list[str]:
    """What the register holds, in the order people ask for it: targets, open objections, corrections, freezes."""
    from .targets.register import published

    register = shop.register
    ids = published(register, month)["id"] if month else register.targets("proposed", "trial", "published")
    found = [_target_line(register.latest(id), register.state(id)) for id in ids]
    found += [
        say("review.line_objection", id=e.id, who=e.who, about=e.about, day=e.date, reason=e.reason)
        for e in register.open_objections()
    ]
    for e in register.events:
        if e.act == "correct" and e.valid_from and (not month or f"{e.valid_from:%Y-%m}" == month):
            slots = {"id": e.id, "agents": e.agents, "about": e.about, "reason": e.reason}
            found.append(say("review.line_correction", **slots, month=f"{e.valid_from:%Y-%m}"))
    return [*found, *_frozen_lines(shop, month)] or [say("review.nothing_registered")]


def _frozen_lines(shop: Shop, month: str) -> list[str]:
    from .review import inputs
    from .targets.register import changed_inputs

    freezes = {e.id.removeprefix("M"): e for e in shop.register.events if e.act == "freeze"}
    found = []
    for frozen, event in freezes.items():
        if month and frozen != month:
            continue
        n = len(shop.register.frozen_inputs(frozen))
        found.append(say("review.line_frozen", month=frozen, who=event.who, day=event.date, n=n))
        if names := changed_inputs(shop.register, frozen, inputs(shop, frozen)):
            found.append(say("review.line_changed", month=frozen, names=", ".join(names)))
    return found


def _target_line(event: Event, state: str) -> str:
    from .adoption import in_words
    from .catalogue import entry
    from .text.numbers import quantity

    lang, known = ui_language(), entry(event.metric)
    values = {name: quantity(getattr(event, name), known.unit, lang) for name in ("target", "base", "stretch")}
    since = say("review.line_since", day=event.valid_from) if state == "published" else ""
    names = {name: in_words(name, getattr(event, name), lang) for name in ("role", "level")}
    slots = {"id": event.id, "state": say(f"review.state_{state}"), "metric": known.name(lang), "since": since}
    return say("review.line", **slots, **values, **names)


# Proposing and trying ---------------------------------------------------------------------------------------------


@command("propose")
def propose(
    context: Context,
    targets: Annotated[Path | None, option("--targets", metavar="FILE")] = None,
    month: From = "",
    by: By = "",
    on: On = None,
    lang: Language = "",
) -> None:
    from .review import propose as propose_targets
    from .review import write_proposals

    shop, lang = shop_of(context), lang or ui_language()
    done = propose_targets(shop, targets, month=month, on=day_of(on), who=by, lang=lang)
    fresh = done.new(shop.register)
    if not fresh:
        typer.echo(say("review.nothing_proposed"))
        return
    made = [e.id for e in fresh if e.act == "propose"]
    unchanged = [e for e in fresh if e.act == "retire" and e.id in made]
    _save(done.register)
    for event in unchanged:
        typer.echo(_unchanged_line(done.register.latest(event.id), event.reason))
    typer.echo(say("review.summary", proposed=len(made) - len(unchanged), unchanged=len(unchanged)))
    if done.left_on_trial:
        typer.echo(say("review.in_trial_left", n=done.left_on_trial))
    write_proposals(done.register, done.form, lang)
    typer.echo(say("review.form_written", path=done.form, params=context.obj, month=done.month))


def _unchanged_line(event: Event, said: str) -> str:
    from .adoption import in_words
    from .catalogue import entry

    lang = ui_language()
    names = {name: in_words(name, getattr(event, name), lang) for name in ("role", "level")}
    return say("review.line_unchanged", id=event.id, metric=entry(event.metric).name(lang), said=said, **names)


@command("trial")
def trial(
    context: Context,
    number: Id,
    pilots: Annotated[int, option("--pilots", metavar="N", min=1)] = 8,
    months: Annotated[int, option("--months", metavar="N", min=1)] = 2,
    month: From = "",
    seed: Annotated[int, option("--seed", metavar="N")] = 1,
    by: By = "",
    on: On = None,
) -> None:
    from .review import month_after, plan
    from .targets.life import start_trial

    shop, month = shop_of(context), month or month_after(day_of(on))
    planned = plan(shop, number, month=month, pilots=pilots, months=months, seed=seed)
    register = start_trial(shop.register, number, planned, month=month, on=day_of(on), who=by)
    typer.echo(planned.said())
    _save(register)


@command("verdict")
def verdict(context: Context, number: Id, by: By = "", on: On = None) -> None:
    from .review import judge
    from .targets.life import conclude_trial

    shop = shop_of(context)
    found = judge(shop, number)
    register = conclude_trial(shop.register, number, found, on=day_of(on), who=by)
    typer.echo(found.said())
    typer.echo(found.effect_said())
    _save(register)


# Publishing and retiring ------------------------------------------------------------------------------------------


@command("publish")
def publish(
    context: Context,
    numbers: Annotated[list[str] | None, typer.Argument(metavar="[NUMBER]...", help=say("review.ids"))] = None,
    form: Annotated[Path | None, option("--from", metavar="FILE.xlsx")] = None,
    month: From = "",
    reason: Reason = "",
    by: By = "",
    value: Annotated[str, option("--value", metavar="VALUE", callback=_value)] = "",
    change_reason: Annotated[str, option("--change-reason", metavar="WHY")] = "",
    cause: Annotated[str, option("--cause", metavar="|".join(CAUSES), callback=one_of(CAUSES))] = "",
    on: On = None,
) -> None:
    from .review import month_after, prediction
    from .targets.publishing import publish as publish_targets
    from .targets.register import days_of

    if bool(numbers) == bool(form):
        raise typer.BadParameter(say("review.form_or_ids"))
    if value and len(numbers or []) != 1:
        raise typer.BadParameter(say("review.one_value"))
    shop, month = shop_of(context), month or month_after(day_of(on))
    adoptions = _form(shop, form, by) if form else _named(numbers or [], value, change_reason, cause)
    predict, starts = prediction(shop, adoptions, month), days_of(month)[0]
    register = publish_targets(
        shop.register, adoptions, on=day_of(on), valid_from=starts, reason=reason, who=by, predict=predict
    )
    _save(register)
    fresh = [e for e in register.events[len(shop.register.events) :] if e.act == "publish"]
    typer.echo(say("review.published_n", n=len(fresh), day=starts))
    for event in fresh:
        typer.echo(_target_line(event, "published"))
    if any(event.attainment is None for event in fresh):
        typer.echo(say("review.no_prediction"))
    left = set(register.targets("proposed"))
    if form and left:
        typer.echo(say("review.not_taken_up", n=len(left)))


def _form(shop: Shop, form: Path, by: str) -> list[Adoption]:
    """What the form takes up; a bare file name that is not here is looked for in the shop's folder."""
    from .adoption import read_form

    return read_form(_beside(shop, form), shop.register, by)


def _beside(shop: Shop, form: Path) -> Path:
    beside = shop.params.folder / form
    return form if form.exists() or not beside.exists() else beside


def _named(numbers: list[str], value: str, change_reason: str, cause: str) -> list[Adoption]:
    from .targets.publishing import Adoption
    from .tidy import number

    taken = number(value) if value else None
    return [Adoption(id, taken, reason=change_reason, cause=cause, where=id) for id in numbers]


@command("retire")
def retire(context: Context, number: Id, month: From = "", reason: Reason = "", by: By = "", on: On = None) -> None:
    from datetime import timedelta

    from .review import month_after
    from .targets.life import retire as retire_target
    from .targets.register import days_of

    shop = shop_of(context)
    until = days_of(month or month_after(day_of(on)))[0] - timedelta(days=1)
    _save(retire_target(shop.register, number, until=until, on=day_of(on), who=by, reason=reason))


# Objections and the freeze ----------------------------------------------------------------------------------------


@command("object")
def object_(
    context: Context,
    about: Annotated[str, typer.Argument(metavar="[NUMBER|YYYY-MM]", help=say("review.object_about"))] = "",
    form: Annotated[Path | None, option("--from", metavar="FILE.xlsx", word="objections")] = None,
    reason: Reason = "",
    by: By = "",
    scorer: Annotated[str, option("--scorer", metavar="NAME")] = "",
    agent: Agent = "",
    on: On = None,
) -> None:
    from .targets.appeals import object_to

    if bool(about) == bool(form):
        raise typer.BadParameter(say("review.object_one"))
    shop = shop_of(context)
    if form:
        register = _from_form(shop, form)
    else:
        register = object_to(shop.register, about, on=day_of(on), who=by, reason=reason, scorer=scorer, agents=agent)
    if register is not shop.register:
        _save(register)
    for e in register.events[len(shop.register.events) :]:
        typer.echo(say("review.line_objection", id=e.id, who=e.who, about=e.about, day=e.date, reason=e.reason))


def _from_form(shop: Shop, form: Path) -> Register:
    """The register with the form's objections; how many are new is said."""
    from .filled import read_objections

    register = read_objections(_beside(shop, form), shop.register)
    typer.echo(say("review.objected_n", n=len(register.events) - len(shop.register.events)))
    return register


@command("answer")
def answer(
    context: Context,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help=say("review.objection"))],
    outcome: Annotated[str, option("--outcome", metavar="|".join(OUTCOMES), callback=one_of(OUTCOMES))] = "",
    reason: Reason = "",
    by: By = "",
    on: On = None,
) -> None:
    from .targets.appeals import answer as answer_objection

    shop = shop_of(context)
    register = answer_objection(shop.register, number, on=day_of(on), who=by, outcome=outcome, reason=reason)
    _save(register)
    for said in _corrections(shop.register, register):
        typer.echo(said)


def _corrections(before: Register, after: Register) -> list[str]:
    fresh = [e for e in after.events[len(before.events) :] if e.act == "correct" and e.valid_from]
    return [
        say(
            "review.line_correction",
            id=e.id,
            agents=e.agents,
            about=e.about,
            reason=e.reason,
            month=str(e.valid_from)[:7],
        )
        for e in fresh
    ]


@command("freeze")
def freeze(context: Context, month: FrozenMonth, by: By = "", on: On = None) -> None:
    from .archive import archived
    from .review import inputs
    from .targets.appeals import freeze as freeze_month

    shop = shop_of(context)
    register = freeze_month(shop.register, month, inputs(shop, month), on=day_of(on), who=by)
    kept = archived(shop.params.file, shop.register, month)
    path = kept.save() if kept else None
    _save(register)
    typer.echo(say("review.frozen_n", month=month, n=len(register.frozen_inputs(month))))
    typer.echo(say("papers.archive_saved" if path else "papers.archive_none", month=month, path=path))
    if waiting := register.open_objections():
        typer.echo(say("review.still_open", n=len(waiting), ids=", ".join(event.id for event in waiting)))


@command("correct")
def correct(
    context: Context, month: FrozenMonth, agent: Agent = "", reason: Reason = "", by: By = "", on: On = None
) -> None:
    from .targets.appeals import correct as correct_month

    shop = shop_of(context)
    register = correct_month(shop.register, month, on=day_of(on), who=by, agents=agent, reason=reason)
    _save(register)
    for said in _corrections(shop.register, register):
        typer.echo(said)
