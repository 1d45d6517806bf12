"""Named sets of conditions. Published numbers often omit their conditions; here every table names them."""

from collections.abc import Iterable, Mapping, Sequence

from .corruptions import CATEGORIES, CORRUPTIONS, SEVERITIES
from .errors import UsageError

__all__ = ["PROTOCOLS", "categories_of", "choose_conditions", "conditions_of"]

NOISES = CATEGORIES["noise"]
SEGFORMER = (
    "motion_blur", "defocus_blur", "glass_blur", "gaussian_blur", "gaussian_noise",
    "impulse_noise", "shot_noise", "speckle_noise", "brightness", "contrast", "saturate",
    "jpeg_compression", "snow", "spatter", "fog", "frost",
)  # fmt: skip
# Hendrycks & Dietterich 2019: the 15 corruptions of the benchmark, and the four for validation.
SCORED = (
    "gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur",
    "zoom_blur", "snow", "frost", "fog", "brightness", "contrast", "elastic_transform", "pixelate",
    "jpeg_compression",
)  # fmt: skip
VALIDATION = ("speckle_noise", "gaussian_blur", "spatter", "saturate")

# name: {corruption: its severities}. Clean images are always measured in addition.
PROTOCOLS: dict[str, dict[str, tuple[int, ...]]] = {
    # Xie et al. 2021, Table 5 and Appendix D, after Kamann & Rother 2020
    "segformer": {name: (1, 2, 3) if name in NOISES else (1, 2, 3, 4, 5) for name in SEGFORMER},
    # Michaelis et al. 2019: mPC and rPC
    "michaelis": dict.fromkeys(SCORED, (1, 2, 3, 4, 5)),
    # Zhou et al. 2022, "Understanding the Robustness in Vision Transformers", as in its released script
    "fan": dict.fromkeys((*SCORED, *VALIDATION), (1, 2, 3)),
    # SemSegBench, arXiv 2505.18015
    "semsegbench": dict.fromkeys(SCORED, (3,)),
    # HGFormer, Ding et al. 2023, and others that report "Cityscapes-C level 5": `segformer` at severity 5 only
    "level5": dict.fromkeys(SEGFORMER, (5,)),
    "clean": {},
}


def conditions_of(protocol: str) -> dict[str, tuple[int, ...]]:
    """Look up a protocol. Raises UsageError that lists the known protocols."""
    if protocol not in PROTOCOLS:
        raise UsageError(f"unknown protocol {protocol!r}; known: {', '.join(PROTOCOLS)}")
    return PROTOCOLS[protocol]


def choose_conditions(
    protocol: str,
    defaults: Mapping[str, Sequence[int]],
    corruptions: Sequence[str] = (),
    severities: Sequence[str] = (),
) -> dict[str, tuple[int, ...]]:
    """Choose corruptions and severities in the place of a protocol's, as written after options.

    defaults: the conditions of that protocol; a corruption that is not among them has all five severities. Raises
    UsageError for an unknown name or severity, and where there is nothing to choose from.
    """
    for what, words, allowed in (
        ("corruptions", corruptions, CORRUPTIONS),
        ("severities", severities, [str(severity) for severity in SEVERITIES]),
    ):
        for word in words:
            if word not in allowed:
                raise UsageError(f"--{what}: {word!r} is none of {', '.join(allowed)}")
    if not (defaults or corruptions):
        raise UsageError(f"protocol {protocol} has no corruptions; name some with --corruptions")
    return {
        name: tuple(sorted(set(map(int, severities)) or defaults.get(name, SEVERITIES)))
        for name in corruptions or defaults
    }


def categories_of(corruptions: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Group corruptions into the categories of their paper, in the order of CATEGORIES.

    Brightness is digital in Kamann & Rother 2020, who chose the 16 corruptions of `segformer`, and weather in Hendrycks
    & Dietterich 2019. There are no categories if a corruption is not registered here, as for a store from another
    machine: a category could lack it.
    """
    names = list(corruptions)
    if not all(name in CORRUPTIONS for name in names):
        return {}
    category = {name: CORRUPTIONS[name].category for name in names}
    if set(names) == set(SEGFORMER):
        category["brightness"] = "digital"
    groups = dict.fromkeys([*CATEGORIES, *category.values()])  # a user's own corruption may have a new category
    members = {group: tuple(name for name in names if category[name] == group) for group in groups}
    return {group: some for group, some in members.items() if some}
