"""Every supported ONNX operator in its forms over the versions, against onnxruntime."""

import re

import numpy as np
import pytest
import torch

from inscape import network
from inscape._errors import InscapeError
from inscape.geometry._program import Kind
from inscape.network._onnx_operators import SUPPORTED
from inscape.testing import unchanged

V, S, I = (6,), (4, 9), (4, 7, 8)  # noqa: E741
ints = np.int64
CASES = {
    # name: (nodes, shape of a sample, version, initialisers)
    "Gemm": ("y = Gemm <transB=1> (x, w, b)", V, 13, {"w": (5, 6), "b": (5,)}),
    "Gemm plain": ("y = Gemm (x, w)", V, 13, {"w": (6, 5)}),
    "Gemm with factors": ("y = Gemm <alpha=0.5, beta=-2.0> (x, w, b)", V, 13, {"w": (6, 5), "b": (5,)}),
    "Gemm with a matrix of biases": ("y = Gemm <transB=1> (x, w, b)", V, 9, {"w": (5, 6), "b": (1, 5)}),
    "Gemm with one bias": ("y = Gemm <transB=1> (x, w, b)", V, 9, {"w": (5, 6), "b": (1,)}),
    "MatMul": ("y = MatMul (x, w)", V, 13, {"w": (6, 5)}),
    "MatMul and Add": ("a = MatMul (x, w) y = Add (b, a)", V, 13, {"w": (6, 5), "b": (5,)}),
    "MatMul and Add of a scalar": ("a = MatMul (x, w) y = Add (a, b)", V, 13, {"w": (6, 5), "b": np.float32(2)}),
    "MatMul read twice": ("a = MatMul (x, w) c = Add (a, b) d = Mul (a, s) y = Add (d, c)", V, 13,
                          {"w": (6, 5), "b": (5,), "s": (5,)}),
    "MatMul on sequences": ("a = MatMul (x, w) y = Add (a, b)", S, 13, {"w": (9, 5), "b": (5,)}),
    "MatMul from the left": ("y = MatMul (w, x)", S, 13, {"w": (5, 4)}),
    "MatMul by a stack": ("y = MatMul (x, w)", (4, 7, 8), 13, {"w": (4, 8, 3)}),
    "Einsum": ('y = Einsum <equation="bij,jk->bik"> (x, w)', S, 13, {"w": (9, 2)}),
    "Add": ("y = Add (x, c)", S, 7, {"c": (4, 1)}),
    "Add to itself": ("y = Add (x, x)", S, 14, {}),
    "Sub": ("y = Sub (c, x)", S, 13, {"c": (9,)}),
    "Mul": ("y = Mul (x, c)", S, 13, {"c": (9,)}),
    "Div": ("y = Div (x, c)", S, 13, {"c": np.full((4, 1), -2.5, np.float32)}),
    "Sum": ("y = Sum (x, c, x)", S, 13, {"c": (9,)}),
    "Mean": ("y = Mean (x, c, x)", S, 13, {"c": (9,)}),
    "Max": ("y = Max (x, c, d)", S, 13, {"c": (9,), "d": (4, 1)}),
    "Max with zero": ("y = Max (x, c)", S, 8, {"c": np.float32(0)}),
    "Min": ("a = Neg (x) y = Min (x, a, c)", S, 12, {"c": (9,)}),
    "Neg": ("y = Neg (x)", S, 13, {}),
    "Abs": ("y = Abs (x)", S, 13, {}),
    "Where": ("y = Where (m, x, c)", S, 9, {"m": np.arange(9) % 2 == 0, "c": (4, 9)}),
    "Relu": ("y = Relu (x)", S, 14, {}),
    "LeakyRelu": ("y = LeakyRelu <alpha=0.2> (x)", S, 16, {}),
    "PRelu": ("y = PRelu (x, s)", I, 16, {"s": (4, 1, 1)}),
    "PRelu with one slope": ("y = PRelu (x, s)", I, 9, {"s": (1,)}),
    "PRelu on vectors": ("y = PRelu (x, s)", V, 7, {"s": (6,)}),
    "PRelu by columns": ("y = PRelu (x, s)", I, 16, {"s": (8,)}),
    "Clip": ("y = Clip (x, a, b)", S, 13, {"a": np.float32(-0.5), "b": np.float32(0.7)}),
    "Clip from below": ("y = Clip (x, a)", S, 11, {"a": np.float32(-0.5)}),
    "Clip from above": ("y = Clip (x, , b)", S, 12, {"b": np.float32(0.25)}),
    "Clip of version 6": ("y = Clip <min=0.0, max=6.0> (x)", S, 10, {}),
    "Clip of version 6 from below": ("y = Clip <min=0.0> (x)", S, 7, {}),
    "HardSigmoid": ("y = HardSigmoid <alpha=0.3, beta=0.4> (x)", S, 6 + 1, {}),
    "ReduceMean": ("y = ReduceMean <axes=[-1]> (x)", S, 13, {}),
    "ReduceMean by operand": ("y = ReduceMean <keepdims=0> (x, a)", I, 18, {"a": ints([2, 3])}),
    "ReduceSum": ("y = ReduceSum <keepdims=0> (x, a)", I, 13, {"a": ints([1])}),
    "ReduceSum of version 1": ("y = ReduceSum <axes=[1, 2]> (x)", I, 11, {}),
    "ReduceSum of nothing": ("y = ReduceSum <noop_with_empty_axes=1> (x)", I, 13, {}),
    "ReduceMax": ("y = ReduceMax <axes=[1, -1], keepdims=0> (x)", I, 13, {}),
    "ReduceMin": ("y = ReduceMin (x, a)", I, 18, {"a": ints([1])}),
    "Conv": ("y = Conv <pads=[1, 2, 1, 2], strides=[2, 1]> (x, w, b)", I, 11, {"w": (6, 4, 3, 3), "b": (6,)}),
    "Conv 1d": ("y = Conv <dilations=[2]> (x, w)", S, 11, {"w": (3, 4, 3)}),
    "Conv 3d": ("y = Conv <pads=[1, 1, 0, 1, 1, 0]> (x, w)", (2, 4, 5, 3), 11, {"w": (3, 2, 3, 3, 1)}),
    "Conv grouped": ("y = Conv <group=2, dilations=[1, 2]> (x, w, b)", I, 11, {"w": (6, 2, 3, 3), "b": (6,)}),
    "Conv padded unequally": ("y = Conv <pads=[0, 1, 2, 0]> (x, w, b)", I, 11, {"w": (6, 4, 3, 3), "b": (6,)}),
    "Conv same upper": ('y = Conv <auto_pad="SAME_UPPER", strides=[2, 2]> (x, w)', I, 11, {"w": (2, 4, 3, 2)}),
    "Conv same lower": ('y = Conv <auto_pad="SAME_LOWER", strides=[2, 3]> (x, w)', I, 11, {"w": (2, 4, 4, 2)}),
    "Conv valid": ('y = Conv <auto_pad="VALID"> (x, w)', I, 11, {"w": (2, 4, 3, 2)}),
    "ConvTranspose": ("y = ConvTranspose <strides=[2, 2], pads=[1, 0, 1, 0], output_padding=[1, 0]> (x, w, b)", I, 11,
                      {"w": (4, 3, 3, 2), "b": (3,)}),
    "ConvTranspose 1d": ("y = ConvTranspose <strides=[3]> (x, w)", S, 11, {"w": (4, 2, 4)}),
    "ConvTranspose grouped": ("y = ConvTranspose <group=2, dilations=[2, 1]> (x, w)", I, 11, {"w": (4, 3, 3, 2)}),
    "ConvTranspose padded unequally": ("y = ConvTranspose <strides=[2, 2], pads=[0, 1, 2, 0]> (x, w, b)", I, 11,
                                       {"w": (4, 3, 3, 3), "b": (3,)}),
    "ConvTranspose same upper": ('y = ConvTranspose <auto_pad="SAME_UPPER", strides=[2, 2]> (x, w)', I, 11,
                                 {"w": (4, 3, 3, 3)}),
    "ConvTranspose to a shape": ("y = ConvTranspose <strides=[2, 2], output_shape=[14, 16]> (x, w)", I, 11,
                                 {"w": (4, 3, 3, 3)}),
    "BatchNormalization": ("y = BatchNormalization <epsilon=0.01> (x, s, b, m, v)", I, 15,
                           {"s": (4,), "b": (4,), "m": (4,), "v": np.float32([0.5, 1, 2, 3])}),
    "BatchNormalization of vectors": ("y = BatchNormalization (x, s, b, m, v)", V, 9,
                                      {"s": (6,), "b": (6,), "m": (6,), "v": np.float32([0.5, 1, 2, 3, 1, 1])}),
    "AveragePool": ("y = AveragePool <kernel_shape=[3, 2], strides=[2, 2], pads=[1, 1, 1, 1]> (x)", I, 11, {}),
    "AveragePool of the padding": (
        "y = AveragePool <kernel_shape=[3, 2], pads=[1, 0, 1, 0], count_include_pad=1> (x)", I, 11, {}),
    "AveragePool padded unequally": ("y = AveragePool <kernel_shape=[3, 2], pads=[0, 1, 2, 0]> (x)", I, 11, {}),
    "AveragePool of unequal padding": (
        "y = AveragePool <kernel_shape=[3, 2], pads=[0, 1, 2, 0], count_include_pad=1> (x)", I, 11, {}),
    "AveragePool same": ('y = AveragePool <kernel_shape=[2, 2], auto_pad="SAME_UPPER", strides=[2, 2]> (x)', I, 11, {}),
    "AveragePool ceil": ("y = AveragePool <kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1> (x)", I, 19, {}),
    "AveragePool ceil padded": (
        "y = AveragePool <kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1> (x)", I, 19, {}),
    "AveragePool 1d": ("y = AveragePool <kernel_shape=[3]> (x)", S, 11, {}),
    "MaxPool": ("y = MaxPool <kernel_shape=[3, 2], strides=[2, 2], pads=[1, 1, 1, 1]> (x)", I, 12, {}),
    "MaxPool dilated": ("y = MaxPool <kernel_shape=[2, 2], dilations=[2, 3]> (x)", I, 12, {}),
    "MaxPool padded unequally": ("y = MaxPool <kernel_shape=[3, 2], pads=[0, 1, 2, 0]> (x)", I, 12, {}),
    "MaxPool same lower": ('y = MaxPool <kernel_shape=[2, 3], auto_pad="SAME_LOWER", strides=[2, 2]> (x)', I, 12, {}),
    "MaxPool ceil": ("y = MaxPool <kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1> (x)", I, 12, {}),
    "MaxPool ceil padded": (
        "y = MaxPool <kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1> (x)", I, 12, {}),
    "MaxPool 1d": ("y = MaxPool <kernel_shape=[3]> (x)", S, 8, {}),
    "GlobalMaxPool": ("y = GlobalMaxPool (x)", I, 13, {}),
    "GlobalAveragePool": ("y = GlobalAveragePool (x)", I, 13, {}),
    "Flatten": ("y = Flatten (x)", I, 13, {}),
    "Flatten from the end": ("a = Flatten <axis=3> (x) y = Reshape (a, s)", I, 13, {"s": ints([-1, 4, 7, 8])}),
    "Reshape": ("y = Reshape (x, s)", I, 13, {"s": ints([0, -1])}),
    "Reshape to a size": ("y = Reshape (x, s)", I, 13, {"s": ints([-1, 14, 16])}),
    "Reshape by computed sizes": (
        "n = Shape (x) i = Constant <value_int=0> () d = Gather (n, i) a = Constant <value_ints=[0]> () "
        "u = Unsqueeze (d, a) m = Constant <value_ints=[-1]> () s = Concat <axis=0> (u, m) y = Reshape (x, s)",
        I, 13, {}),
    "Reshape by arithmetic on sizes": (
        "n = Shape (x) h = Slice (n, two, three) q = Div (h, seven) o = Sub (q, q) p = Mul (q, eight) "
        "b = Slice (n, o, q) t = Squeeze (b, zero) w = Unsqueeze (t, zero) c = Concat <axis=0> (w, p, m) "
        "y = Reshape (x, c)",
        I, 13, {"zero": ints([0]), "two": ints([2]), "three": ints([3]), "seven": ints([7]), "eight": ints([8]),
                "m": ints([-1])}),
    "Transpose": ("y = Transpose <perm=[0, 3, 1, 2]> (x)", I, 13, {}),
    "Squeeze": ("a = Unsqueeze (x, n) y = Squeeze (a, n)", S, 13, {"n": ints([1, -1])}),
    "Squeeze of version 1": ("a = Unsqueeze <axes=[3, 1]> (x) y = Squeeze <axes=[1, 3]> (a)", S, 11, {}),
    "Squeeze of all": ("a = Unsqueeze <axes=[3, 1]> (x) y = Squeeze (a)", S, 11, {}),
    "Expand": ("a = Unsqueeze (x, n) y = Expand (a, s)", V, 13, {"n": ints([1]), "s": ints([3, 1])}),
    "Concat": ("a = Relu (x) y = Concat <axis=1> (x, a, a)", S, 13, {}),
    "Concat from the end": ("y = Concat <axis=-1> (x, x)", I, 11, {}),
    "Split": ("a, b = Split <axis=2> (x, s) y = Mul (b, c)", S, 13, {"s": ints([3, 6]), "c": (6,)}),
    "Split by attribute": ("a, b = Split <axis=1, split=[1, 3]> (x) y = Relu (b)", S, 11, {}),
    "Split in halves": ("a, b = Split <axis=1> (x) c = Relu (a) y = Add (b, c)", S, 11, {}),
    "Split in unequal parts": ("a, b = Split <axis=2, num_outputs=2> (x) y = Relu (b)", S, 18, {}),
    "Slice": ("y = Slice (x, s, e, a, t)", I, 13,
              {"s": ints([1, -6]), "e": ints([3, 2**40]), "a": ints([1, 3]), "t": ints([1, 2])}),
    "Slice backwards": ("y = Slice (x, s, e, a, t)", I, 13,
                        {"s": ints([-1]), "e": ints([-(2**60)]), "a": ints([3]), "t": ints([-2])}),
    "Slice of version 1": ("y = Slice <axes=[1, 2], starts=[1, 0], ends=[9, -1]> (x)", I, 9, {}),
    "Slice of all": ("y = Slice (x, s, e)", S, 13, {"s": ints([0, 1]), "e": ints([2**62, 3])}),
    "Gather": ("y = Gather <axis=2> (x, i)", I, 13, {"i": ints([[0, -1], [3, 3]])}),
    "Gather one": ("y = Gather <axis=1> (x, i)", I, 13, {"i": ints(-2)}),
    "Tile": ("y = Tile (x, r)", S, 13, {"r": ints([1, 2, 3])}),
    "Pad": ("y = Pad (x, p, v)", I, 13, {"p": ints([0, 0, 1, 2, 0, 0, 3, 0]), "v": np.float32(1.5)}),
    "Pad cuts": ("y = Pad (x, p)", I, 13, {"p": ints([0, 0, 1, -2, 0, 0, -3, 0])}),
    "Pad of channels": ("y = Pad (x, p)", I, 11, {"p": ints([0, 1, 0, 0, 0, 2, 0, 0])}),
    "Pad of version 2": ("y = Pad <pads=[0, 0, 1, 1, 0, 0, 0, 2], value=-1.0> (x)", I, 10, {}),
    "Pad some axes": ("y = Pad (x, p, , a)", I, 18, {"p": ints([1, 2, 3, 0]), "a": ints([-1, 2])}),
    "Pad reflects": ('y = Pad <mode="reflect"> (x, p)', I, 13, {"p": ints([0, 0, 1, 2, 0, 0, 3, 0])}),
    "Pad by the edge": ('y = Pad <mode="edge"> (x, p)', I, 13, {"p": ints([0, 1, 1, 2, 0, 0, 3, 0])}),
    "Pad around": ('y = Pad <mode="wrap"> (x, p)', I, 19, {"p": ints([0, 0, 1, 2, 0, 0, 3, 0])}),
    "DepthToSpace": ("y = DepthToSpace <blocksize=2> (x)", (8, 3, 2), 13, {}),
    "DepthToSpace by columns": ('y = DepthToSpace <blocksize=2, mode="CRD"> (x)', (8, 3, 2), 13, {}),
    "SpaceToDepth": ("y = SpaceToDepth <blocksize=2> (x)", (3, 4, 6), 13, {}),
    "Cast": ("a = Cast <to=11> (x) b = Relu (a) y = Cast <to=1> (b)", V, 13, {}),
    "Cast of constants": ("c = Cast <to=7> (w) d = Cast <to=1> (c) e = Cast <to=11> (d) f = Cast <to=1> (e) "
                          "y = Mul (x, f)", V, 13,
                          {"w": np.float32([0.5, 1.5, -2.7, 3, 4, 5])}),
    "Cast of sizes": ("n = Shape (x) d = Gather (n, i) c = Cast <to=1> (d) y = Mul (x, c)", V, 13, {"i": ints([1])}),
    "Identity": ("a = Identity (w) b = Identity (x) y = Mul (a, b)", V, 14, {"w": (6,)}),
    "Dropout": ("y = Dropout (x, r)", V, 13, {"r": np.float32(0.25)}),
    "Dropout of version 7": ("y = Dropout <ratio=0.1> (x)", V, 10, {}),
    "Constants folded": (
        "t = Transpose (w) s = Constant <value_float=0.5> () u = Mul (t, s) n = Shape (u) z = ConstantOfShape (n) "
        "v = Sub (u, z) y = MatMul (x, v)", V, 13, {"w": (5, 6)}),
    "Constants of every form": (
        "a = Constant <value = float[6] {1, 2, 3, 4, 5, 6}> () b = Constant <value_floats=[0.5, 1.5]> () "
        "c = Concat <axis=0> (a, b) d = Constant <value_ints=[0, 6]> () i = Constant <value_int=1> () "
        "f = Gather (c, i) g = Mul (x, a) y = Add (g, f)", V, 12, {}),
    "ConstantOfShape by samples": (
        "n = Shape (x) c = ConstantOfShape <value = float[1] {0.5}> (n) y = Add (x, c)", V, 13, {}),
    "Equal": ("n = Shape <start=1> (x) e = Equal (n, six) w = Where (e, one, n) y = Expand (x, w)", V, 15,
              {"six": ints([6]), "one": ints([1])}),
    "Sizes in every way": (
        "n = Shape (x) m = Neg (n) p = Abs (m) q = Max (p, one) t = Add (q, zero) u = Transpose (t) "
        "k = Size (w) r = Min (k, big) j = Mod (r, seven) g = Range (zero, j, one) a = Gather (u, g) "
        "y = Reshape (x, a)", I, 13,
        {"one": ints(1), "zero": ints(0), "big": ints(1000), "seven": ints(7), "w": (2, 2, 8)}),
    "Range": ("g = Range (a, b, c) y = Mul (x, g)", V, 11,
              {"a": np.float32(0.5), "b": np.float32(3.5), "c": np.float32(0.5)}),
    "Upsample": ("y = Upsample (x, s)", I, 9, {"s": np.float32([1, 1, 2, 3])}),
    "Upsample of version 7": ("y = Upsample <scales=[1.0, 1.0, 2.0, 1.0]> (x)", I, 8, {}),
}  # fmt: skip
NEAREST = {
    f"Resize nearest {place} {rounding}": (
        f'y = Resize <mode="nearest", coordinate_transformation_mode="{place}", nearest_mode="{rounding}"> (x, , s)',
        I, 13, {"s": np.float32([1, 1, 0.5, 3])})
    for place in ("asymmetric", "half_pixel", "align_corners")
    for rounding in ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
}  # fmt: skip
LINEAR = {
    f"Resize linear {place} {sizes}": (
        f'y = Resize <mode="linear", coordinate_transformation_mode="{place}"> (x, , , s)', I, 13,
        {"s": ints([3, 4, *sizes])})
    for place in ("half_pixel", "pytorch_half_pixel", "align_corners")
    for sizes in ((14, 8), (5, 11))
} | {
    "Resize linear by scales": (
        'y = Resize <mode="linear"> (x, , s)', I, 13, {"s": np.float32([1, 1, 1.7, 0.6])}),
    "Resize linear 1d": ('y = Resize <mode="linear"> (x, , s)', S, 13, {"s": np.float32([1, 1, 2])}),
    "Resize nearest some axes": ("y = Resize <axes=[2]> (x, , s)", I, 18, {"s": np.float32([2])}),
    "Resize of version 10": ("y = Resize (x, s)", I, 10, {"s": np.float32([1, 1, 2, 2])}),
}  # fmt: skip
SMOOTH = {
    "Sigmoid": ("y = Sigmoid (x)", S, 13, {}),
    "Tanh": ("y = Tanh (x)", S, 13, {}),
    "Softplus": ("y = Softplus (x)", S, 13, {}),
    "Softsign": ("y = Softsign (x)", S, 13, {}),
    "Mish": ("y = Mish (x)", S, 18, {}),
    "HardSwish": ("y = HardSwish (x)", S, 14, {}),
    "Elu": ("y = Elu <alpha=0.7> (x)", S, 6 + 1, {}),
    "Celu": ("y = Celu <alpha=0.7> (x)", S, 12, {}),
    "Selu": ("y = Selu <alpha=1.5, gamma=1.1> (x)", S, 7, {}),
    "Swish": ("y = Swish <alpha=1.5> (x)", S, 24, {}),
    "Swish with one": ("y = Swish (x)", S, 24, {}),
    "Gelu": ("y = Gelu (x)", S, 20, {}),
    "Gelu by tanh": ('y = Gelu <approximate="tanh"> (x)', S, 20, {}),
    "Gelu by hand": (
        "a = Div (x, r) b = Erf (a) c = Add (b, one) d = Mul (x, c) y = Mul (d, half)", S, 13,
        {"r": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)}),
    "Softmax": ("y = Softmax <axis=-1> (x)", S, 13, {}),
    "Softmax over channels": ("y = Softmax <axis=1> (x)", I, 13, {}),
    "Softmax of version 1": ("y = Softmax (x)", I, 11, {}),
    "LogSoftmax": ("y = LogSoftmax (x)", V, 11, {}),
    "LogSoftmax on an axis": ("y = LogSoftmax <axis=2> (x)", I, 13, {}),
    "LayerNormalization": ("y = LayerNormalization (x, s, b)", S, 17, {"s": (9,), "b": (9,)}),
    "LayerNormalization of all": ("y = LayerNormalization <axis=1> (x, s)", S, 17, {"s": (4, 9)}),
    "InstanceNormalization": ("y = InstanceNormalization (x, s, b)", I, 13, {"s": (4,), "b": (4,)}),
    "Exp and its like": ("a = Exp (x) b = Sqrt (a) c = Reciprocal (b) d = Log (a) y = Add (c, d)", V, 13, {}),
    "Sin and Cos": ("a = Sin (x) b = Cos (x) y = Mul (a, b)", V, 13, {}),
    "Pow": ("y = Pow (x, two)", V, 13, {"two": np.float32(2)}),
    "Product": ("a = Relu (x) y = Mul (a, x)", V, 13, {}),
    "ReduceL2": ("y = ReduceL2 <axes=[1]> (x)", S, 13, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", [*CASES, *NEAREST, *LINEAR, *SMOOTH])
def test_operators_give_what_onnxruntime_gives(name, onnx_file, by_onnxruntime):
    body, shape, opset, held = (CASES | NEAREST | LINEAR | SMOOTH)[name]
    path = onnx_file(body, shape, opset=opset, **held)
    x = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    expected = by_onnxruntime(path, x)
    with unchanged():
        model = network.load(path)
        assert not model.training
    with torch.no_grad():
        np.testing.assert_allclose(model(torch.from_numpy(x)).numpy(), expected, rtol=2e-5, atol=2e-5)
    found = network.read(model)
    assert found.input_shape == shape
    np.testing.assert_allclose(found.evaluate(x, head=True), expected, rtol=2e-5, atol=2e-5)
    smooth = [layer.operation for layer in found.nodes if layer.kind is Kind.SMOOTH]
    assert bool(smooth or found.head) == (name in SMOOTH)


def test_every_supported_operator_is_tried():
    bodies = " ".join(body for body, *_ in (CASES | NEAREST | LINEAR | SMOOTH).values())
    assert set(re.findall(r"= ([A-Z]\w*)", bodies)) == SUPPORTED


REFUSED = {
    # name: (nodes, shape of a sample, version, initialisers, what the error says)
    "operator": ("y = Sign (x)", V, 13, {}, "the ONNX operator 'Sign' of node 'Sign_0' is not supported; .*Average"),
    "rounding": ("a = Cast <to=7> (x) y = Cast <to=1> (a)", V, 13, {}, "Cast 'Cast_0' rounds computed values"),
    "samples as numbers": (
        "n = Shape (x) c = Cast <to=1> (n) d = Slice (c, z, o) y = Mul (x, d)", V, 13, {"z": ints([0]), "o": ints([1])},
        "Cast 'Cast_1' makes the number of samples a value"),
    "computed exponent": ("y = Pow (x, x)", V, 13, {}, "Pow 'Pow_0' takes its exponent from the values of the input"),
    "two exponents": ("y = Pow (x, e)", (2,), 13, {"e": np.float32([1, 2])}, "has 2 exponents; one is supported"),
    "computed bounds": ("a = ReduceMean <keepdims=0> (x) y = Clip (x, a)", V, 13, {}, "bound from the values"),
    "indices of the maximum": (
        "a, i = MaxPool <kernel_shape=[2]> (x) b = Cast <to=1> (i) y = Add (a, b)", S, 13, {},
        "MaxPool 'MaxPool_0' gives 'i' besides its first output"),
    "padding beyond half a window": (
        "y = MaxPool <kernel_shape=[2, 2], pads=[0, 0, 1, 1], dilations=[2, 2]> (x)", I, 13, {}, "has padding"),
    "dilated mean": ("y = AveragePool <kernel_shape=[2, 2], dilations=[2, 2]> (x)", I, 19, {}, "dilations"),
    "four dimensions": ("y = MaxPool <kernel_shape=[1, 1, 1, 1]> (x)", (1, 2, 2, 2, 2), 13, {}, "4 spatial dimensions"),
    "training": ("y = Dropout (x, , t)", V, 13, {"t": np.bool_(True)}, "Dropout 'Dropout_0' is in training mode"),
    "statistics of the batch": (
        "y, a, b = BatchNormalization <training_mode=1> (x, s, s, s, s)", V, 15, {"s": np.ones(6, np.float32)},
        "BatchNormalization_0' is in training mode"),
    "cubic": ('y = Resize <mode="cubic"> (x, , s)', I, 13, {"s": np.float32([1, 1, 2, 2])}, "has mode 'cubic'"),
    "linear from the corner": (
        'y = Resize <mode="linear", coordinate_transformation_mode="asymmetric"> (x, , s)', I, 13,
        {"s": np.float32([1, 1, 2, 2])}, "coordinates 'asymmetric'; supported are nearest"),
    "crop and resize": (
        'y = Resize <coordinate_transformation_mode="tf_crop_and_resize"> (x, r, s)', I, 13,
        {"r": np.float32([0] * 4 + [1] * 4), "s": np.float32([1, 1, 2, 2])}, "coordinates 'tf_crop_and_resize'"),
    "resampled channels": ("y = Resize (x, , s)", I, 13, {"s": np.float32([1, 2, 2, 2])}, "resamples channels"),
    "aspect ratio": (
        'y = Resize <keep_aspect_ratio_policy="not_larger"> (x, , , s)', I, 18, {"s": ints([3, 4, 14, 14])}, "aspect"),
    "a side that is no 1": ("y = Squeeze (x, a)", V, 13, {"a": ints([1])}, "whose size is 6, not 1"),
    "shapes that do not fit": ("y = Add (x, c)", V, 13, {"c": (5,)}, "Add 'Add_0' cannot take a tensor of shape"),
    "samples mixed": ("y = ReduceSum (x)", V, 13, {}, "expected the samples in the first dimension of the output"),
    "no input": ("y = Relu (c)", V, 13, {"c": (5,)}, "does not depend on its input"),
    "enormous": ("y = Tile (x, r)", V, 13, {"r": ints([1, 2**40])}, "makes a tensor of shape"),
    "enormous constant": (
        "a = ConstantOfShape (n) b = ReduceSum (a) y = Add (x, b)", V, 13, {"n": ints([2**20, 2**20])}, "at most"),
    "enormous padding": ("y = Pad (x, p)", V, 13, {"p": ints([0, 2**40, 0, 0])}, "makes a tensor of shape"),
    "integers": ("n = Shape (x) y = Relu (n)", V, 13, {}, "computes with integers|no valid"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_supported_is_refused_by_name(name, onnx_file):
    body, shape, opset, held, text = REFUSED[name]
    with pytest.raises(InscapeError, match=text):
        network.read(network.load(onnx_file(body, shape, opset=opset, **held)))
