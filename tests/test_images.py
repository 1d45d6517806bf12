"""Image files against Pillow, and against samples that the tests pack by hand."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageCms
from pngs import CHANNELS, SIGNATURE, chunk, palette, raw_png

from robustbench_seg.images import decode_image, decode_indices, size_of

SMOOTH = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8), (0, 0), 2)
INDICES = np.random.default_rng(1).integers(0, 256, (13, 19))
PROFILE = zlib.compress(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
# Chunks that affect how a viewer shows the samples. None of them changes an index.
CHUNKS = {
    "nothing": lambda colour, bits: (b"", b""),
    "gamma": lambda colour, bits: (chunk(b"gAMA", struct.pack(">I", 22_000)), b""),
    "a profile": lambda colour, bits: (chunk(b"iCCP", b"sRGB\0\0" + PROFILE) if colour else b"", b""),
    "significant bits": lambda colour, bits: (chunk(b"sBIT", b"\1\1\1" if colour else b"\1"), b""),
    "transparency": lambda colour, bits: (b"", chunk(b"tRNS", bytes([0, 128]) if colour else struct.pack(">H", 1))),
    "a background": lambda colour, bits: (b"", chunk(b"bKGD", b"\0" if colour else b"\0\0")),
}


def encoded(form: str, pixels: np.ndarray = SMOOTH, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(pixels).convert(mode).save(file, form, **options)
    return file.getvalue()


@pytest.mark.parametrize("extra", CHUNKS)
@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("colour", [0, 3])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_indices_are_the_samples_as_they_were_packed(bits: int, colour: int, interlaced: bool, extra: str) -> None:
    samples = INDICES % 2**bits
    before, after = CHUNKS[extra](colour, bits)
    chunks = before + (palette(2**bits) if colour else b"") + after
    result = decode_indices(raw_png(samples, bits, colour, before=chunks, interlaced=interlaced))
    assert result.dtype == np.uint8
    assert np.array_equal(result, samples)


@pytest.mark.parametrize("colours", [2, 3, 16, 200])
def test_a_palette_file_of_pillow_gives_its_indices_whatever_their_number_of_bits(colours: int) -> None:
    image = Pillow.fromarray((INDICES % colours).astype(np.uint8), "L")
    image.putpalette(np.random.default_rng(2).integers(0, 256, 3 * colours, np.uint8).tobytes())
    file = io.BytesIO()
    image.save(file, "PNG", bits=max(1, (colours - 1).bit_length()))
    assert np.array_equal(decode_indices(file.getvalue()), INDICES % colours)


@pytest.mark.parametrize(
    ("colour", "bits", "message"),
    [
        (0, 16, "grey, 16 bit; expected class indices of 8 bits at most; convert it to 8-bit grey"),
        (2, 8, "RGB, 8 bit; expected one channel of class indices, grey or palette; write the index of each colour"),
        (2, 16, "RGB, 16 bit; expected one channel"),
        (4, 8, "grey with alpha, 8 bit; expected one channel of class indices, .*; keep its first channel alone"),
        (6, 8, "RGBA, 8 bit; expected one channel"),
        (5, 8, "colour type 5, 8 bit; expected one channel"),
    ],
)
def test_a_label_that_is_not_one_channel_of_indices_is_refused_with_its_mode_and_the_cure(
    colour: int, bits: int, message: str
) -> None:
    samples = np.zeros((5, 4, CHANNELS.get(colour, 1)), int)
    with pytest.raises(ValueError, match=message):
        decode_indices(raw_png(samples, bits, colour))


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "GIF"])
def test_a_label_is_png_whatever_its_suffix(form: str) -> None:
    with pytest.raises(ValueError, match=r"begins with b'.*'; a label must be a PNG file"):
        decode_indices(encoded(form, mode="L"))


FORMS = {
    "png": encoded("PNG"),
    "png, interlaced": raw_png(SMOOTH, 8, 2, interlaced=True),
    "png, grey": encoded("PNG", mode="L"),
    "png, palette": encoded("PNG", mode="P"),
    "jpeg": encoded("JPEG"),
    "jpeg, progressive": encoded("JPEG", progressive=True),
    "jpeg, grey": encoded("JPEG", mode="L"),
    "jpeg, restarts and a comment": encoded("JPEG", restart_marker_blocks=1, comment=encoded("JPEG", SMOOTH[:9, :9])),
    "webp": encoded("WEBP", lossless=True),
    "webp, lossy": encoded("WEBP"),
    "webp, alpha": encoded("WEBP", mode="RGBA", lossless=True, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"),
}


@pytest.mark.parametrize("tail", [b"", b"\0", b"made by a camera", encoded("JPEG", SMOOTH[:9, :9]), SIGNATURE])
@pytest.mark.parametrize("form", FORMS)
def test_pixels_and_size_equal_pillows_whatever_follows_the_end(form: str, tail: bytes) -> None:
    content = FORMS[form] + tail
    with Pillow.open(io.BytesIO(FORMS[form])) as opened:
        expected = np.asarray(opened.convert("RGB")).astype(int)
    result = decode_image(content)
    assert (result.dtype, result.shape) == (np.uint8, expected.shape)
    assert np.abs(result - expected).max() <= (1 if form == "webp, lossy" else 0)
    assert size_of(content) == expected.shape[:2]


@pytest.mark.parametrize("most", [1, 255, 1023, 4095])
@pytest.mark.parametrize("colour", [0, 2, 4, 6])
def test_an_image_of_16_bits_with_small_values_is_refused_before_it_becomes_black(colour: int, most: int) -> None:
    samples = np.full((5, 4, CHANNELS[colour]), 65535)  # alpha
    samples[..., : 3 if colour in (2, 6) else 1] = most
    content = raw_png(samples, 16, colour)
    message = rf"^16 bit, but its largest value is {most}; .* at least 4096 is expected"
    for read in (decode_image, size_of):
        with pytest.raises(ValueError, match=message):
            read(content)


@pytest.mark.parametrize("most", [0, 4096, 65535])
def test_an_image_of_16_bits_gives_its_upper_8(most: int) -> None:
    samples = np.linspace(0, most, 60).astype(int).reshape(5, 4, 3)
    content = raw_png(samples, 16, 2)
    assert np.array_equal(decode_image(content), samples >> 8)
    assert size_of(content) == (5, 4)


SAMPLE_CHUNKS = {  # chunks that other decoders apply to 16-bit samples
    "nothing": b"",
    "gamma": chunk(b"gAMA", struct.pack(">I", 22_000)),
    "a turn": chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"),
}


@pytest.mark.parametrize("extra", SAMPLE_CHUNKS)
@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("colour", [0, 2, 4, 6])
def test_an_image_of_16_bits_is_decoded_once(
    colour: int, interlaced: bool, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = np.random.default_rng(3).integers(0, 65536, (9, 7, CHANNELS[colour]))
    content = raw_png(samples, 16, colour, before=SAMPLE_CHUNKS[extra], interlaced=interlaced)
    calls, imdecode = [], cv2.imdecode
    monkeypatch.setattr(cv2, "imdecode", lambda *args: (calls.append(args), imdecode(*args))[1])
    pixels = decode_image(content)
    assert len(calls) == 1
    expected = np.broadcast_to(samples[..., : 3 if colour in (2, 6) else 1] >> 8, (9, 7, 3))
    assert (pixels.dtype, pixels.flags.c_contiguous) == (np.uint8, True)
    assert np.array_equal(pixels, expected)


def test_a_label_with_something_after_its_end_is_read() -> None:
    assert np.array_equal(decode_indices(raw_png(INDICES, 8, end=b"something")), INDICES)


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_was_cut_off_anywhere_is_refused(form: str) -> None:
    content = FORMS[form]
    for length in range(len(content)):
        with pytest.raises((EOFError, ValueError)) as caught:
            decode_image(content[:length])
        with pytest.raises(caught.type):
            size_of(content[:length])


def test_a_jpeg_file_without_its_end_marker_is_not_called_incomplete() -> None:
    expected = (
        "lacks the end marker of a JPEG file: it was cut off or never finished; get the file again, or save it again"
    )
    for form in ("jpeg", "jpeg, progressive", "jpeg, restarts and a comment"):
        for cut in (2, 1):
            with pytest.raises(ValueError, match=f"^{expected}$"):
                size_of(FORMS[form][:-cut])
    with pytest.raises(ValueError, match="damaged: it ends before its first pixel"):
        size_of(b"\xff\xd8\xff\xfe\0\x0cno picture\xff\xd9")


@pytest.mark.parametrize("label", [False, True])
def test_every_flipped_bit_of_a_png_file_is_found(label: bool) -> None:
    content = raw_png(INDICES, 8) if label else raw_png(SMOOTH[:4, :5], 8, 2)
    for bit in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises((EOFError, ValueError)):
            (decode_indices if label else size_of)(bytes(damaged))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (raw_png(INDICES, 8).replace(b"IDAT", b"IDAT\1", 1), "damaged: the checksum of its chunk 'IDAT' is wrong"),
        (
            SIGNATURE + chunk(b"IDAT", b"") + chunk(b"IEND", b""),
            "the chunk 'IDAT' where a PNG file has its head",
        ),
        (b"version https://git-lfs.github.com/spec/v1", "begins with b'version http', as neither PNG nor JPEG nor Web"),
        (raw_png(np.zeros((0, 0)), 8), "its pixels can't be decoded"),
    ],
)
def test_the_fault_of_a_file_is_named(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode_image(content)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("colour", [0, 3])
def test_pixels_that_are_missing_from_a_whole_file_are_missed(colour: int, interlaced: bool) -> None:
    short = raw_png(INDICES, 8, colour, before=palette(256), interlaced=interlaced, missing=1)
    for decode in (decode_image, decode_indices):
        with pytest.raises(ValueError, match=r"damaged, .*: its pixels can't be decoded"):
            decode(short)


@pytest.mark.parametrize("place", [30, 60])
def test_a_damaged_webp_file_is_found_though_it_is_of_its_length(place: int) -> None:
    damaged = bytearray(FORMS["webp"])
    damaged[place] ^= 4
    with pytest.raises(ValueError, match="its pixels can't be decoded"):
        size_of(bytes(damaged))
