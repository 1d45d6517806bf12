"""The generator behind a seeded corruption, keyed by what names the cell.

A key, unlike a running stream, doesn't care how many draws came before it: that is what makes order, process,
workers, resume and sharding irrelevant to the pixels.
"""

import hashlib
import json

import numpy as np

__all__ = ["seeded"]


def seeded(seed: int, corruption: str, severity: int, image_id: str) -> np.random.RandomState:
    """Make a generator that depends on these four values alone.

    The key is 128 bits of blake2b of the four as a JSON list, in which no two different lists read the same.
    Philox takes any 128 bits as its key. RandomState, the legacy interface, is what the corruptions draw
    through; NumPy has frozen its streams, so no release of it changes the pixels.
    """
    name = json.dumps([seed, corruption, severity, image_id]).encode()
    key = int.from_bytes(hashlib.blake2b(name, digest_size=16).digest(), "little")
    return np.random.RandomState(np.random.Philox(key=key))
