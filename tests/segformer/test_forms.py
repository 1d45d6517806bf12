"""All ways to run the network give the same function: in stripes, compiled, in half precision, on a GPU."""

import shutil

import pytest
import torch
from torch import nn
from torch.nn import functional

from segformer import SegFormer, SegFormerConfig, encoder
from segformer.encoder import MixFFN, reduce_patches
from segformer.model import create

SMALL = SegFormerConfig(
    widths=(8, 16, 24, 32), depths=(1, 1, 1, 1), heads=(1, 2, 3, 4), decoder_width=16, num_classes=5, drop_path=0
)
# The same kernels as by default, in one file of C++: torch's header, which takes a second, is read once rather than for
# each kernel. It is not compiled ahead either, nor are programs that try which vectors the processor has.
ONE_FILE = {"cpp_wrapper": True, "cpp_cache_precompile_headers": False, "cpp.vec_isa_ok": True}
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def model_and_images() -> tuple[SegFormer, torch.Tensor]:
    """A network whose weights and statistics are away from their defaults, so that its logits spread; a batch."""
    generator = torch.Generator().manual_seed(0)
    model = create(SMALL, seed=0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
        model.decoder.norm.running_mean.normal_(generator=generator)
        model.decoder.norm.running_var.uniform_(0.5, 2, generator=generator)
    return model.eval(), torch.randn(2, 3, 97, 131, generator=generator)


def as_in_equation_3(ffn: MixFFN, x: torch.Tensor) -> torch.Tensor:
    """Linear, 3x3 depth-wise convolution, GELU, linear, on the whole map."""
    hidden = ffn.expand(x)
    if ffn.mix is not None:
        hidden = ffn.mix(hidden.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    return ffn.contract(functional.gelu(hidden))


@pytest.mark.parametrize("mix", [True, False])
@pytest.mark.parametrize("rows", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("height", [1, 2, 3, 8])
def test_stripes_of_the_ffn_are_equation_3_on_the_whole_map(
    height: int, rows: int, mix: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ffn = MixFFN(6, expansion=4, mix=mix).double()
    x = torch.randn(2, height, 5, 6, dtype=torch.double, generator=torch.Generator().manual_seed(height))
    monkeypatch.setattr(encoder, "STRIPE_VALUES", rows * 2 * 5 * 24)
    for training in (False, True):
        leaves = [x.clone().requires_grad_(), x.clone().requires_grad_()]
        got, expected = ffn.train(training)(leaves[0]), as_in_equation_3(ffn, leaves[1])
        torch.testing.assert_close(got, expected, atol=1e-12, rtol=0)
        for result in (got, expected):
            result.square().sum().backward()
        torch.testing.assert_close(leaves[0].grad, leaves[1].grad, atol=1e-11, rtol=0)


@pytest.mark.parametrize("threads", [1, 2])
def test_evaluation_equals_training_mode_where_nothing_is_random(threads: int) -> None:
    """Training mode takes whole maps and linear layers, evaluation stripes and convolutions."""
    model, images = model_and_images()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            got = model(images)
            expected = set_norms_only(model.train())(images)
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(got, expected, atol=2e-5, rtol=0)
    assert got.std() > 0.1


def set_norms_only(model: SegFormer) -> SegFormer:
    """Put BatchNorm and dropout, which differ in training, into evaluation."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.Dropout2d):
            module.eval()
    return model


def test_a_channels_last_image_gives_the_same_logits() -> None:
    model, images = model_and_images()
    with torch.inference_mode():
        torch.testing.assert_close(model(images.to(memory_format=torch.channels_last)), model(images), atol=0, rtol=0)


def test_bf16_autocast_differs_by_its_rounding_only() -> None:
    """8 bits of mantissa: a relative error of 2^-9 in each of some twenty layers."""
    model, images = model_and_images()
    with torch.inference_mode():
        expected = model(images)
        with torch.autocast("cpu", torch.bfloat16):
            got = model(images).float()
    difference = (got - expected).std() / expected.std()
    assert 0 < difference < 20 * 2**-9


@pytest.mark.parametrize("size", [(25, 33), (32, 40), (8, 9)])
def test_a_reduction_in_half_precision_is_the_convolution_of_patches(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    convolution, x = nn.Conv2d(16, 16, 8, stride=8), torch.randn(2, *size, 16, generator=generator)
    with torch.no_grad():
        expected = convolution(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        with torch.autocast("cpu", torch.bfloat16):
            got = reduce_patches(convolution, x)
        whole = reduce_patches(convolution.bfloat16(), x.bfloat16())
    assert got.dtype == whole.dtype == torch.bfloat16
    for each in (got, whole):
        torch.testing.assert_close(each.float(), expected, atol=0.03, rtol=0)
    assert expected.std() > 0.3


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs g++ on a CPU")
def test_compiled_by_inductor_it_gives_the_same_logits() -> None:
    model, images = model_and_images()
    with torch.inference_mode():
        expected = model(images)
        got = torch.compile(model, fullgraph=True, options=ONE_FILE)(images)
    torch.testing.assert_close(got, expected, atol=2e-5, rtol=0)


@needs_cuda
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch.compile imports what is deprecated
@pytest.mark.filterwarnings("ignore:TensorFloat32 tensor cores:UserWarning")  # and advises to round
@pytest.mark.parametrize("compiled", [False, True])
def test_on_a_gpu_it_gives_the_same_logits(compiled: bool) -> None:
    """Convolutions may not round to TF32 here."""
    model, images = model_and_images()
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        expected = model(images)
        model = model.cuda()
        got = (torch.compile(model) if compiled else model)(images.cuda()).cpu()
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=0)
