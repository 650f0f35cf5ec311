"""What FINN and hls4ml are told to build."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Dict, Optional, Union

from . import _native
from ._check import expect, number, whole
from .hardware import Device, device_of
from .network import Network


@dataclass(frozen=True)
class Folding:
    """Foldings as the toolchain reads them, and what they come to."""

    fits: bool
    reason: str  #: what stops it from being faster, or why nothing fits
    configuration: str  #: text of FINN's folding_config.json, or of hls4ml's YAML; "" if nothing fits
    report: Dict[str, Any]  #: as in foldings.json: interval, resources (None: no model), gap, nodes


def _of(call: str, device: Union[str, Device], mhz: Optional[float]) -> str:
    board = device_of(call, device)
    if mhz is not None:
        board = replace(board, mhz=number(call, "mhz", mhz))
    fields = asdict(board)
    fields["bandwidth_gbps"] = fields.pop("bandwidth")
    return json.dumps(fields)


def _folding(answer: Any) -> Folding:
    fits, reason, configuration, report = answer
    return Folding(fits, reason, configuration, json.loads(report) if report else {})


def _pace(call: str, target_fps: Optional[float]) -> float:
    if target_fps is None:
        return 0.0
    wanted = number(call, "target_fps", target_fps)
    if not wanted > 0.0:
        raise _native.Error(f"{call}: argument 'target_fps' is {wanted}, must be above 0")
    return wanted


def _one_of(call: str, argument: str, value: str, known: Any) -> str:
    expect(call, argument, value, str, "a str")
    if value not in known:
        raise _native.Error(f"{call}: argument '{argument}' is '{value}', not {' or '.join(known)}")
    return value


def fold_finn(
    network: Network,
    device: Union[str, Device],
    target_fps: Optional[float] = None,
    least: str = "lut",
    *,
    weight_bits: int = 4,
    activation_bits: int = 4,
    first_weight_bits: int = 0,
    thresholds: str = "auto",
    figures: str = "repaired",
    mhz: Optional[float] = None,
) -> Folding:
    """Optimal foldings of a network that FINN builds, converters and FIFOs within the budget.

    :param target_fps: images/s to reach with `least` of a resource; None: as fast as it goes
    :param first_weight_bits: 0: as the others
    :param thresholds: "standalone", "embedded" in the MVAUs, or "auto": standalone from 4 bits on
    :param figures: "repaired", or FINN's own ("published")
    :param mhz: clock; None: the board's
    :raises hass.Error: for networks that FINN has no nodes for
    """
    expect("fold_finn", "network", network, Network, "a hass.Network")
    expect("fold_finn", "least", least, str, "a str")
    where = _one_of("fold_finn", "thresholds", thresholds, ("auto", "standalone", "embedded"))
    whose = _one_of("fold_finn", "figures", figures, ("repaired", "published"))
    data = whole("fold_finn", "activation_bits", activation_bits)
    return _folding(
        _native.fold_finn(
            network._native,
            _of("fold_finn", device, mhz),
            least,
            _pace("fold_finn", target_fps),
            whole("fold_finn", "weight_bits", weight_bits),
            data,
            whole("fold_finn", "first_weight_bits", first_weight_bits),
            where == "standalone" or (where == "auto" and data >= 4),
            whose == "published",
        )
    )


def fold_hls4ml(
    network: Network,
    device: Union[str, Device],
    target_fps: Optional[float] = None,
    least: str = "dsp",
    *,
    bits: int = 16,
    io_type: str = "io_stream",
    strategy: str = "Resource",
    mhz: Optional[float] = None,
) -> Folding:
    """Optimal reuse factors of a network that hls4ml builds; of LUT, FF and BRAM it has no model.

    :param target_fps: images/s to reach with `least` of a resource; None: as fast as it goes
    :param io_type: "io_stream" or "io_parallel"
    :param strategy: "Resource" or "Latency"
    :raises hass.Error: for rows that hls4ml has no layers for
    """
    expect("fold_hls4ml", "network", network, Network, "a hass.Network")
    expect("fold_hls4ml", "least", least, str, "a str")
    io = _one_of("fold_hls4ml", "io_type", io_type, ("io_stream", "io_parallel"))
    how = _one_of("fold_hls4ml", "strategy", strategy, ("Resource", "Latency"))
    return _folding(
        _native.fold_hls4ml(
            network._native,
            _of("fold_hls4ml", device, mhz),
            least,
            _pace("fold_hls4ml", target_fps),
            whole("fold_hls4ml", "bits", bits),
            io == "io_parallel",
            how == "Latency",
        )
    )
