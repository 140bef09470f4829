"""ONNX files made from the text form of graphs, and what onnxruntime makes of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def onnx_file(tmp_path) -> Callable[..., Path]:
    """Write a graph as a file.

    ``body`` is a list of nodes in the text form of ONNX that lead from ``x`` to ``y``; the keywords are initialisers,
    arrays as they are, shapes filled with random numbers.
    """
    import onnx

    def write(body: str, shape: tuple[int, ...], *, opset: int = 17, samples: Any = "N", **initialisers: Any) -> Path:
        sides = ",".join(map(str, (samples, *shape)))
        text = f'<ir_version: 8, opset_import: ["" : {opset}]> net (float[{sides}] x) => (float y) {{ {body} }}'
        model = onnx.parser.parse_model(text)
        rng = np.random.default_rng(1)
        for name, value in initialisers.items():
            array = rng.normal(size=value).astype(np.float32) if isinstance(value, tuple) else np.asarray(value)
            model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
        path = tmp_path / "model.onnx"
        onnx.save(model, path)
        return path

    return write


@pytest.fixture
def by_onnxruntime() -> Callable[[Path, np.ndarray], np.ndarray]:
    """Evaluate a file by onnxruntime."""
    import onnxruntime

    def run(path: Path, x: np.ndarray) -> np.ndarray:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return session.run(None, {"x": x})[0]

    return run
