"""Image files: check that they are complete, read their size, decode them, and encode those that this program writes.

Errors do not name the file, because the caller does: EOFError if a file ends too early, else ValueError.
"""

import io
import re
import struct
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "HEADER",
    "decode_colours",
    "decode_image",
    "decode_indices",
    "has_16_bits",
    "is_turned",
    "png",
    "size_of",
    "webp",
]

Pixels = NDArray[np.uint8]
PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
SHORTEST = 12  # bytes that identify a format
HEADER = 33  # bytes of a PNG up to the end of its header
MAX_WEBP_SIDE_PX = 16383
LEAST_OF_16_BITS = 4096  # an image below it has samples of 12 bits or fewer, and the upper byte would be nearly black
# Labels are drawn on the pixels as stored, so the EXIF orientation is ignored.
RGB = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION

# PNG's colour types. Only the first two have one number per pixel.
COLOURS = {0: "grey", 3: "palette", 2: "RGB", 4: "grey with alpha", 6: "RGBA"}
GREY, RGB_TYPE, PALETTE, GREY_ALPHA, RGBA_TYPE = 0, 2, 3, 4, 6
CHANNELS = np.array([65536, 256, 1], np.int32)  # of red, green and blue in one number

# JPEG: a marker is 0xff and a byte. Within a scan, 0xff is followed by 0 or by a marker without a segment.
MARKER = re.compile(rb"\xff([^\x00\xff])")
END, SCAN = 0xD9, 0xDA
ALONE = {0x01, *range(0xD0, 0xD9)}
EXIF, LONGEST_SEGMENT = b"Exif\0\0", 1 << 16
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def size_of(content: bytes) -> tuple[int, int]:
    """Return height and width of a PNG, JPEG or WebP file in pixels, after a check that the file is complete.

    The check reads the checksum of each chunk of a PNG and the markers of a JPEG up to the last. WebP has neither, so
    it is decoded, and so is a PNG of 16 bits, which may be refused. Bytes after the end, which some cameras
    append, are ignored.
    """
    size = checked(content)
    return decode_image(content).shape[:2] if size is None or has_16_bits(content) else size


def decode_image(content: bytes) -> Pixels:
    """Decode a complete PNG, JPEG or WebP file to uint8 RGB (H, W, 3), without the EXIF rotation.

    Of 16 bits the upper 8 count. Raises ValueError where that would lose nearly all, as of samples of 12 bits.
    """
    checked(content)  # some decoders invent the missing part of a truncated file
    if not has_16_bits(content):
        return decoded(content, RGB)
    stored = decoded(content, RGB | cv2.IMREAD_ANYDEPTH)
    most = int(stored.max(initial=0))
    if 0 < most < LEAST_OF_16_BITS:
        raise ValueError(
            f"16 bit, but its largest value is {most}; of 16 bits the upper 8 are read, so at least "
            f"{LEAST_OF_16_BITS} is expected; scale its values to 0 .. 65535, or save it with 8 bits"
        )
    return (stored >> 8).astype(np.uint8)


def has_16_bits(content: bytes) -> bool:
    """Whether a file is a PNG with samples of 16 bits. content: the file, or its first HEADER bytes."""
    return content.startswith(PNG) and content[24:25] == b"\x10"


def decode_indices(content: bytes, most_bits: int = 8) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Decode a PNG file of one channel, grey or palette, to its samples as they are stored: (H, W), 0 .. 2^bits - 1.

    most_bits: 8, or 16, which makes uint16 of a file of 16 bits. Neither a palette's colours, nor transparency, gamma
    or profiles change a value, nor does scaling to 8 bits.
    """
    bits, colour = samples_of(content)
    mode = f"{COLOURS.get(colour, f'colour type {colour}')}, {bits} bit"
    if colour not in (GREY, PALETTE):
        cure = "keep its first channel alone" if colour == GREY_ALPHA else "write the index of each colour instead"
        raise ValueError(f"{mode}; expected one channel of class indices, grey or palette; {cure}")
    if bits > most_bits:
        raise ValueError(f"{mode}; expected class indices of 8 bits at most; convert it to 8-bit grey")
    stored = decoded(plain_png(content, GREY), cv2.IMREAD_UNCHANGED)
    return stored // np.uint8(255 // (2**bits - 1)) if bits < 8 else stored  # samples of fewer bits come scaled to 255


def decode_colours(content: bytes) -> NDArray[np.int32]:
    """Decode a PNG file of colours, RGB, RGBA (whose alpha is dropped) or palette, to 65536 R + 256 G + B: (H, W).

    Samples are those that are stored: gamma and profiles change no value.
    """
    bits, colour = samples_of(content)
    if colour == PALETTE:
        chunks = (chunk[8:-4] for kind, chunk in png_chunks(content) if kind == "PLTE")
        table = np.frombuffer(next(chunks, b""), np.uint8).reshape(-1, 3).astype(np.int32) @ CHANNELS
        indices = decode_indices(content)
        if indices.size and int(indices.max()) >= len(table):
            raise ValueError(f"damaged: index {indices.max()} in a palette of {len(table)} colours")
        return np.asarray(table[indices])
    if colour not in (RGB_TYPE, RGBA_TYPE) or bits != 8:
        mode = f"{COLOURS.get(colour, f'colour type {colour}')}, {bits} bit"
        raise ValueError(f"{mode}; expected classes by their colours, RGB of 8 bits or palette")
    blue_first = decoded(plain_png(content, colour), cv2.IMREAD_UNCHANGED)
    return np.asarray(blue_first[:, :, 2::-1].astype(np.int32) @ CHANNELS)


def samples_of(content: bytes) -> tuple[int, int]:
    """Bits of a sample and colour type of a PNG file that is whole; a label must be one."""
    if not content.startswith(PNG[: len(content)]):
        raise ValueError(f"begins with {content[:SHORTEST]!r}; a label must be a PNG file")
    checked(content)
    return content[24], content[25]


def plain_png(content: bytes, colour: int) -> bytes:
    """Keep a PNG file's samples alone, of a colour type: nothing is left in it that could change them."""
    header = b"IHDR" + content[16:25] + bytes([colour]) + content[26:29]
    pixels = [chunk for kind, chunk in png_chunks(content) if kind in ("IDAT", "IEND")]
    return b"".join([PNG, struct.pack(">I", 13), header, struct.pack(">I", zlib.crc32(header)), *pixels])


def decoded(content: bytes, flags: int) -> Pixels:
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:  # more pixels than OpenCV accepts
        pixels = None
    if pixels is None:
        raise ValueError("damaged, or of a kind that OpenCV does not read: its pixels can't be decoded")
    return np.asarray(pixels)


def checked(content: bytes) -> tuple[int, int] | None:
    """Check that a file is complete. Returns the height and width in its header, None for WebP."""
    if len(content) < SHORTEST:
        raise EOFError
    if content.startswith(PNG):
        return png_size(content)
    if content.startswith(JPEG):
        return jpeg_size(content)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        if len(content) < 8 + int.from_bytes(content[4:8], "little"):
            raise EOFError
        return None
    raise ValueError(f"begins with {content[:SHORTEST]!r}, as neither PNG nor JPEG nor WebP does")


def png_size(content: bytes) -> tuple[int, int]:
    for number, (kind, chunk) in enumerate(png_chunks(content)):
        if not number and (kind, len(chunk)) != ("IHDR", 25):
            raise ValueError(f"damaged: it has the chunk {kind!r} where a PNG file has its header")
    width, height = struct.unpack_from(">II", content, 16)
    return height, width


def png_chunks(content: bytes) -> Iterator[tuple[str, memoryview]]:
    """Yield the kind and the bytes of each complete chunk of a PNG file, up to the last."""
    view, begin, kind = memoryview(content), len(PNG), ""
    while kind != "IEND":
        chunk = view[begin : begin + 12 + int.from_bytes(view[begin : begin + 4])]
        if begin + 12 > len(content) or len(chunk) < 12 + int.from_bytes(chunk[:4]):
            raise EOFError
        kind = bytes(chunk[4:8]).decode("latin-1")
        if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:]):
            raise ValueError(f"damaged: the checksum of its chunk {kind!r} is wrong")
        yield kind, chunk
        begin += len(chunk)


def jpeg_size(content: bytes) -> tuple[int, int]:
    size, has_scan, position = (0, 0), False, len(JPEG)
    while match := MARKER.search(content, position):
        (marker,), position = match[1], match.end()
        if marker == END and has_scan:
            return size
        if marker == END:
            raise ValueError("damaged: it ends before its first pixel")
        if marker in ALONE:
            continue
        part = content[position : position + int.from_bytes(content[position : position + 2])]
        if position + len(part) == len(content):
            raise EOFError
        if marker in FRAMES:
            size = int.from_bytes(part[3:5]), int.from_bytes(part[5:7])
        has_scan |= marker == SCAN
        position += len(part)
    if not has_scan:
        raise EOFError
    raise ValueError(
        "lacks the end marker of a JPEG file: it was cut off or never finished; get the file again, or save it again"
    )


def is_turned(content: bytes) -> bool:
    """Whether a complete file has an EXIF note that asks viewers to turn or mirror it."""
    if content.startswith(JPEG):
        may_be = EXIF in content[:LONGEST_SEGMENT]
    else:
        may_be = (b"eXIf" if content.startswith(PNG) else b"EXIF") in content  # a chunk of PNG, of WebP
    if not may_be:
        return False
    import PIL.Image

    try:
        with PIL.Image.open(io.BytesIO(content)) as image:
            return image.getexif().get(PIL.ExifTags.Base.Orientation, 1) in range(2, 9)
    except Exception:  # of a damaged note, whatever Pillow raises
        return False


def png(pixels: Pixels) -> bytes:
    """Encode RGB (H, W, 3) or one channel (H, W) as PNG. Raises ValueError if OpenCV fails."""
    success, encoded = cv2.imencode(".png", pixels[:, :, ::-1] if pixels.ndim == 3 else pixels)
    if not success:
        raise ValueError(f"OpenCV can't encode an image of {pixels.shape[0]}x{pixels.shape[1]} px as PNG")
    return encoded.tobytes()


def webp(pixels: Pixels) -> bytes:
    """Encode RGB (H, W, 3) as lossless WebP, with little effort. Raises ValueError for a side beyond 16383 px."""
    from PIL import Image

    if max(pixels.shape) > MAX_WEBP_SIDE_PX:
        raise ValueError(f"an image of {pixels.shape[0]}x{pixels.shape[1]} px; WebP ends at {MAX_WEBP_SIDE_PX}")
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "WEBP", lossless=True, quality=0, method=1)
    return encoded.getvalue()
