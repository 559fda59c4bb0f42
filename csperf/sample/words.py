"""What people in the made-up shop say: a few templates, numbered, so that messages hold numbers instead of text."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import yaml

from .world import BOT_ACCOUNT, WAREHOUSE, World

POOLS: dict[str, list[str]] = yaml.safe_load(
    (Path(__file__).parent / "templates" / "words.yaml").read_text(encoding="utf-8")
)
CATEGORIES = (  # code, parent, 中文, English
    ("1", "", "售前咨询", "Before the sale"),
    ("1.1", "1", "商品咨询", "Product"),
    ("1.1.1", "1.1", "商品尺寸", "Size"),
    ("1.1.2", "1.1", "商品材质", "Material"),
    ("1.2", "1", "活动咨询", "Promotion"),
    ("1.2.1", "1.2", "优惠券", "Coupons"),
    ("1.2.2", "1.2", "满减规则", "Discount rules"),
    ("2", "", "售后", "After the sale"),
    ("2.1", "2", "物流", "Delivery"),
    ("2.1.1", "2.1", "催发货", "When will it be sent"),
    ("2.1.2", "2.1", "查快递", "Where is it"),
    ("2.2", "2", "退换货", "Returns"),
    ("2.2.1", "2.2", "退款进度", "Refund"),
    ("2.2.2", "2.2", "换货", "Exchange"),
    ("9", "", "其它", "Other"),
    ("9.1", "9", "其它", "Other"),
    ("9.1.1", "9.1", "其它", "Other"),
)
LEAVES = {True: ("1.1.1", "1.1.2", "1.2.1", "1.2.2", "9.1.1"), False: ("2.1.1", "2.1.2", "2.2.1", "2.2.2", "9.1.1")}
NO_LEAF, NO_LEAF_SHARE = "2.2", 0.05
FIRST_EMOJI = "\U0001f300"


class Words:
    """Numbered texts; `cheer` is how often each agent smiles, `coded` which chats would close with a leaf code."""

    def __init__(self, rng: np.random.Generator, world: World, presale: np.ndarray) -> None:
        codes = sorted({*LEAVES[True], *LEAVES[False], NO_LEAF})
        self.accounts = [*(a.account for a in world.agents), BOT_ACCOUNT, WAREHOUSE]
        closing = [f"您当前咨询的内容为{code}(此信息无需回复)" for code in codes]
        passing = [f"由 {a} 转交给 {b}" for a in self.accounts[:-1] for b in self.accounts[:-2]]
        pools = {**POOLS, "closing": closing, "pass": passing}
        self.texts = [text for pool in pools.values() for text in pool]
        self._span = dict(zip(pools, pairwise(np.cumsum([0, *map(len, pools.values())])), strict=True))
        self.cheer = rng.uniform(0.05, 0.4, len(world.agents))
        self.cheers = np.array([max(text) >= FIRST_EMOJI for text in self.texts])
        leaf = np.array([[codes.index(code) for code in LEAVES[presale_]] for presale_ in (False, True)])
        chosen = leaf[presale.astype(int), rng.integers(0, leaf.shape[1], len(presale))]
        self.coded = rng.random(len(presale)) >= NO_LEAF_SHARE
        self._codes = np.where(self.coded, chosen, codes.index(NO_LEAF)) + self.first("closing")

    def draw(self, rng: np.random.Generator, pool: str, n: int) -> np.ndarray:
        """`n` texts of a pool."""
        return rng.integers(*self._span[pool], n)

    def first(self, pool: str) -> int:
        """The first text of a pool."""
        return int(self._span[pool][0])

    def code_of(self, chat: np.ndarray) -> np.ndarray:
        """The closing line of each chat."""
        return self._codes[chat]

    def pass_to(self, giver: np.ndarray, to: np.ndarray) -> np.ndarray:
        """The line that says who hands over to whom."""
        return self.first("pass") + giver * (len(self.accounts) - 2) + to
