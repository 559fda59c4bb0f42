"""花名册 filled in: accounts that the exports show and the form does not have become rows that wait for their role."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .engine import connect
from .load import LoadSettings, store_of
from .settings import listed
from .sources import decode
from .sources.loaded import account_name
from .store import Store
from .text import say
from .workbook import append_rows

UNDECIDED = "undecided"  # the filter of a roster's rows whose role nobody has chosen yet
# Where accounts stand: table -> the columns of the account and of the day.
SEEN_IN = {
    "messages": ("account_id", "day"),
    "calls": ("account_id", "day"),
    "tickets": ("account_id", "day"),
    "ratings": ("account_id", "day"),
    "measured": ("agent_id", "day"),
}
WROTE = ("human", "assist")


@dataclass(frozen=True)
class Form:
    """A 花名册: where it lies, how it is read, where its columns stand (0 is A), the accounts that are on it."""

    path: Path
    source: Any
    places: dict[str, int]
    known: frozenset[str]

    @property
    def undecided(self) -> str:
        """What stands for a role that nobody has chosen yet."""
        return self.source.filter[UNDECIDED].not_in[0]

    def row(self, account: str, day: dt.date) -> dict[int, str]:
        """The cells of an account by place: it stands for a person until somebody says who that is."""
        said = {"account_id": account, "agent_id": account, "name": account.rpartition(":")[2] or account}
        said |= {"role": self.undecided, "started": f"{day}", "valid_from": f"{day}"}
        said |= {"remark": say("forms.found_account")}
        return {place: said[name] for name, place in self.places.items() if name in said}


def fill_roster(settings: LoadSettings) -> list[str]:
    """What is said of accounts that were added to the shop's 花名册, or could not be; nothing where all are on it.

    Only a form whose settings leave rows without a role aside is filled; what people wrote stays as it is.
    """
    form = _form(settings)
    if form is None:
        return []
    found, known = accounts_found(store_of(settings)), form.known | settings.internal_accounts
    new = {account: day for account, day in found.items() if account not in known}
    if not new:
        return []
    slots = {"form": form.path.name, "n": len(new), "accounts": listed(new), "undecided": form.undecided}
    try:
        first = append_rows(form.path, form.source.sheet, [form.row(*one) for one in new.items()])
    except PermissionError:
        return [say("forms.not_filled", reason=say("forms.form_open"), **slots)]
    except ValueError:
        return [say("forms.not_filled", reason=say("forms.form_not_xlsx"), **slots)]
    return [say("forms.filled", first=first, last=first + len(new) - 1, **slots)]


def _form(settings: LoadSettings) -> Form | None:
    """The shop's 花名册, if it has one whose rows may wait for their role."""
    source: Any = next(
        (s for s in settings.sources if getattr(s, "table", "") == "roster" and UNDECIDED in s.filter), None
    )
    path = settings.root / getattr(source, "files", "")  # a database has none, and is not written to
    if source is None or not path.is_file():
        return None
    headings = {name: cells[0].from_[0] for name, cells in source.columns.items()}
    if "example" in source.filter:
        headings["remark"] = source.filter["example"].column
    with decode.open_sheet(path, sheet=source.sheet, header_row=source.header_row) as sheet:
        places = {name: sheet.header.get(decode.normalised(heading)) for name, heading in headings.items()}
        account = places["account_id"]
        known = {account_name(cells[account] or "") for _line, cells in sheet.records if account is not None}
    return Form(path, source, {name: at for name, at in places.items() if at is not None}, frozenset(known))


def accounts_found(store: Store) -> dict[str, dt.date]:
    """Every account that people wrote, spoke or were measured by, with the first day it was seen; by name."""
    con = connect()
    found: dict[str, dt.date] = {}
    for account, day in (pair for name in SEEN_IN for pair in _seen(con, store, name)):
        found[account] = min(day, found.get(account, day))
    con.disconnect()
    return dict(sorted(found.items()))


def _seen(con: Any, store: Store, name: str) -> Iterator[tuple[str, dt.date]]:
    account, day = SEEN_IN[name]
    rows = store.read(con, name)
    if name == "messages":
        rows = rows.filter(rows.sender.isin(WROTE))
    if name == "measured":
        rows = rows.mutate(day=rows.day.coalesce(rows.period_start))
    days = rows.filter(rows[account].notnull()).group_by(account=rows[account]).agg(day=lambda t: t[day].min())
    for row in days.to_pyarrow().to_pylist():
        if row["day"]:
            yield row["account"], row["day"]
