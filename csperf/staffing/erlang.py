"""Erlang's queues: how long customers wait where so many come, each keeps a server so long, and so many serve.

What they assume: customers come independently of each other at a steady rate, service times vary like the exponential
distribution, the first to come is the first to be served, and a server serves one customer at a time. Servers need not
be a whole number: whoever chats with three customers at once is three of them (the sums are continued by the gamma
function).

Erlang B and C: A. K. Erlang (1917). Erlang A, where customers give up after an exponential patience: C. Palm (1957);
formulas after Mandelbaum and Zeltyn, "Service engineering in action: the Palm/Erlang-A queue" (2007).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log

import numpy as np
import scipy

HOUR = 3600.0
NOTHING = 50  # a logarithm: e^-50


@dataclass(frozen=True)
class Queue:
    """Customers of one kind: how many come in an hour, how many seconds each takes, and how long they wait on average
    before they give up (default: they never do)."""

    per_hour: float
    service_s: float
    patience_s: float = inf

    @property
    def load(self) -> float:
        """How many servers would be busy all the time (Erlangs)."""
        return self.per_hour * self.service_s / HOUR

    def waiting(self, servers: float) -> float:
        """The share of customers who have to wait at all; 1 where more come than can be served."""
        if self.load == 0:
            return 0.0
        if self.patience_s < inf:
            return self._abandoning(servers).waiting
        if servers <= self.load:
            return 1.0
        blocked = erlang_b(servers, self.load)
        return blocked / (1 - self.load / servers * (1 - blocked))

    def answered_within(self, seconds: float, servers: float) -> float:
        """The share of all customers, those who give up included, who are answered within so many seconds."""
        if self.load == 0:
            return 1.0
        if self.patience_s < inf:
            return self._abandoning(servers).answered_within(seconds)
        if servers <= self.load:
            return 0.0
        return 1 - self.waiting(servers) * exp(-(servers - self.load) * seconds / self.service_s)

    def mean_wait_s(self, servers: float) -> float:
        """Seconds that a customer waits on average, until the answer or until giving up; infinite if ever more wait."""
        if self.patience_s < inf:
            return self.abandoned(servers) * self.patience_s
        if self.load == 0:
            return 0.0
        return inf if servers <= self.load else self.waiting(servers) * self.service_s / (servers - self.load)

    def abandoned(self, servers: float) -> float:
        """The share of customers who give up."""
        return self._abandoning(servers).abandoned if self.load and self.patience_s < inf else 0.0

    def occupancy(self, servers: float) -> float:
        """The share of their time that servers are busy; 1 at most."""
        return min(self.load * (1 - self.abandoned(servers)) / servers, 1.0) if self.load else 0.0

    def _abandoning(self, servers: float) -> _Abandoning:
        return _Abandoning(self.per_hour / HOUR, 1 / self.service_s, 1 / self.patience_s, servers)


def erlang_b(servers: float, load: float) -> float:
    """The share of customers who find all servers busy and are turned away; servers need not be a whole number."""
    log_turned_away = servers * log(load) - load - scipy.special.gammaln(servers + 1)
    return float(exp(log_turned_away) / scipy.special.gammaincc(servers + 1, load))


@dataclass(frozen=True)
class _Abandoning:
    """Erlang A in rates per second. The wait v of somebody endlessly patient has the density arrival · e^growth(v) on
    the scale on which nobody waiting has the weight `idle`; its peak is taken out, or it would overflow."""

    arrival: float
    service: float
    leaving: float
    servers: float

    @property
    def peak(self) -> float:
        """The seconds at which the density is largest."""
        return max(0.0, log(self.arrival / (self.servers * self.service)) / self.leaving)

    @property
    def end(self) -> float:
        """Seconds after which the density is nothing beside its peak."""
        step = 1 / (self.servers * self.service)
        while self.growth(self.peak + step) > self.growth(self.peak) - NOTHING:
            step *= 2
        return self.peak + step

    def growth(self, v: float) -> float:
        """The logarithm of the density after v seconds."""
        return self.arrival / self.leaving * -np.expm1(-self.leaving * v) - self.servers * self.service * v

    def mass(self, until: float = inf, *, patient: bool = False) -> float:
        """How heavy waits up to `until` are beside `idle`; with `patient`, of those who have not given up by then."""
        top = self.growth(self.peak)

        def density(v: float) -> float:
            return exp(self.growth(v) - top - self.leaving * v * patient)

        last = min(until, self.end)
        split = [self.peak] if 0 < self.peak < last else None
        return self.arrival * scipy.integrate.quad(density, 0, last, points=split, limit=200)[0]

    @property
    def idle(self) -> float:
        """The weight of finding somebody free."""
        load = self.arrival / self.service
        before = max(self.servers - 1, 0.0)
        return exp(-self.growth(self.peak)) / erlang_b(before, load)

    @property
    def waiting(self) -> float:
        waits = self.mass()
        return waits / (self.idle + waits)

    def answered_within(self, seconds: float) -> float:
        return (self.idle + self.mass(seconds, patient=True)) / (self.idle + self.mass())

    @property
    def abandoned(self) -> float:
        return 1 - self.answered_within(inf)
