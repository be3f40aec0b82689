"""The statistics and the refusal: what the benchmark says, and when it must not."""

import sys
import tomllib
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import chart, goals, report  # noqa: E402
from harness.stats import Figure, judge, paired, plus, ratio, told_apart  # noqa: E402


class Statistics(unittest.TestCase):
    def test_the_figure_is_the_median_and_its_spread_the_interquartile_range(self):
        figure = Figure((10, 900, 12, 11, 13))
        self.assertEqual(figure.median, 12)
        self.assertEqual(figure.quartiles, (11, 13))
        self.assertEqual(figure.spread, 2)
        self.assertEqual(Figure((5,)).spread, 0)

    def test_no_ratio_where_the_spread_is_larger_than_the_difference(self):
        steady, near, far = Figure((100, 101, 99)), Figure((100, 120, 110)), Figure((200, 205, 195))
        self.assertFalse(told_apart(steady, steady))
        self.assertFalse(told_apart(steady, near))
        self.assertIsNone(ratio(steady, near))
        self.assertTrue(told_apart(far, steady))
        self.assertEqual(ratio(far, steady), 2.0)
        # The wider of the two decides, whichever comes first.
        noisy = Figure((60, 150, 260))
        self.assertIsNone(ratio(noisy, steady))
        self.assertIsNone(ratio(steady, noisy))
        # A difference that is exactly the spread is not told apart either.
        self.assertIsNone(ratio(Figure((90, 100, 110)), Figure((110, 110, 110))))

    def test_a_ratio_is_of_neighbours(self):
        # The machine grew slower from round to round: for both.
        self.assertEqual(paired(Figure((10, 20, 40)), Figure((5, 10, 20))).values, (2, 2, 2))
        self.assertEqual(paired(Figure((10, 20, 30)), Figure((5,))).values, (4,))

    def test_a_floor_may_have_parts(self):
        self.assertEqual(plus([Figure((1, 2)), Figure((10, 20))]).values, (11, 22))

    def test_a_goal_is_reached_missed_or_too_close(self):
        self.assertEqual(str(judge(Figure((1.0, 1.1, 1.2)), at_most=1.25)), "reached")
        self.assertEqual(str(judge(Figure((1.3, 1.31, 1.32)), at_most=1.25)), "missed")
        self.assertEqual(str(judge(Figure((1.1, 1.2, 1.9)), at_most=1.25)), "reached, within the spread")
        self.assertEqual(str(judge(Figure((3.0, 3.1, 3.2)), at_least=2)), "reached")
        self.assertEqual(str(judge(Figure((1.0, 1.1, 1.2)), at_least=2)), "missed")


class Goals(unittest.TestCase):
    FIGURES = {
        ("a", "ours"): Figure((110, 110, 111)),
        ("a", "peer"): Figure((100, 100, 101)),
        ("a", "noise"): Figure((10, 100, 400)),
    }

    def test_a_ratio_to_a_peer(self):
        self.assertEqual(goals.Ratio("1", "a", "ours", ["peer"], at_most=1.25).check(self.FIGURES).verdict, "reached")
        self.assertEqual(goals.Ratio("1", "a", "ours", ["peer"], at_most=1.05).check(self.FIGURES).verdict, "missed")
        self.assertEqual(goals.Ratio("1", "a", "peer", ["ours"], at_least=2, faster=True).check(self.FIGURES).verdict, "missed")

    def test_no_goal_that_wants_a_difference_is_reached_without_one(self):
        # Each round says five times faster, but the rounds themselves are all over the place.
        figures = {("a", "ours"): Figure((10, 100, 1000)), ("a", "peer"): Figure((50, 500, 5000))}
        faster = goals.Ratio("1", "a", "ours", ["peer"], at_least=2, faster=True)
        self.assertEqual(faster.check(figures).verdict, "not told apart")
        as_good = goals.Ratio("1", "a", "ours", ["peer"], at_most=1.25)
        self.assertEqual((as_good.check(figures).measured, as_good.check(figures).verdict), ("not told apart", "reached, within the spread"))

    def test_an_absolute_bound_and_one_above_a_floor(self):
        self.assertEqual(goals.Bound("2", "a", "ours", at_most=120).check(self.FIGURES).verdict, "reached")
        self.assertEqual(goals.Bound("2", "a", "ours", at_most=5, above=["peer"]).check(self.FIGURES).verdict, "missed")
        self.assertEqual(goals.Bound("2", "a", "ours", at_most=15, above=["peer"]).check(self.FIGURES).verdict, "reached")

    def test_what_did_not_run_is_not_reached(self):
        for goal in (goals.Ratio("1", "a", "ours", ["nobody"], at_most=9), goals.Bound("1", "b", "ours", at_most=9)):
            self.assertEqual(goal.check(self.FIGURES).verdict, "not measured")

    def test_every_goal_of_the_list_can_be_checked_and_is_numbered(self):
        self.assertEqual({goal.number for goal in goals.GOALS}, {str(number) for number in range(1, 12)})
        for goal in goals.GOALS:
            self.assertEqual(goal.check({}).verdict, "not measured")


class Builds(unittest.TestCase):
    def test_ours_is_built_as_its_release_artefacts_are(self):
        root = Path(__file__).resolve().parents[2]
        shipped, beside = (tomllib.loads((root / made).read_text())["profile"]["release"] for made in ("Cargo.toml", "benches/rust/Cargo.toml"))
        del shipped["package"]["sessile-node"]  # No Rust of it is run there.
        # What is stripped is not run.
        self.assertEqual({name: value for name, value in shipped.items() if name != "strip"}, beside)


class Reports(unittest.TestCase):
    def test_the_table_prints_no_ratio_that_was_not_told_apart(self):
        figures = {
            ("rust.store.small", "sessile memory"): Figure((1000, 1010, 1005)),
            ("rust.store.small", "a peer"): Figure((3000, 3010, 3005)),
            ("rust.store.small", "a noisy peer"): Figure((500, 1000, 4000)),
        }
        table = report.markdown({"date": "2026-01-01", "machine": {"cpu": "x"}, "quick": True, "rounds": 3}, figures)
        lines = {line.split("|")[1].strip(): line for line in table.splitlines() if line.startswith("| ")}
        self.assertIn("2.99 ×", lines["a peer"])
        self.assertIn("not told apart", lines["a noisy peer"])
        self.assertNotIn("×", lines["a noisy peer"])

    def test_the_chart_has_a_bar_for_each_contestant(self):
        figures = {("rust.store.small", f"peer <{number}>"): Figure((number * 1000,)) for number in (1, 10, 100)}
        drawn = chart.svg(figures)
        self.assertEqual(drawn.count("<rect"), 3)
        self.assertIn("peer &lt;10&gt;", drawn)
        self.assertIn("prefers-color-scheme", drawn)


if __name__ == "__main__":
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    ran = unittest.TextTestRunner(verbosity=1).run(suite)
    failed = len(ran.failures) + len(ran.errors)
    print(f"bench harness: {ran.testsRun - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
