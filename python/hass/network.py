"""What is computed: rows and the edges between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, List, Optional, Sequence, Tuple

from . import _native
from ._check import Path, expect, path


@dataclass(frozen=True)
class Row:
    """One layer, fully resolved. Shapes are (channels, height, width) of one image.

    `kind` is "convolution", "linear", "max_pool", "add", "relu", ... (`layer.hpp` has all); a linear
    row takes (features, 1, 1). `pad` is (top, left, bottom, right). `weight_bits` and `data_bits` are
    those of a quantised network, 0: as the engine has it; `widens`: what leaves is as wide as that. `form`
    is what builds a function: "table", "rescale", "fused" or "wire". An empty name becomes "<kind> <index>".
    """

    kind: str
    input: Tuple[int, int, int]
    output: Tuple[int, int, int]
    kernel: Tuple[int, int] = (1, 1)
    stride: Tuple[int, int] = (1, 1)
    pad: Tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: Tuple[int, int] = (1, 1)
    groups: int = 1
    bias: bool = False
    ceil_mode: bool = False
    transposed: bool = False
    weight_bits: int = 0
    data_bits: int = 0
    widens: bool = False
    form: str = "table"
    name: str = ""

    @property
    def is_compute(self) -> bool:
        """Whether an engine runs it: convolutions, linear rows, products of two activations."""
        return self.kind in ("convolution", "linear", "matmul")


class Network:
    """Rows in topological order and the edges between them; of an ONNX file, weights too.

    :param rows: of `Row`
    :param edges: (from, to) pairs in the order of the rows that they lead to, -1 is the image; None:
        each row is fed by the one before it
    :param name: for messages
    :raises hass.Error: naming the row and the field, where shapes do not follow from one another
    """

    _native: _native.Network

    def __init__(
        self,
        rows: Sequence[Row],
        edges: Optional[Sequence[Tuple[int, int]]] = None,
        name: str = "rows",
    ) -> None:
        expect("Network", "rows", rows, (list, tuple), "a list of hass.Row")
        for i, row in enumerate(rows):
            expect("Network", f"rows[{i}]", row, Row, "a hass.Row")
        if edges is not None:
            expect("Network", "edges", edges, (list, tuple), "a list of pairs (from, to)")
        expect("Network", "name", name, str, "a str")
        self._native = _native.of_rows(rows, edges, name)

    @classmethod
    def _of(cls, native: _native.Network) -> "Network":
        made = cls.__new__(cls)
        made._native = native
        return made

    @cached_property
    def rows(self) -> List[Row]:
        """The rows, in topological order."""
        return [Row(**row) for row in self._native.rows()]

    @cached_property
    def edges(self) -> List[Tuple[int, int]]:
        """(from, to) pairs; -1 is the image."""
        return self._native.edges()

    @cached_property
    def names(self) -> List[str]:
        """Names of the rows."""
        return self._native.names

    @property
    def source(self) -> str:
        """The file, or the name, it came from."""
        return self._native.source

    @property
    def trained(self) -> bool:
        """Whether there are weights: a `hass.Emulator` can run it."""
        return self._native.trained

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image, padding included."""
        return self._native.macs

    @property
    def weights(self) -> int:
        """Number of weights, without biases."""
        return self._native.weights

    @property
    def image_shape(self) -> Tuple[int, int, int]:
        """One image as it is given."""
        return self._native.image_shape

    @property
    def inputs(self) -> List[Tuple[str, Tuple[int, int, int]]]:
        """Names and shapes of several inputs; empty for a single one."""
        return self._native.inputs

    @property
    def preprocessing(self) -> Optional[Tuple[float, List[float], List[float]]]:
        """(scale, mean, std) of x = (pixel * scale - mean) / std, where the file states it."""
        return self._native.preprocessing

    def row_weights(self, row: int) -> Any:
        """Weights of a row as a flat float32 array: out x in/groups x kernel_h x kernel_w."""
        import numpy

        return numpy.frombuffer(self._native.parameters(row, False), dtype="<f4")

    def __len__(self) -> int:
        return len(self._native)

    def __repr__(self) -> str:
        return f"<hass.Network '{self.source}': {len(self)} rows, {self.macs:,} MACs>"

    def __getstate__(self) -> Any:
        if self.trained:
            raise TypeError(f"{self.source}: networks with weights are not pickled; load the file")
        return (self.rows, self.edges, self.source)

    def __setstate__(self, state: Any) -> None:
        self.__init__(*state)  # type: ignore[misc]


def load_onnx(file: Path, output: str = "", input_shape: Sequence[int] = ()) -> Network:
    """Reads a network and its weights from an ONNX file (opset 7 to 23).

    :param output: the tensor that is the answer, where there are several; the network ends there
    :param input_shape: of one image, without the batch, where the file leaves extents open
    :raises hass.Error: naming the file, the operator and the node
    """
    name = path("load_onnx", "file", file)
    expect("load_onnx", "output", output, str, "a str")
    expect("load_onnx", "input_shape", input_shape, (list, tuple), "a list of int")
    for i, extent in enumerate(input_shape):
        expect("load_onnx", f"input_shape[{i}]", extent, int, "an int")
    return Network._of(_native.load_onnx(name, output, list(input_shape)))


def networks() -> List[str]:
    """Names that `zoo` knows."""
    return _native.zoo_names()


def zoo(name: str) -> Network:
    """The rows of a well-known network, without weights: "resnet18", "mobilenet_v2", "cnv", ...

    :raises hass.Error: with the nearest name
    """
    expect("zoo", "name", name, str, "a str")
    return Network._of(_native.of_zoo(name))
