"""Tables of a made-up shop for the first page: two roles, three levels, every kind of grade."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from csperf.catalogue import entry
from csperf.frontpage import About, Material
from csperf.targets import COLUMNS
from csperf.targets.platform import COLUMNS as LINE_COLUMNS

# metric, role, shop, tier mean, base, target, stretch, share, low, high, people, grade, status
WHOLE = [
    ("conversion_paid_user", "pre", 0.546, 0.570, 0.49, 0.55, 0.60, 0.58, 5, 9, 12, "publish", "OK"),
    ("reply_30s_msg", "pre", 0.812, 0.795, 0.76, 0.82, 0.89, 0.66, 6, 10, 12, "publish", "OK"),
    ("order_value_yuan", "pre", 86.9, None, 78, 86, 96, 0.66, 6, 10, 12, "publish", "OK"),
    ("items_per_buyer", "pre", 1.62, None, 1.4, 1.6, 1.8, 0.93, 10, 12, 12, "publish", "TOO_EASY"),
    ("mean_wait_turn_s", "after", 46.0, 42.0, 62, 46, 38, 0.6, 1, 4, 5, "trial", "TARGET_THIN"),
    (
        "effective_reply_user",
        "after",
        0.941,
        None,
        0.90,
        0.935,
        0.96,
        0.6,
        2,
        4,
        5,
        "trial",
        "TARGET_THIN;NOT_SEPARABLE",
    ),
    ("repurchase_share", "after", None, 0.12, None, 0.12, None, None, None, None, 0, "reference", "NO_DATA"),
]
LEVELS = {"junior": -1, "mid": 0, "senior": 1}
SPLIT = {"conversion_paid_user": 0.03, "reply_30s_msg": 0.03, "order_value_yuan": 4}
WHY = "按近3个月，本店水平{shop}，取整为{target}"


def about(**changes) -> About:
    given = dict(shop="示例旗舰店", platform="pdd", month="2026-09", recent="2026-08", made_on=date(2026, 8, 21))
    given |= dict(first_day=date(2026, 5, 1), last_day=date(2026, 8, 17), counting_rules="拼多多口径")
    given |= dict(completeness=0.989, missing="8月13日", maturing=3, newcomers=2, number="demo-2026-09-1a2b3c")
    return About(**(given | changes))


def targets(rows=WHOLE, *, levels: bool = True) -> pd.DataFrame:
    """A target frame in the columns of CONTRACT 4, whole roles and their levels."""
    found = []
    for metric, role, shop, tier, base, target, stretch, share, low, high, people, grade, status in rows:
        row = dict.fromkeys(COLUMNS) | {"metric": metric, "role": role, "better": entry(metric).better}
        row |= {"base": base, "target": target, "stretch": stretch, "grade": grade, "status": status}
        row |= {"shop_value": shop, "tier_mean": tier, "attainment": share, "n_agents": people, "team": people}
        row |= {"n_agent_months": 3 * people, "reason": WHY.format(shop=shop, target=target)}
        if share is not None:
            row |= {"attainment_low": low / people, "attainment_high": high / people}
            row |= {"expected_agents": round(share * people)}
        found.append(row)
        if levels and metric in SPLIT:
            found += [_level(row, level, step * SPLIT[metric], people // 3) for level, step in LEVELS.items()]
    frame = pd.DataFrame(found, columns=COLUMNS)
    values = ["base", "target", "stretch", "shop_value", "tier_mean", "attainment", "attainment_low", "attainment_high"]
    return frame.astype(dict.fromkeys([*values, "expected_agents"], float))


def material(**changes) -> Material:
    """Everything a page may be drawn from."""
    given = {"targets": targets(), "agents": agents(), "hours": hours(), "days": days(), "red_lines": red_lines()}
    return Material(**(given | {"weights": weights(), "review": review()} | changes))


def weights() -> pd.DataFrame:
    points = [30, 25, 15, 0, 60, 40, 0]
    said = "权重是管理组4人打的分。"
    names = {"metric": [r[0] for r in WHOLE], "role": [r[1] for r in WHOLE]}
    return pd.DataFrame(names | {"weight": points, "said": said})


def review() -> pd.DataFrame:
    rows = [("conversion_paid_user", "pre", 7, 10, 8), ("reply_30s_msg", "pre", 6, 10, 11)]
    return pd.DataFrame(rows, columns=["metric", "role", "low", "high", "met"])


def red_lines() -> pd.DataFrame:
    """A verified rule with a chance, and one that nobody has checked."""
    known = {"comparison": "below", "min_volume": 100, "n_days": 92, "alpha": 0.05, "n_breaches": 0, "role": "shop"}
    known |= {"rule_zh": "有效回复率", "rule_en": "Effective replies", "metric": "effective_reply_user", "usable": True}
    known |= {"threshold": 0.50, "mean": 0.78, "worst": 0.664, "breach_yearly": 0.02, "floor": 0.75, "status": "OK"}
    loose = {"rule_zh": "30秒应答率", "rule_en": "Answers within 30 s", "metric": "reply_30s_msg", "usable": False}
    loose |= {"threshold": 0.60, "mean": 0.81, "worst": 0.66, "n_days": 92, "status": "NO_WINDOW;UNVERIFIED"}
    loose |= {"comparison": "below", "n_breaches": 0}
    return pd.DataFrame([dict.fromkeys(LINE_COLUMNS, np.nan) | row for row in (known, loose)], columns=LINE_COLUMNS)


def agents() -> pd.DataFrame:
    """Each person's value of the last months, spread around the target."""
    rng, rows = np.random.default_rng(3), []
    for metric, role, _, _, base, target, stretch, share, *_, people, _, _ in WHOLE:
        for person in range(people if share is not None else 0):
            value = target + rng.normal(0.2, 0.8) * abs(stretch - base) / 2 * (1 if stretch > base else -1)
            level = list(LEVELS)[person // 4] if role == "pre" else None
            rows.append((metric, role, level, f"{role}{person}", value, int(rng.integers(60, 900))))
    return pd.DataFrame(rows, columns=["metric", "role", "level", "agent_id", "value", "n"])


def needs(scheduled: float) -> pd.DataFrame:
    """The hours of the day (staffing.staffed), of which 20 and 21 need 4 people, 5 on the plan."""
    late = [hour in (20, 21) for hour in range(24)]
    people = {name: [a if one else b for one in late] for name, a, b in (("needed", 4, 1), ("rostered", 5, 2))}
    rows = pd.DataFrame({"hour": range(24), "per_hour": [45.0 if one else 9.0 for one in late], **people})
    return rows.assign(scheduled=scheduled, short=rows["rostered"] - scheduled)


def hours(evening: float = 0.66) -> pd.DataFrame:
    """Weekday x hour, worse and busier from 20 to 22; nothing on Sunday mornings."""
    rng = np.random.default_rng(4)
    rows = []
    for weekday in range(7):
        for hour in range(8, 23):
            late = hour in (20, 21)
            value, n = rng.normal(evening if late else 0.85, 0.01), int(rng.integers(70, 110) * (1.6 if late else 1))
            if (weekday, hour) < (6, 0) or hour > 10:
                rows.append((weekday, hour, value, n))
    return pd.DataFrame(rows, columns=["weekday", "hour", "value", "n"])


def days(saturday: float = 0.7) -> pd.DataFrame:
    span = pd.date_range("2026-06-01", "2026-08-17", freq="D")
    value = np.where(span.day_of_week == 5, saturday, 0.84) + np.random.default_rng(5).normal(0, 0.01, len(span))
    frame = pd.DataFrame({"day": span, "value": value, "n": 400.0})
    frame.loc[20:22, ["value", "n"]] = np.nan
    return frame


def _level(row: dict, level: str, shift: float, people: int) -> dict:
    moved = {name: row[name] + shift for name in ("base", "target", "stretch")}
    met = round(row["attainment"] * people)
    low, high = max(met - 1, 0) / people, min(met + 1, people) / people
    numbers = {"attainment": met / people, "attainment_low": low, "attainment_high": high, "expected_agents": met}
    moved["reason"] = WHY.format(shop=row["shop_value"] + shift, target=moved["target"])
    return row | moved | numbers | {"level": level, "n_agents": people, "team": people, "n_agent_months": 3 * people}
