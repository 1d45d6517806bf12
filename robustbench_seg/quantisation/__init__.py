"""Write networks as ONNX graphs, in float32 or in int8 by onnxruntime's static quantisation. Needs the extra `onnx`.

    network ─▶ float graph ─▶ ranges of its activations on training images ─▶ int8 graph

A graph is the network alone: images are normalised, padded and resized outside of it, in the same way for both graphs
and for the network.
"""

from .calibration import Calibration
from .graph import float_graph
from .static import Scheme, quantise

__all__ = ["Calibration", "Scheme", "float_graph", "quantise"]
