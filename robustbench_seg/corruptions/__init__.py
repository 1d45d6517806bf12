"""The 19 common corruptions: 15 of the benchmark and 4 meant for validation.

    corrupt(image, "fog", severity=3, seed=0, image_id="frankfurt_000000_000294")
    corrupt(image, "fog", severity=3, rng=numpy.random.RandomState(7))

Both run the same code; only the source of the random draws differs. The first derives a generator from the
seed, the name, the severity and the image id, so neither order nor the number of processes changes a pixel. The
second draws from the given generator, in imagecorruptions' order: after the same seed, it returns
imagecorruptions' pixels.

Source: Hendrycks & Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations" (2019); Michaelis et al., "Benchmarking Robustness in Object Detection" (2019), whose
imagecorruptions 1.1.2 defines the numbers that are reproduced here. Its quirks are part of the published
benchmark, so they are reproduced too; a comment marks each one.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from ..family import Family
from ..store.cell import CLEAN
from .entry import SHIPPED, WITHOUT_DRAWS, Corruption, Kernel
from .pixels import Image

if TYPE_CHECKING:
    from .seeds import Draws

__all__ = [
    "CATEGORIES",
    "CORRUPTIONS",
    "ENGINE_VERSION",
    "LARGEST_SEED",
    "SEVERITIES",
    "SHIPPED",
    "Corruption",
    "corrupt",
    "corruption",
    "is_drawn",
    "sources_of",
]

# Raise it when a seeded pixel of a shipped corruption changes, so that results of two engines are never mixed.
ENGINE_VERSION = 2

MIN_SIDE_PX = 32
SEVERITIES = (1, 2, 3, 4, 5)
LARGEST_SEED = 2**63 - 1  # what a column of a store holds

CORRUPTIONS = Family(
    "corruption",
    Corruption,
    {
        name: Corruption(name=name, category=category, draws=name not in WITHOUT_DRAWS)
        for name, category in SHIPPED.items()
    },
)

# Categories of the shipped corruptions; a user's own corruption may have another category.
CATEGORIES: dict[str, tuple[str, ...]] = {
    category: tuple(name for name, other in SHIPPED.items() if other == category)
    for category in dict.fromkeys(SHIPPED.values())
}


def corruption(name: str, *, category: str, version: str = "", draws: bool = True) -> Callable[[Kernel], Kernel]:
    """Register the function below as a corruption of your own; see `Corruption` for the fields.

        @corruption("rain", category="weather", version="1")
        def rain(image, severity, draws):
            ...

    image: uint8 RGB (H, W, 3), read-only. severity: 1 (weakest) to 5. draws: `Draws` of seeds.py, the only source of
    randomness. Returns a new uint8 image of the same size. Raises UsageError for a name, a category or a function that
    is not allowed, and for a name that is taken.
    """

    def register(function: Kernel) -> Kernel:
        entry = Corruption(name=name, category=category, function=function, version=version, draws=draws)
        CORRUPTIONS.register(name, entry, function)
        return function

    return register


def is_drawn(name: str) -> bool:
    """Whether images depend on the seed: clean images never do, and a corruption does if its entry states draws.

    name: CLEAN or a corruption; one that is not registered here counts as drawn.
    """
    return name != CLEAN and (name not in CORRUPTIONS or CORRUPTIONS[name].draws)


def sources_of(names: Iterable[str], workers: int) -> dict[str, str]:
    """Return the source hash of each corruption; "" for a shipped one, because ENGINE_VERSION covers its pixels.

    Raises UsageError for a user's own corruption that was edited after its import, or that workers could not import.
    """
    entries = {name: CORRUPTIONS[name] for name in names}
    for entry in entries.values():
        entry.expect_unedited()
        if workers:
            entry.expect_importable()
    return {name: entry.source for name, entry in entries.items()}


def corrupt(
    image: Image,
    name: str | Corruption,
    severity: int,
    *,
    seed: int = 0,
    image_id: str = "",
    rng: np.random.RandomState | None = None,
) -> Image:
    """Corrupt one image.

    `image` is uint8 RGB (H, W, 3), both sides at least 32 px; it is not modified. Grayscale, (H, W) or
    (H, W, 1), is first repeated into three equal channels, as imagecorruptions does. `name` is a key of
    `CORRUPTIONS`, or an entry itself; `severity` is from 1 (weakest) to 5 (strongest).

    `seed` is the seed of the suite, from 0 to `LARGEST_SEED`, and `image_id` the name of the image in its data set.
    Together with `name` and `severity` they decide every random draw, so images with the same id get the same draws.
    With `rng` the draws come from that generator instead, in imagecorruptions' order; then `seed` and `image_id` must
    not be given.

    Returns a new uint8 array (H, W, 3), for grayscale too. Values are truncated to integers, not rounded, as
    imagecorruptions does.

    Raises ValueError, with the bad value and the allowed values, if the image's type, shape or size, the name,
    the severity, the seed or the source of the draws is not as above; MachineError for frost if its textures are
    missing; UsageError for a corruption of your own if its source was edited after its import, or if it draws although
    its entry denies that.

    Source: imagecorruptions 1.1.2; see this module's docstring.
    """
    pixels = _as_rgb(image)
    draws: Draws
    entry = name if isinstance(name, Corruption) else CORRUPTIONS.get(name) if isinstance(name, str) else None
    if entry is None:
        raise ValueError(f"unknown corruption {name!r}; known are {', '.join(CORRUPTIONS)}")
    if not _is_integer(severity) or severity not in SEVERITIES:
        raise ValueError(f"severity is {severity!r}; it must be an integer from 1 to 5")
    if rng is None:
        if not (_is_integer(seed) and 0 <= seed <= LARGEST_SEED):
            raise ValueError(f"seed is {seed!r}; it must be an integer from 0 to {LARGEST_SEED}")
        if not isinstance(image_id, str):
            raise ValueError(f"image_id is {image_id!r}; it must be a string")
        from .seeds import seeded

        draws = seeded(int(seed), entry.name, int(severity), image_id)
    elif not isinstance(rng, np.random.RandomState):
        raise ValueError(f"rng is {rng!r}; it must be a numpy.random.RandomState")
    elif image_id or seed != 0:
        raise ValueError(f"rng was given with seed {seed!r} and image_id {image_id!r}; give rng or those, not both")
    else:
        draws = rng
    if not (entry.draws or entry.shipped):
        from .seeds import NoDraws

        draws = NoDraws(entry.name)
    corrupted = entry.load()(pixels, int(severity), draws)
    return corrupted if entry.shipped else _copy_checked(corrupted, entry, pixels.shape)


def _as_rgb(image: Image) -> Image:
    """Return the image as contiguous (H, W, 3), read-only, or raise ValueError."""
    if not isinstance(image, np.ndarray):
        raise ValueError(f"image is {type(image).__name__}; it must be a numpy array")
    if image.dtype != np.uint8:
        raise ValueError(f"image has dtype {image.dtype}; it must be uint8")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3)):
        raise ValueError(f"image has shape {image.shape}; it must be (H, W, 3), (H, W, 1) or (H, W)")
    if min(image.shape[:2]) < MIN_SIDE_PX:
        raise ValueError(f"image is {image.shape[0]}x{image.shape[1]} px; both sides must be at least {MIN_SIDE_PX} px")
    if image.ndim == 2:
        image = image[..., np.newaxis]
    pixels = np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))
    pixels.setflags(write=False)  # a view or copy: Numba would compile each kernel for both kinds of array
    return pixels


def _copy_checked(result: object, entry: Corruption, shape: tuple[int, ...]) -> Image:
    """Copy the result of a user's own corruption. Raises ValueError if it is no image of that shape."""
    if not (isinstance(result, np.ndarray) and result.dtype == np.uint8 and result.shape == shape):
        kind = f"{result.dtype} {result.shape}" if isinstance(result, np.ndarray) else type(result).__name__
        raise ValueError(f"corruption {entry.name} returned {kind}; it must return uint8 {shape}")
    return np.array(result, order="C")


def _is_integer(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
