"""`pip install .`: CMake compiles the module, setuptools packs it (see python/README.md)."""

import os
import pathlib
import re
import shlex
import subprocess
import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = pathlib.Path(__file__).resolve().parent


class CMakeBuild(build_ext):
    """Builds target hass_python and puts the module where setuptools wants it."""

    def build_extension(self, ext):
        module = pathlib.Path(self.get_ext_fullpath(ext.name)).resolve()
        build = pathlib.Path(self.build_temp).resolve()
        build.mkdir(parents=True, exist_ok=True)
        options = ["-DHASS_BUILD_PYTHON=ON", "-DHASS_INSTALL=OFF", "-DCMAKE_BUILD_TYPE=Release"]
        options += [f"-DHASS_BUILD_{what}=OFF" for what in ("TESTS", "EXAMPLES", "BENCHMARKS")]
        options += [f"-DPython_EXECUTABLE={sys.executable}"]
        options += shlex.split(os.environ.get("CMAKE_ARGS", ""))
        subprocess.run(["cmake", "-S", ROOT, "-B", build, *options], check=True)
        jobs = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 1))
        subprocess.run(
            ["cmake", "--build", build, "--target", "hass_python", "--parallel", jobs], check=True
        )
        (built,) = (build / "python" / "hass").glob("_native*")
        module.parent.mkdir(parents=True, exist_ok=True)
        self.copy_file(str(built), str(module))


version = re.search(
    r'#define HASS_VERSION "([^"]+)"', (ROOT / "include/hass/version.hpp").read_text()
)
setup(
    version=version.group(1),
    ext_modules=[Extension("hass._native", sources=[])],
    cmdclass={"build_ext": CMakeBuild},
)
