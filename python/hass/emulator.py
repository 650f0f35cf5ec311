"""What a network answers on images when it is clipped."""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence, Tuple, Union

from . import _native
from ._check import array, array_type, expect, number, path, whole
from .network import Network
from .statistics import Magnitudes, Measurement, Statistics, thresholds_of


def _images(images: Any, labels: Any) -> _native.Images:
    if isinstance(images, (str, bytes)) or hasattr(images, "__fspath__"):
        from_file = "" if labels is None else path("Emulator", "labels", labels)
        return _native.Images(path("Emulator", "images", images), from_file)
    pixels = array("Emulator", "images", images)
    if labels is None:
        return _native.Images(pixels, array_type(pixels), None, "")
    classes = array("Emulator", "labels", labels)
    return _native.Images(pixels, array_type(pixels), classes, array_type(classes))


def _preprocessing(given: Any) -> Any:
    if given is None:
        return None
    if isinstance(given, str):
        return _native.preprocessing_named(given)
    expect("Emulator", "preprocessing", given, (tuple, list), "a name or (scale, mean, std)")
    if len(given) != 3:
        raise _native.Error("Emulator: argument 'preprocessing' is (scale, mean, std)")
    scale, mean, std = given
    return number("Emulator", "preprocessing[0]", scale), mean, std


class Emulator:
    """A trained network with images and labels. Runs remember what later ones can use.

    :param network: from `load_onnx`
    :param images: N x C x H x W, N x H x W or N x features, an array or a .npy / .npz file
    :param labels: N class numbers, an array or a file; None: `logits` and `magnitudes` alone
    :param preprocessing: "none", "unit", "symmetric", "imagenet", or (scale, mean, std) of
        x = (pixel * scale - mean) / std; None: what the file states, else pixels as they are
    :param first_images: run the first so many alone; 0: all
    :param products: whether whole dot products are counted, which engines "lanes", "lists" and
        "mixed" ask for; a search counts them on 64 images. Windows of zeros, which "spe" asks for,
        are always counted
    :param threads: 0: as many as the machine has
    :param cache_mib: for what runs remember
    """

    def __init__(
        self,
        network: Network,
        images: Any,
        labels: Any = None,
        preprocessing: Union[None, str, Tuple[float, Sequence[float], Sequence[float]]] = None,
        first_images: int = 0,
        products: bool = True,
        threads: int = 0,
        cache_mib: int = 256,
    ) -> None:
        expect("Emulator", "network", network, Network, "a hass.Network")
        expect("Emulator", "products", products, bool, "a bool")
        self._first = whole("Emulator", "first_images", first_images)
        self._threads = whole("Emulator", "threads", threads)
        self._cache = whole("Emulator", "cache_mib", cache_mib)
        if self._first < 0 or self._cache < 0:
            raise _native.Error("Emulator: first_images and cache_mib must not be negative")
        self.network = network
        self.needs_products = products
        self._labelled = labels is not None
        self._images = _images(images, labels)
        self._native = _native.Emulator(network._native, _preprocessing(preprocessing))
        self._evaluator: Optional[_native.Evaluator] = None

    @property
    def classes(self) -> int:
        """Numbers that an image is answered with."""
        return self._native.classes

    @property
    def images(self) -> int:
        """Images that are run."""
        return min(self._first, len(self._images)) if self._first else len(self._images)

    def _options(self, statistics: bool = True, product_images: Optional[int] = None) -> Any:
        counted = (self.needs_products, self.needs_products)
        return (self._threads, None if statistics else 0, product_images, counted)

    def _require_labels(self, call: str) -> None:
        if not self._labelled:
            raise _native.Error(f"{call}: the Emulator has no labels")

    def measure(self, thresholds: Any = None) -> Measurement:
        """Accuracy and statistics at thresholds (one a row, or one for all; None: nothing clipped).

        What depends on no changed threshold is remembered from earlier calls, and whole dot products
        are counted on the first 64 images.
        """
        self._require_labels("Emulator.measure")
        tau = thresholds_of("Emulator.measure", thresholds, self.network)
        return _measurement(self._remembering().run(tau))

    def measure_in_full(self, thresholds: Any = None) -> Measurement:
        """The same by a run of its own, everything counted on all images."""
        self._require_labels("Emulator.measure_in_full")
        tau = thresholds_of("Emulator.measure_in_full", thresholds, self.network)
        return _measurement(self._native.run(self._images, self._first, tau, self._options()))

    def accuracy(self, thresholds: Any = None) -> float:
        """Share of images answered right; takes no statistics."""
        self._require_labels("Emulator.accuracy")
        tau = thresholds_of("Emulator.accuracy", thresholds, self.network)
        return self._remembering().accuracy(tau)

    def logits(self, thresholds: Any = None) -> Any:
        """The network's answers, a float32 array of images x classes."""
        import numpy

        tau = thresholds_of("Emulator.logits", thresholds, self.network)
        text = self._native.logits(self._images, self._first, tau, self._options(statistics=False))
        return numpy.frombuffer(text, dtype="<f4").reshape(-1, self.classes)

    def magnitudes(self) -> Magnitudes:
        """Distributions of |w|, and over the images of |x|."""
        return Magnitudes(self._native.magnitudes(self._images, self._first, self._options()))

    def _remembering(self) -> _native.Evaluator:
        if self._evaluator is None:
            options = self._options(product_images=64)
            self._evaluator = _native.Evaluator(
                self._native, self._images, self._first, options, self._cache << 20
            )
        return self._evaluator


def _measurement(run: Dict[str, Any]) -> Measurement:
    taken = run["statistics"]
    return Measurement(
        run["score"],
        None if taken is None else Statistics._of(taken),
        run["top5"],
        run["loss"],
    )
