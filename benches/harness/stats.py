"""Figures of several rounds, and when two of them may be compared.

A figure is the median of its rounds; its spread is the interquartile range. Two figures whose medians differ by no more
than the larger of their spreads are not told apart: then there is no ratio, for it would say more than was measured.
"""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One contestant's values, a value a round, in rounds that all contestants of the row ran in turns."""

    values: tuple
    unit: str = "ns"

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def quartiles(self):
        if len(self.values) < 2:
            return self.values[0], self.values[0]
        first, _, third = statistics.quantiles(self.values, n=4, method="inclusive")
        return first, third

    @property
    def spread(self):
        first, third = self.quartiles
        return third - first


def told_apart(one, other):
    """Whether the medians lie further apart than either figure is spread."""
    return abs(one.median - other.median) > max(one.spread, other.spread)


def ratio(one, other):
    """How many times `other` goes into `one`: the median over the rounds, each with its neighbour. None: not told apart."""
    return paired(one, other).median if told_apart(one, other) else None


def paired(one, other):
    """The quotient of each round. Rounds of two processes have no neighbours: then the quotients of the medians."""
    if len(one.values) != len(other.values):
        return Figure((one.median / other.median,), "")
    return Figure(tuple(a / b for a, b in zip(one.values, other.values)), "")


def plus(figures):
    """What several parts cost together, round by round."""
    return Figure(tuple(map(sum, zip(*(figure.values for figure in figures)))), figures[0].unit)


@dataclass(frozen=True)
class Verdict:
    """What became of a goal. `close`: the bound lies within the spread, so that another run may say otherwise."""

    measured: float
    reached: bool
    close: bool

    def __str__(self):
        return ("reached" if self.reached else "missed") + (", within the spread" if self.close else "")


def judge(figure, at_most=None, at_least=None):
    """Whether a figure keeps to its bound."""
    bound = at_most if at_most is not None else at_least
    first, third = figure.quartiles
    reached = figure.median <= bound if at_most is not None else figure.median >= bound
    return Verdict(figure.median, reached, first <= bound <= third and first != third)
