"""Arguments: what they may be, and how they are read."""

from __future__ import annotations

import os
from typing import Any, Tuple, Union

#: Whatever names a file.
Path = Union[str, "os.PathLike[str]"]


def expect(call: str, argument: str, value: Any, types: Any, wanted: str) -> None:
    """Raises a TypeError that names the argument unless it is of one of the types."""
    if isinstance(value, types) and not (isinstance(value, bool) and types in (int, (int, float))):
        return
    raise TypeError(f"{call}: argument '{argument}' must be {wanted}, not {type(value).__name__}")


def whole(call: str, argument: str, value: Any) -> int:
    """An int, or whatever stands for one (NumPy's)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if hasattr(value, "__index__") and not isinstance(value, bool):
        return int(value.__index__())
    raise TypeError(f"{call}: argument '{argument}' must be an int, not {type(value).__name__}")


def number(call: str, argument: str, value: Any) -> float:
    """A float, or whatever stands for one (NumPy's)."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if hasattr(value, "__float__") and not isinstance(value, (str, bytes, bool)):
        try:
            return float(value)
        except TypeError:
            pass
    raise TypeError(f"{call}: argument '{argument}' must be a number, not {type(value).__name__}")


def path(call: str, argument: str, value: Any) -> str:
    """A file's name."""
    expect(call, argument, value, (str, os.PathLike), "a path")
    return os.fspath(value)


def array(call: str, argument: str, value: Any, kinds: str = "fiu") -> Any:
    """A C-contiguous NumPy array of numbers; of PyTorch's tensors, what they hold."""
    import numpy

    if isinstance(value, (str, bytes)) or value is None:
        raise TypeError(
            f"{call}: argument '{argument}' must be an array of numbers, not {type(value).__name__}"
        )
    detach = getattr(value, "detach", None)
    if detach is not None:  # a tensor that gradients flow through
        value = detach().cpu()
    read = numpy.asarray(value)
    if read.dtype.kind not in kinds:
        raise TypeError(
            f"{call}: argument '{argument}' must be an array of numbers, not of {read.dtype}"
        )
    return numpy.ascontiguousarray(read.astype(read.dtype.newbyteorder("<"), copy=False))


def array_type(read: Any) -> str:
    """The element type as .npy files call it, "f4"."""
    return f"{read.dtype.kind}{read.dtype.itemsize}"


def float32_arrays(call: str, argument: str, values: Any) -> Tuple[Any, ...]:
    """Arrays as float32."""
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise TypeError(
            f"{call}: argument '{argument}' must be a sequence of arrays, "
            f"not {type(values).__name__}"
        )
    return tuple(
        array(call, f"{argument}[{i}]", x).astype("<f4", copy=False) for i, x in enumerate(values)
    )
