"""Named sets of counting rules: what a platform counts, and what the shop counts for itself.

CONTRACT section 2 fixes the cells of the table; which of them a source backs and which are ours
stands in `SOURCED` and on screen, because half of these cells no source fixes.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

DAILY = tuple[str, str]
CLOSING_PHRASES = (
    "谢谢", "谢谢你", "谢谢您", "谢谢亲", "多谢", "感谢", "谢了", "再见", "拜拜", "没有了谢谢", "没有了谢谢你",
    "thanks", "thankyou", "bye",
)  # fmt: skip


class Definition(BaseModel):
    """One set of counting rules. Durations are seconds; the letters C1-C44 are FIELD.md's edge cases."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "shop"
    hours: DAILY | Literal["shop"] = "shop"  # C12: a daily window, or the shop's own ServiceHours
    anchor: Literal["turn", "session"] = "turn"  # C13: whose start decides whether it is in hours
    auto_counts: bool = False  # C1: does an automatic welcome stop the clock
    assist_counts: bool = False  # C2: does a bot in assist mode count as human
    bot_only: Literal["exclude", "include"] = "exclude"  # C3
    clock_start: Literal["first", "last"] = "first"  # C4: which message of a turn starts its clock
    closing_phrases: tuple[str, ...] = ()  # C5: such a message opens no turn
    unanswered: Literal["drop", "cap"] = "drop"  # C6: an unanswered turn in a mean: left out, or `cap_s`
    cap_s: int | None = None  # C7: a longer wait counts as this long in a mean
    horizon: Literal["seconds", "midnight"] = "seconds"  # C16
    reply_horizon_s: int = 72 * 3600
    session_gap_s: int = 1800  # C8
    close_gap_s: int | None = None  # C8, JD: silence is counted from a close as well
    session_max_s: int = 24 * 3600
    agent_started: Literal["exclude", "include"] = "exclude"  # C9: in first-reply entries
    transfer: Literal["split", "sender", "receiver"] = "split"  # C10
    grace_s: int = 30
    bot_clock: Literal["buyer", "handover"] = "buyer"  # C11: the shop's clock after a bot handed over
    agent_clock: Literal["assignment", "message"] = "assignment"  # C11: an agent's clock after a transfer or hand-over
    spill: Literal["clock", "clip"] = "clock"  # C14, C15: waits in clock time, or in service time only
    card_is_question: bool = True  # C17
    zero_s: Literal["flag", "exclude"] = "flag"  # C19: replies within the same second
    adverts: Literal["in", "out"] = "in"  # C21: listed buyers
    any_fail_s: int = 3600  # C31
    first_reply_limit_s: int = 30  # S1-54
    same_day: Literal["after_question", "any"] = "after_question"
    attribution: Literal["last", "first", "most", "split"] = "last"  # C24
    window_h: int = 24
    credit_needs: Literal["reply", "substantive"] = "reply"
    aftersale_days: int = 21  # C26
    net_refund_days: int = 15  # C27
    repurchase_days: int = 30  # S3-05: how long after a purchase buying again counts
    issue_gap_days: int = 3  # S4-35: a contact sooner than this after the last one is about the same issue
    key_lost_days: int = 90  # S4-15: a key customer is lost who bought nothing for so long


SETS: dict[str, Definition] = {
    d.name: d
    for d in (
        Definition(name="shop", closing_phrases=CLOSING_PHRASES, adverts="out"),
        Definition(name="pdd", hours=("08:00", "23:00")),
        Definition(
            name="taobao",
            hours=("08:00", "23:00"),
            assist_counts=True,
            unanswered="cap",
            cap_s=600,
            horizon="midnight",
            transfer="sender",
            adverts="out",
        ),
        Definition(name="douyin", hours=("08:00", "23:00"), assist_counts=True, bot_clock="handover"),
        Definition(name="jd", hours=("09:00", "23:00"), anchor="session", session_gap_s=600, close_gap_s=600),
        Definition(name="manual2010", same_day="any"),
    )
}
