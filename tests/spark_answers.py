"""What an engine makes of a made shop: every derived row, and every sum of the catalogue.

As a program it asks a Spark by its address, in a process of its own (one that runs Spark itself cannot also be a client
of Spark Connect), and pickles both: python spark_answers.py sc://host:port file
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pandas as pd
from adapters import engine_derive
from made_facts import facts as made_facts
from shops import made_shop

from csperf import mart
from csperf.catalogue import ENTRIES
from csperf.definitions import SETS
from csperf.engine import EngineSettings, connect


def rows(engine: EngineSettings) -> dict[str, list[dict]]:
    """The rows of every derived table."""
    return engine_derive(made_shop(101, buyers=12, length=20), SETS["shop"], engine=engine)


def sums(engine: EngineSettings) -> pd.DataFrame:
    """The values of all metrics of some made facts, by shop and month."""
    con, made = connect(engine), made_facts(seed=5, rows=40)
    facts = {name: con.create_table(f"made_{name}", table, temp=True) for name, table in made.items()}
    wanted = [entry for entry in ENTRIES.values() if entry.facts <= made.keys()]
    return mart.measure(facts, wanted, ["shop", "month"], definitions="shop")


if __name__ == "__main__":
    far = EngineSettings(backend="spark", master=sys.argv[1])
    Path(sys.argv[2]).write_bytes(pickle.dumps((rows(far), sums(far))))
