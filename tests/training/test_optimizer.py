import pytest
from tiny_recipe import make

from robustbench_seg.models import build_network
from robustbench_seg.training.optimizer import make_optimizer, rate_at


def test_the_learning_rate_warms_up_linearly_and_decays_by_its_power() -> None:
    recipe = make(iterations=100, warmup=10, power=1.0, learning_rate=1.0)
    rates = [rate_at(recipe, step) for step in range(100)]
    assert rates[:3] == pytest.approx([0.1, 0.2 * 0.99, 0.3 * 0.98])
    assert rates[10:] == pytest.approx([1 - step / 100 for step in range(10, 100)])
    squared = make(iterations=100, warmup=0, power=2.0, learning_rate=1.0)
    assert rate_at(squared, 50) == pytest.approx(0.25)


def test_norms_biases_and_encodings_have_no_weight_decay_and_the_decoder_a_higher_rate() -> None:
    options = {"ffn": "plain", "positional_encoding": "learned", "train_size": [64, 64]}
    network = build_network("segformer-b0", ("a", "b"), **options)
    optimizer = make_optimizer(network, make(decoder_rate_factor=10))
    place = {id(p): (g["weight_decay"], g["factor"]) for g in optimizer.param_groups for p in g["params"]}
    assert len(place) == len(list(network.parameters()))
    for name, parameter in network.named_parameters():
        decay, factor = place[id(parameter)]
        bare = name.endswith((".bias", "position.map")) or "norm" in name
        assert decay == (0 if bare else 0.01), name
        assert factor == (1 if name.startswith("encoder.") else 10), name
