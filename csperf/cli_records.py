"""`csperf review PARAMS ...`: who has signed, what everybody reached in frozen months, what became of findings."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_review import (
    By,
    Context,
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
from .text import say, ui_language

if TYPE_CHECKING:  # heavy: imported inside the commands that need them, so that --help is quick
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
