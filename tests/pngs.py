"""PNG files made by hand, sample by sample, as no library writes them."""

import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of each colour type: grey, RGB, palette, grey with alpha, RGBA
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def raw_png(
    samples: np.ndarray,
    bits: int,
    colour: int = 0,
    *,
    before: bytes = b"",
    interlaced: bool = False,
    missing: int = 0,
    end: bytes = b"",
) -> bytes:
    """Encode samples (H, W) or (H, W, channels) of so many bits.

    before: chunks before the pixels. missing: bytes at the end of these, though chunks are whole. end: after all.
    """
    height, width = samples.shape[:2]
    passes = [samples[y::dy, x::dx] for x, y, dx, dy in ADAM7] if interlaced else [samples]
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced))
    pixels = b"".join(b"\0" + packed(row, bits) for part in passes if part.size for row in part)
    pixels = pixels[: len(pixels) - missing]
    return b"".join(
        [SIGNATURE, chunk(b"IHDR", header), before, chunk(b"IDAT", zlib.compress(pixels)), chunk(b"IEND", b""), end]
    )


def packed(row: np.ndarray, bits: int) -> bytes:
    digits = "".join(f"{int(sample):0{bits}b}" for sample in row.ravel())
    digits += "0" * (-len(digits) % 8)
    return bytes(int(digits[k : k + 8], 2) for k in range(0, len(digits), 8))


def palette(colours: int) -> bytes:
    return chunk(b"PLTE", np.random.default_rng(0).integers(0, 256, 3 * colours, np.uint8).tobytes())
