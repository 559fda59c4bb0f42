"""Who talks to whom where messages only say which message they answer."""

from __future__ import annotations

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, field_validator


class Thread(BaseModel):
    """Reply links: `id` and `parent` are columns of the file; rows where `account_where` holds are the agents'.

    A buyer's row gets the account of the agent row that it answers or that answers it, `reach` links away at most.
    The default is one link: further away, the answer may be to somebody else's message.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    parent: str
    account_where: dict[str, str] = Field(min_length=1)
    account: str
    reach: int = Field(default=1, ge=1)

    @field_validator("account_where", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return {name: str(cell) for name, cell in value.items()} if isinstance(value, dict) else value

    @property
    def columns(self) -> list[str]:
        """The file's columns that the links are read from."""
        return [self.id, self.parent, self.account, *self.account_where]


def along_replies(rows: pd.DataFrame, reach: int) -> pd.DataFrame:
    """The rows with `account_id` and `buyer_id` filled along the links, null where no link leads to one.

    `rows`: thread_id, thread_parent, thread_agent (bool), thread_account, buyer_id, sent_at. An agent's row gets the
    buyer nearest to it, however far: a message to nobody cannot be counted for anybody.
    """
    agent = rows["thread_agent"]
    account = _spread(rows, rows["thread_account"].where(agent), reach)
    buyer = _spread(rows, rows["buyer_id"].where(~agent), len(rows))
    return rows.assign(account_id=account, buyer_id=buyer)


def _spread(rows: pd.DataFrame, known: pd.Series, reach: int) -> pd.Series:
    """`known` filled from the row answered, else from the earliest answer, over at most `reach` links."""
    known = known.astype(object)
    for _ in range(reach):
        before = known.isna().sum()
        linked = rows.assign(known=known).dropna(subset=["known"]).sort_values("sent_at", kind="stable")
        answered = linked.drop_duplicates("thread_id").set_index("thread_id")["known"]
        answering = linked.dropna(subset=["thread_parent"]).drop_duplicates("thread_parent")
        known = known.fillna(rows["thread_parent"].map(answered).astype(object))
        known = known.fillna(rows["thread_id"].map(answering.set_index("thread_parent")["known"]).astype(object))
        if known.isna().sum() == before:
            break
    return known
