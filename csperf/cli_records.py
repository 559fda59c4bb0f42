"""`csperf review PARAMS ...`: who has signed, everybody's frozen months, the weights in force, findings to register."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_review import (
    By,
    Context,
    From,
    FrozenMonth,
    Language,
    On,
    Reason,
    command,
    day_of,
    one_of,
    option,
    review,
    shop_of,
)
from .text import say, speaking, ui_language

if TYPE_CHECKING:  # heavy: imported inside the commands that need them, so that --help is quick
    import pandas as pd

    from .archive import Archive
    from .papers import Signed
    from .review import Shop

__all__ = ["review"]

PAPERS = ("targets", "results")
STATES = ("waiting", "signed", "refused")
Paper = Annotated[str, option("--paper", metavar="|".join(PAPERS), callback=one_of(PAPERS))]


@command("sign")
def sign(
    context: Context,
    agents: Annotated[list[str], typer.Argument(metavar="AGENT...", help=say("review.sign_agents"))],
    month: FrozenMonth,
    paper: Paper = "targets",
    state: Annotated[str, option("--state", metavar="|".join(STATES), callback=one_of(STATES))] = "signed",
    reason: Reason = "",
    by: By = "",
    on: On = None,
) -> None:
    shop = shop_of(context)
    signed = _signed(shop).with_state(agents, state, month=month, paper=paper, on=day_of(on), who=by, reason=reason)
    typer.echo(say("review.recorded", path=signed.save()))
    for said in _lines(signed, agents, month, paper):
        typer.echo(said)


@command("signed")
def signed(context: Context, month: FrozenMonth, paper: Paper = "targets") -> None:
    shop = shop_of(context)
    for said in _lines(_signed(shop), _on_roster(shop, month), month, paper):
        typer.echo(said)


def _signed(shop: Shop) -> Signed:
    from .papers import read_signed, signed_path

    return read_signed(signed_path(shop.params.folder, shop.params.shop))


def _lines(signed: Signed, agents: list[str], month: str, paper: str) -> list[str]:
    """The state of everybody's paper; waiting where nobody has recorded anything."""
    rows = signed.now(month, paper).set_index("agent_id")
    found = []
    for agent in dict.fromkeys([*agents, *rows.index]):
        line = rows.loc[agent] if agent in rows.index else None
        state = say(f"papers.state_{'waiting' if line is None else line['state']}")
        day, why = ("", "") if line is None else (line["date"], line["reason"] or "")
        slots = {"agent": agent, "paper": say(f"papers.kind_{paper}"), "state": state, "day": day, "why": why}
        found.append(" ".join(say("review.line_signed", **slots).split()))
    return found or [say("review.nobody_on_roster", month=month)]


def _on_roster(shop: Shop, month: str) -> list[str]:
    """Who is on the roster when the month begins; nobody where no roster is loaded."""
    from .handouts import on_roster
    from .run import open_run
    from .targets.register import days_of

    if not shop.store.months():
        return []
    return on_roster(open_run(shop.params.file), days_of(month)[0])["agent_id"].tolist()


@command("archive", bare=True)
def archive(
    context: Context,
    agent: Annotated[str, option("--agent", metavar="AGENT")] = "",
    lang: Language = "",
    output: Annotated[Path | None, option("-o", "--output", metavar="FILE", word="archive-output")] = None,
) -> None:
    from .archive import archive_path, read_archive

    shop = shop_of(context)
    kept = read_archive(archive_path(shop.params.folder, shop.params.shop))
    if output and output.suffix.lower() in (".pdf", ".html"):
        if not agent:
            raise typer.BadParameter(say("review.archive_whose", ending=output.suffix))
        _write_page(shop, kept, agent, lang or ui_language(), output)
    elif output:
        from .export import write_table

        write_table(kept.of(agent) if agent else kept.rows, output, excel=True)
    if output:
        typer.echo(say("review.form_saved", path=output))
        return
    for said in _archived(kept, agent):
        typer.echo(said)


def _archived(kept: Archive, agent: str) -> list[str]:
    """A line for everybody's month."""
    rows = kept.of(agent) if agent else kept.rows
    found = []
    for row in rows[rows["metric"].isna()].itertuples():
        score = "–" if row.score != row.score else f"{row.score:.1f}"
        coefficient = "–" if row.coefficient != row.coefficient else f"{row.coefficient:.3f}"
        slots = {"month": row.month, "name": row.name or row.agent_id, "agent": row.agent_id}
        slots |= {"role": say(f"tables.role_{row.role}"), "score": score, "coefficient": coefficient}
        found.append(say("papers.archive_line", **slots))
    return found or [say("papers.archive_empty")]


def _write_page(shop: Shop, kept: Archive, agent: str, lang: str, output: Path) -> None:
    from .archive import record
    from .sheets import html, pdf

    page = record(kept, agent, shop.register, _signed(shop), shop=shop.params.title(lang), lang=lang)
    newest = date.fromisoformat(f"{kept.rows['month'].max()}-01")
    content = pdf(page, on=newest) if output.suffix.lower() == ".pdf" else html(page).encode()
    output.write_bytes(content)


# Weights ------------------------------------------------------------------------------------------------------------


@command("weights", bare=True)
def weights(context: Context, month: FrozenMonth = "") -> None:
    from .weighing import read_published, weights_path
    from .weights.held import held

    shop = shop_of(context)
    path, month = weights_path(shop.params.folder, shop.params.shop), month or f"{date.today():%Y-%m}"
    rows = held(read_published(path), month, path.name)
    for said in _held_lines(rows) or [say("weights.held_none", month=month)]:
        typer.echo(said)


@command("publish-weights", bare=True)
def publish_weights(
    context: Context,
    table: Annotated[Path | None, option("--from", metavar="FILE", word="from-weights")] = None,
    month: From = "",
    reason: Reason = "",
    by: By = "",
    on: On = None,
) -> None:
    from .review import month_after
    from .review import publish_weights as publish
    from .tidy import read_tidy
    from .weighing import read_published
    from .weights.held import held

    shop, month = shop_of(context), month or month_after(day_of(on))
    handed = read_tidy(table, "weights") if table else None
    path = publish(shop, month, who=by, reason=reason, handed=handed)
    typer.echo(say("review.recorded", path=path))
    for said in _held_lines(held(read_published(path), month)):
        typer.echo(said)


def _held_lines(rows: pd.DataFrame) -> list[str]:
    """A line for each role's weights: what is scored, since when, by whom."""
    from .catalogue import entry

    found = []
    for role, own in rows.groupby(rows["role"].fillna(""), sort=False):
        scored = own[own["weight"] > 0].sort_values("weight", ascending=False, kind="stable")
        each = (f"{entry(row.metric).name(ui_language())} {row.weight:g}" for row in scored.itertuples())
        first = own.iloc[0]
        slots = {"weights": say("review.comma").join(each), "since": first["valid_from"], "who": first["set_by"]}
        why = first["reason"]
        slots |= {"role": say(f"tables.role_{role}") if role else say("scores.all_roles")}
        found.append(
            say("weights.held_line", **slots, reason=f"{say('review.comma')}{why}" if isinstance(why, str) else "")
        )
    return found


# Findings -----------------------------------------------------------------------------------------------------------


@command("findings", bare=True)
def findings(
    context: Context,
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[NUMBER]...", help=say("review.findings_numbers"))
    ] = None,
    month: FrozenMonth = "",
    owner: Annotated[str, option("--owner", metavar="NAME")] = "",
    due: Annotated[datetime | None, option("--due", metavar="YYYY-MM-DD", formats=["%Y-%m-%d"])] = None,
    lang: Language = "",
) -> None:
    from .export import write_table
    from .findings import findings_path, read_findings, registered, suggested
    from .personnel import personnel
    from .run import open_run

    run = open_run(context.obj, month=month, lang=lang)
    staff = personnel(run)
    proposed = suggested(staff.suggestions(), run.month, run.lang)
    path = findings_path(run.params.folder, run.params.shop)
    if not numbers:
        with speaking(run.lang):
            for said in _suggested_lines(proposed, staff.names) or [say("review.findings_none", month=run.month)]:
                typer.echo(said)
        return
    kept = read_findings(path)
    rows = registered(kept, proposed, numbers, owner=owner, due=due.date() if due else None)
    typer.echo(say("review.recorded", path=write_table(rows, path, excel=True)))
    for row in rows.iloc[len(kept) :].itertuples():
        slots = {"finding": row.finding, "measure": row.measure, "owner": row.owner, "due": row.due}
        typer.echo(say("people.finding_registered", **slots))


def _suggested_lines(proposed: pd.DataFrame, names: dict[str, str]) -> list[str]:
    found = []
    for at, row in proposed.iterrows():
        agent = row["agent_id"]
        whom = say("people.whole_role") if agent != agent or agent is None else names.get(agent, agent)
        role = say(f"tables.role_{row['role']}")
        slots = {"number": at, "whom": f"{role} {whom}", "finding": row["finding"], "measure": row["measure"]}
        found.append(say("people.finding_line", **slots))
    return found
