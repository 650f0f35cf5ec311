"""HASS: what sparse, layer-pipelined ("dataflow") FPGA accelerators cost, and the best one for a board.

    import hass
    net = hass.load_onnx("net.onnx")
    images = hass.Emulator(net, "images.npy", "labels.npy")
    found = hass.allocate(net, images.measure().statistics, "mixed", "zcu104")
    print(found.images_per_second, found.certificate.reason)

Numbers are those of the C++ library, bit for bit. Bad input raises `hass.Error` (a ValueError) that
names file and field, or the argument; an argument of a wrong type raises a TypeError that names it.
"""

from ._native import Error, __version__
from .emulator import Emulator
from .foldings import Folding, fold_finn, fold_hls4ml
from .hardware import (
    Allocation,
    Allocator,
    Certificate,
    Device,
    Engine,
    Estimate,
    RowOption,
    Stage,
    Usage,
    allocate,
    device,
    devices,
    engines,
    evaluate,
)
from .network import Network, Row, load_onnx, networks, zoo
from .search import JudgedTrial, ThresholdAxes, ThresholdSearch
from .statistics import (
    LayerStatistics,
    Magnitudes,
    Measurement,
    RecordedNetwork,
    Statistics,
    TensorStatistics,
    Thresholds,
    load_statistics,
    measure_tensors,
    uniform_thresholds,
)
from .study import (
    Axis,
    JournalStudy,
    Study,
    Trial,
    TrialRecord,
    hypervolume,
    non_dominated,
    optimizers,
    read_journal,
)

Error.__module__ = __name__
Error.__doc__ = "Bad input: names the file or object, the field, and the nearest valid name."

__all__ = [
    "Allocation",
    "Allocator",
    "Axis",
    "Certificate",
    "Device",
    "Emulator",
    "Engine",
    "Error",
    "Estimate",
    "Folding",
    "JournalStudy",
    "JudgedTrial",
    "LayerStatistics",
    "Magnitudes",
    "Measurement",
    "Network",
    "RecordedNetwork",
    "Row",
    "RowOption",
    "Stage",
    "Statistics",
    "Study",
    "TensorStatistics",
    "ThresholdAxes",
    "ThresholdSearch",
    "Thresholds",
    "Trial",
    "TrialRecord",
    "Usage",
    "__version__",
    "allocate",
    "device",
    "devices",
    "engines",
    "evaluate",
    "fold_finn",
    "fold_hls4ml",
    "hypervolume",
    "load_onnx",
    "load_statistics",
    "measure_tensors",
    "networks",
    "non_dominated",
    "optimizers",
    "read_journal",
    "uniform_thresholds",
    "zoo",
]
