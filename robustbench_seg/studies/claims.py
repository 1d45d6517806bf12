"""What the SegFormer paper (Xie et al., NeurIPS 2021) states of two kinds of networks, and whether numbers bear it out.

A statement is data: which arms, in what quantity, and by how much in the paper. One function judges them all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..protocols import PROTOCOLS, categories_of
from ..store.view import View
from .arms import arm_of_table_1c
from .comparisons import Differences, Pair
from .evidence import Evidence, Quantities
from .grades import ArmDifference
from .published import read_published
from .resolution import published_extent
from .robustness import Conditions, scores_of
from .statistics import Interval

__all__ = [
    "TABLE_1C", "TABLE_5", "Claim", "ahead_in_table_5", "categories_next_to_table_5", "judge", "paper_marks",
    "scores_in_table_5",
]  # fmt: skip

METHODS = ("SegFormer-B5", "DLv3+ MBv2")  # the rows of Table 5 that TABLE_5 is of


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One arm differs from another in a quantity, in the direction of the paper's figures.

    arms: whether a name is of the first arm, and of the second. quantity: of a report's differences. figures: gives
    the paper's of the two arms (0-1). sized: whether the size of their difference is part of the statement. text: the
    statement in words, a format of the figures in %: first and second.
    """

    arms: tuple[Callable[[str], bool], Callable[[str], bool]]
    quantity: str
    figures: Callable[[], tuple[float, float]]
    sized: bool
    text: str

    @property
    def figure(self) -> float:
        """The paper's difference, 0-1."""
        first, second = self.figures()
        return first - second

    @property
    def statement(self) -> str:
        """The paper's statement with its figures."""
        first, second = self.figures()
        return self.text.format(first=100 * first, second=100 * second)

    def fits(self, pair: Pair) -> bool:
        """Whether a pair of arms is one that the statement is of."""
        return all(is_arm(name) for is_arm, name in zip(self.arms, pair, strict=True))

    def choose(self, pairs: Sequence[Pair]) -> Pair | None:
        """Choose the first pair that the statement is of; without any, the first; None of none."""
        return next(filter(self.fits, pairs), next(iter(pairs), None))

    def pair(self, differences: Differences, quantity: str) -> Pair | None:
        """Choose a pair as `choose` does, among those whose difference in a quantity is measured."""
        return self.choose([key[:2] for key, each in differences.items() if key[2] == quantity and each.measured])


def judge(claim: Claim, each: ArmDifference) -> str:
    """State what a difference of the claim's arms in its quantity means for the claim: the end of "which this ...".

    Only a significant difference in a primary comparison matches, and others support. The size is judged by the widest
    interval, unless the paper's networks and images make it incomparable.
    """
    if each.obstacle:
        return "cannot judge"
    within = each.widest.low <= claim.figure <= each.widest.high
    if each.seen:
        verb = (
            "contradicts"
            if each.interval.estimate * claim.figure < 0
            else "matches"
            if each.significant
            else "supports"
        )
        sized = ", not in size" if claim.sized and not within and verb != "contradicts" else ""
        alone = "" if claim.sized else ", which alone is comparable"
        return f"{verb} in direction{sized}{each.qualifier}{alone}"
    if not claim.sized:
        return "does not confirm"
    return "neither confirms nor excludes" if within else "does not confirm and, at that size, excludes"


def scores_in_table_5(method: str) -> dict[str, float]:
    """Compute the scores (0-1) of one row of the paper's Table 5, as `scores_of` does ours."""
    row = read_published("table5_cityscapes_c").set_index("method").loc[method] / 100
    scores = scores_of(lambda corruption, _: row[corruption], PROTOCOLS["segformer"])
    return {name: float(score) for name, score in scores.items()}


def retention_in_table_5() -> tuple[float, float]:
    first, second = (scores_in_table_5(method)["retention"] for method in METHODS)
    return first, second


def extent_in_table_1c() -> tuple[float, float]:
    lost = published_extent().set_index("encoding")["points"] / 100
    return float(lost["mix_ffn"]), float(lost["learned_pe"])


# SegFormer keeps more of its score under corruption than DeepLabV3+; the networks in the paper are others.
TABLE_5 = Claim(
    arms=(
        lambda name: name.startswith("segformer") and "learned" not in name,
        lambda name: name.startswith("deeplab"),
    ),
    quantity="retention",
    figures=retention_in_table_5,
    sized=False,
    text="paper's Table 5 has SegFormer-B5 keep {first:.1f} % and DeepLabV3+ with MobileNetV2 {second:.1f} % on "
    "Cityscapes-C",
)
# With Mix-FFN less is lost from windows to whole images than with a positional encoding.
TABLE_1C = Claim(
    arms=(lambda name: arm_of_table_1c(name) == "mix_ffn", lambda name: arm_of_table_1c(name) == "learned_pe"),
    quantity="extent",
    figures=extent_in_table_1c,
    sized=True,
    text="paper's Table 1c has {second:.1f} points with a positional encoding and {first:.1f} with Mix-FFN",
)


def ahead_in_table_5() -> int:
    """Count the corruptions in which the paper's SegFormer has more mIoU than its DeepLabV3+."""
    first, second = map(scores_in_table_5, METHODS)
    return sum(first[name] > second[name] for name in PROTOCOLS["segformer"])


def categories_next_to_table_5(
    evidence: Evidence, scores: Quantities, view: View, conditions: Conditions
) -> dict[str, dict[str, dict[str, Interval]]]:
    """Return the scores of the categories: {the paper's, ours: {method or arm: {category: score}}}.

    scores: of a model in the view. Empty without the table's conditions and both arms of the claim. The paper states no
    intervals.
    """
    pair = TABLE_5.choose(evidence.pairs())
    if conditions != PROTOCOLS["segformer"] or not (pair and TABLE_5.fits(pair)):
        return {}
    first, categories = evidence.cells.iloc[0], categories_of(conditions)
    entries = {entry.arm: entry for entry in evidence.arm_entries(scores, view)}
    if not set(pair) <= set(entries):
        return {}
    theirs = {method: scores_in_table_5(method) for method in METHODS}
    return {
        "Paper, cityscapes val": {
            method: {name: Interval(own[name]) for name in categories} for method, own in theirs.items()
        },
        f"Ours, {first['dataset']} {first['split']}": {
            arm: {name: evidence.interval(entries[arm].values[name]) for name in categories} for arm in pair
        },
    }


def paper_marks(pairs: Sequence[Pair]) -> dict[Pair, float]:
    """Give the paper's difference in the extent effect (0-1) to pairs of arms that it had, an encoding and Mix-FFN."""
    theirs = dict(zip(("mix_ffn", "learned_pe"), TABLE_1C.figures(), strict=True))
    own = {pair: [theirs[arm] for name in pair if (arm := arm_of_table_1c(name))] for pair in pairs}
    return {pair: figures[0] - figures[1] for pair, figures in own.items() if len(figures) == 2}
