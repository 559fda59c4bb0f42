"""People who serve several shops (team.yaml): one score and one sheet for each person, from all shops and roles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import CsperfError, Problem
from .handouts import limits
from .run import Run, measure, open_run
from .scorecard import Scorecard, ScoreSettings
from .scorecard.card import coefficient
from .scoring import score_run
from .settings import explain, listed, quoted, read_yaml
from .sheets import Block, Sheet, file_names, own_metrics, place, standing
from .sheets.sheet import points
from .text import say
from .text.numbers import month_words, number

PARTS = ["person", "shop", "agent_id", "role", "score", "pay_score", "served", "share"]
SCORES = ["person", "score", "pay_score", "coefficient", "served", "shops", "status"]
SERVED = ("served_users", "asked_users")  # the weight; the second where no shop knows the first (PRACTICE 2)


class Team(BaseModel):
    """team.yaml. shops: the settings of each, relative to the file. people: name -> shop -> agent_id.

    Who is not named stands alone: the same agent_id in two shops need not be the same person.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    shops: tuple[Path, ...] = Field(min_length=1, examples=["demo/params.yaml"])
    people: dict[str, dict[str, str]] = {}


@dataclass(frozen=True, eq=False)
class ShopMonth:
    """One shop's month. served: agent_id, role (null: of all roles), n, the people served; stamp: handouts.limits."""

    shop: str
    title: str
    month: str
    card: Scorecard
    names: Mapping[str, str]
    served: pd.DataFrame
    notices: tuple[str, ...] = ()
    stamp: str = ""


@dataclass(frozen=True, eq=False)
class TeamScores:
    """scores: SCORES, a row for each person; parts: PARTS, a row for each shop and role a person was scored in."""

    month: str
    scores: pd.DataFrame
    parts: pd.DataFrame
    shops: tuple[ShopMonth, ...]
    settings: ScoreSettings

    @property
    def notices(self) -> tuple[str, ...]:
        """What to know of each shop's scores."""
        return tuple(f"{one.title}: {said}" for one in self.shops for said in one.notices)


def read_team(path: Path) -> Team:
    """The team of a file; CsperfError with every fault."""
    content = read_yaml(path)
    try:
        team = Team.model_validate(content)
    except ValidationError as error:
        raise CsperfError(explain(error, str(path), Team, content)) from None
    return team.model_copy(update={"shops": tuple((path.absolute().parent / shop).resolve() for shop in team.shops)})


def score_team(path: Path, *, month: str = "", lang: str = "") -> TeamScores:
    """The scores of everybody in the team of a file; `month` empty: the newest that all shops have."""
    team = read_team(path)
    runs = [open_run(shop, month=month, lang=lang) for shop in team.shops]
    newest = min(run.month for run in runs)
    runs = [run if run.month == newest else open_run(run.params.file, month=newest, lang=lang) for run in runs]
    if problems := [*_twice(runs, team, str(path)), *_unknown(runs, team, str(path))]:
        raise CsperfError(problems)
    return combined([_shop_month(run) for run in runs], team.people)


def _twice(runs: Sequence[Run], team: Team, where: str) -> Iterator[Problem]:
    """Shops of the same number, and accounts that two people claim."""
    shops = [run.params.shop for run in runs]
    for shop in dict.fromkeys(shop for shop in shops if shops.count(shop) > 1):
        yield Problem(where, say("papers.team_same_shop", shop=quoted(shop)))
    claims: dict[tuple[str, str], list[str]] = {}
    for person, accounts in team.people.items():
        for account in accounts.items():
            claims.setdefault(account, []).append(person)
    for (shop, agent), claimed in claims.items():
        if len(claimed) > 1:
            who = say("papers.and").join(claimed)
            yield Problem(where, say("papers.team_claimed", shop=shop, agent=agent, who=who))


def _unknown(runs: Sequence[Run], team: Team, where: str) -> Iterator[Problem]:
    """Shops that are not of the team, and people whom a shop's roster does not know."""
    known = {run.params.shop: sorted(run.table("roster")["agent_id"].unique()) for run in runs}
    for person, accounts in team.people.items():
        for shop, agent in accounts.items():
            found, allowed = (agent, known[shop]) if shop in known else (shop, list(known))
            if found not in allowed:
                slots = {"found": quoted(found), "allowed": listed(allowed)}
                place = f"people.{person}.{shop}" if shop in known else f"people.{person}"
                yield Problem(where, f"{place}: {say('cli.not_one_of', **slots)}")


def _shop_month(run: Run) -> ShopMonth:
    scored = score_run(run)
    about = (run.params.shop, run.params.title(run.lang), run.month)
    return ShopMonth(*about, scored.card, scored.names, served(run), scored.notices, limits(run, scored))


def served(run: Run) -> pd.DataFrame:
    """agent_id, role, n: the people each agent served in the month, by role of the chats."""
    rows = measure(run, ["agent", "role"], list(SERVED))
    known = next((key for key in SERVED if rows.loc[rows["metric"] == key, "value"].notna().any()), SERVED[0])
    own = rows[(rows["metric"] == known) & rows["agent_id"].notna()]
    return own[["agent_id", "role"]].assign(n=own["value"]).reset_index(drop=True)


def combined(shops: Sequence[ShopMonth], people: Mapping[str, Mapping[str, str]]) -> TeamScores:
    """Everybody's score: the mean of the shop x role scores weighted by the people served there.

    CsperfError where somebody was scored in several and it is not known how many were served in each.
    """
    parts = pd.concat([_parts(one, people, _shared(shops)) for one in shops], ignore_index=True)
    several = parts.groupby("person")["person"].transform("size") > 1
    unknown = parts[several & parts["score"].notna() & ~(parts["served"] > 0)]
    if len(unknown):
        raise CsperfError(
            Problem(row.shop, say("papers.team_unserved", person=row.person, role=say(f"tables.role_{row.role}")))
            for row in unknown.itertuples()
        )
    counted = parts["served"].where(parts["score"].notna())
    share = counted / counted.groupby(parts["person"]).transform("sum")
    parts = parts.assign(share=share.where(several, parts["score"].notna().map({True: 1.0, False: None})))
    settings = shops[0].card.settings
    rows = [_person(str(name), own, settings) for name, own in parts.groupby("person", sort=False)]
    return TeamScores(shops[0].month, pd.DataFrame(rows, columns=SCORES), parts[PARTS], tuple(shops), settings)


def _parts(one: ShopMonth, people: Mapping[str, Mapping[str, str]], shared: Set[tuple[str, str]]) -> pd.DataFrame:
    """A shop's scores of the month, with the person and the people served. `shared`: names that several people bear."""
    named = {accounts[one.shop]: person for person, accounts in people.items() if one.shop in accounts}
    rows = one.card.scores[one.card.scores["month"] == one.month].reset_index(drop=True)
    person = [named.get(agent) or _alone(one, agent, shared) for agent in rows["agent_id"]]
    by_role = one.served.groupby(["agent_id", "role"])["n"].sum(min_count=1)
    whole = one.served.groupby("agent_id")["n"].sum(min_count=1)
    roles = rows.groupby("agent_id")["role"].transform("nunique")
    keys = zip(rows["agent_id"], rows["role"], roles, strict=True)
    n = [by_role.get((agent, role)) if several > 1 else whole.get(agent) for agent, role, several in keys]
    return rows.assign(person=person, shop=one.shop, served=pd.to_numeric(pd.Series(n, index=rows.index)))


def _shared(shops: Sequence[ShopMonth]) -> Set[tuple[str, str]]:
    """(title, name) that more than one agent bears: two of a name in a shop, or in two shops of one title."""
    borne = Counter((one.title, name) for one in shops for name in one.names.values())
    return {key for key, n in borne.items() if n > 1}


def _alone(one: ShopMonth, agent: str, shared: Set[tuple[str, str]]) -> str:
    """What somebody is called whom the team does not name: never the same as anybody else."""
    name = one.names.get(agent, agent)
    place = f"{one.title} {one.shop} {agent}" if (one.title, name) in shared else one.title
    return say("papers.team_alone", name=name, place=place)


def _person(name: str, own: pd.DataFrame, settings: ScoreSettings) -> dict[str, object]:
    """Null where no part is scored; the pay score of the parts that have one."""
    scored, paid = own[own["score"].notna()], own[own["score"].notna() & own["pay_score"].notna()]
    row: dict[str, object] = {"person": name, "served": own["served"].sum(min_count=1), "shops": own["shop"].nunique()}
    row |= {"score": _mean(scored, "score"), "pay_score": _mean(paid, "pay_score")}
    row |= {"status": "" if len(scored) else own["status"].iloc[0]}
    return row | {"coefficient": coefficient(float(_mean(paid, "pay_score")), settings)}


def _mean(parts: pd.DataFrame, column: str) -> float:
    total = parts["share"].sum()
    return round(float((parts[column] * parts["share"]).sum() / total), 10) if total else float("nan")


# Sheets -----------------------------------------------------------------------------------------------------------


def team_sheets(team: TeamScores, lang: str) -> dict[str, Sheet]:
    """One sheet for each person, by the name of its file: the score, how it is made, every metric of each part."""
    files = file_names({(person, ""): person for person in team.scores["person"]})
    return {files[row["person"], ""]: _sheet(row, team, lang) for _at, row in team.scores.iterrows()}


def _sheet(row: pd.Series, team: TeamScores, lang: str) -> Sheet:
    own = team.parts[team.parts["person"] == row["person"]]
    shops = [one for one in team.shops if one.shop in set(own["shop"])]
    slots = {"name": row["person"], "month": month_words(team.month, lang)}
    return Sheet(
        lang,
        say("sheets.personal", lang, **slots),
        tuple(dict.fromkeys(one.title for one in shops)),
        tuple(standing(row.reindex([*row.index, "capped"]).fillna({"capped": False}), lang)),
        (_shares(own, team, lang), *(_metrics(part, team, lang) for part in own.itertuples())),
        (say("papers.team_mean", lang), say("sheets.basis", lang), say("sheets.objection", lang)),
        stamp=" ".join(f"{one.title}: {one.stamp}" for one in shops if one.stamp),
    )


def _shares(own: pd.DataFrame, team: TeamScores, lang: str) -> Block:
    titles = {one.shop: one.title for one in team.shops}
    rows = [
        (
            f"{titles[part.shop]} {say(f'tables.role_{part.role}', lang)}",
            number(part.served, "count"),
            number(part.share, "share"),
            points(part.score),
        )
        for part in own.itertuples()
    ]
    heads = tuple(say(f"papers.team_{head}", lang) for head in ("where", "served", "share", "score"))
    return Block(say("papers.team_parts", lang), heads, tuple(rows))


def _metrics(part, team: TeamScores, lang: str) -> Block:
    one = next(shop for shop in team.shops if shop.shop == part.shop)
    rows = one.card.parts[(one.card.parts["month"] == one.month) & (one.card.parts["agent_id"] == part.agent_id)]
    block = own_metrics(rows[rows["role"] == part.role], lang)
    return replace(block, title=" ".join((one.title, *place(part.role, None, lang))))
