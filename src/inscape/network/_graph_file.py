"""Check the description of a graph in a ``.pt2`` file: nothing in it may name code or be evaluated as code.

``torch.export.load`` looks operators up by name in all of torch, evaluates symbolic sizes and guards as Python
expressions, writes names into generated Python source, and imports modules that a tree specification names. So every
string has to be of a kind that can do none of that; what is not needed is dropped.
"""

import json
import re
from typing import Any

from inscape._errors import FileFormatError
from inscape.network._affine import AFFINE, NEUTRAL
from inscape.network._piecewise import PIECEWISE
from inscape.network._smooth import SMOOTH

_MAKERS = frozenset({
    "zeros", "ones", "full", "empty", "arange", "eye", "linspace", "scalar_tensor", "zeros_like", "ones_like",
    "full_like", "empty_like", "new_zeros", "new_ones", "new_full", "new_empty", "sym_size", "sym_numel", "gt",
    "lt", "ge", "le", "eq", "ne", "logical_not", "logical_and", "logical_or", "bitwise_not", "bitwise_and",
    "bitwise_or", "sign", "floor", "ceil", "round", "trunc", "argmax", "argmin", "topk", "embedding", "any", "all",
    "scatter", "one_hot", "isnan", "_weight_norm", "_weight_norm_interface", "vdot", "dot", "outer", "masked_fill",
    "copy", "_assert_tensor_metadata", "instance_norm", "fill", "zero", "log2", "remainder", "fmod",
    "native_layer_norm", "cumprod", "std_mean", "var_mean", "norm", "numel",
})  # fmt: skip
_OPERATORS = frozenset(AFFINE) | frozenset(PIECEWISE) | frozenset(SMOOTH) | frozenset(NEUTRAL) | _MAKERS
_ATEN = re.compile(r"torch\.ops\.aten\.(\w+)\.[A-Za-z]\w*", re.ASCII)
_ARITHMETIC = frozenset(
    f"_operator.{name}"
    for name in (
        "getitem",
        "add",
        "sub",
        "mul",
        "floordiv",
        "truediv",
        "mod",
        "neg",
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
    )
) | frozenset(
    {"torch.ops.higher_order.wrap_with_set_grad_enabled", "torch.sym_max", "torch.sym_min", "torch.sym_float"}
)
_PLAIN = re.compile(r"[\w.+\-@:]{0,300}", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w{0,200}", re.ASCII)
_EXPRESSION_WORD = re.compile(r"'?[A-Za-z_]\w*'?", re.ASCII)
_EXPRESSION = re.compile(r"[\w\s+\-*/(),=']{1,400}", re.ASCII)
_SYMBOL = re.compile(r"'?[su]\d{1,9}'?", re.ASCII)
_EXPRESSION_WORDS = frozenset({
    "Symbol", "Integer", "Rational", "Add", "Mul", "FloorDiv", "Mod", "PythonMod", "CleanDiv", "CeilDiv", "Max",
    "Min", "Eq", "Ne", "Lt", "Le", "Gt", "Ge", "True", "False", "positive", "integer", "nonnegative", "negative",
    "real", "nonzero",
})  # fmt: skip
_NAME_KEYS = frozenset({"name", "forward_arg_names"})
_REFUSED_KEYS = frozenset({"as_custom_obj", "as_operator", "as_opaque_obj", "custom_obj", "token", "as_opaque"})
_TREE_KEYS = frozenset({"in_spec", "out_spec"})
_TREE_TYPES = frozenset({None, "builtins.tuple", "builtins.list", "builtins.dict"})
_MUST_BE_EMPTY = frozenset({"custom_obj_values", "treespec_namedtuple_fields"})
_DEPTH = 60


def checked_graph(text: bytes) -> bytes:
    """Check the JSON description of an exported graph.

    Args:
        text: the bytes of ``models/model.json``.

    Returns:
        The description without anything that is not needed, such as guards and stack traces.

    Raises:
        FileFormatError: if it is no JSON or holds a string that could reach code.
    """
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"the graph in the file is no JSON: {error}") from error
    if not isinstance(tree, dict) or "graph_module" not in tree:
        raise FileFormatError("the file holds no exported graph; make one with inscape.network.save_pt2")
    tree["guards_code"] = []
    return json.dumps(_checked(tree, "", 0)).encode()


def _checked(tree: Any, key: str, depth: int) -> Any:
    if depth > _DEPTH:
        raise FileFormatError("the graph in the file is nested too deeply")
    if isinstance(tree, list):
        return [_checked(branch, key, depth + 1) for branch in tree]
    if isinstance(tree, dict):
        return _checked_dict(tree, key, depth)
    if isinstance(tree, str):
        _check_text(tree, key)
    return tree


def _checked_dict(tree: dict[str, Any], key: str, depth: int) -> dict[str, Any]:
    if key == "metadata":
        return {name: text for name, text in tree.items() if name == "nn_module_stack" and _harmless_path(text)}
    kept = {}
    for name, branch in tree.items():
        if name in _REFUSED_KEYS or (name in _MUST_BE_EMPTY and branch):
            raise FileFormatError(f"the graph in the file holds {name!r}, which could run code; refused")
        if not _PLAIN.fullmatch(name):
            raise FileFormatError(f"the graph in the file has the unexpected name {name[:80]!r}; refused")
        kept[name] = _checked(branch, name, depth + 1)
    return kept


def _harmless_path(text: Any) -> bool:
    return isinstance(text, str) and "\n" not in text and len(text) < 10_000


def _check_text(text: str, key: str) -> None:
    if key == "target":
        fine = _known_operator(text)
    elif key == "expr_str":
        words = [word for word in _EXPRESSION_WORD.findall(text) if not _SYMBOL.fullmatch(word)]
        fine = bool(_EXPRESSION.fullmatch(text)) and "**" not in text and set(words) <= _EXPRESSION_WORDS
    elif key in _TREE_KEYS:
        fine = _plain_tree(text)
    elif key in _NAME_KEYS:
        fine = bool(_IDENTIFIER.fullmatch(text)) or text == ""
    elif key == "as_string":
        fine = len(text) <= 200 and text.isascii() and text.isprintable() and not set(text) & set("\\\"'{}()")
    else:
        fine = bool(_PLAIN.fullmatch(text))
    if not fine:
        raise FileFormatError(
            f"the graph in the file has {text[:80]!r} as {key or 'text'!r}, which is no known operator, size or name; "
            "refused, because opening it could run code"
        )


def _known_operator(text: str) -> bool:
    match = _ATEN.fullmatch(text)
    if match is None:
        return text in _ARITHMETIC
    return match.group(1) in _OPERATORS or match.group(1).removesuffix("_") in _OPERATORS


def _plain_tree(text: str) -> bool:
    """A nest of tuples, lists and dictionaries with plain keys, as a JSON text."""
    if text == "":
        return True
    try:
        version, tree = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return False
    return version == 1 and _plain_branch(tree, 0)


def _plain_branch(tree: Any, depth: int) -> bool:
    if not isinstance(tree, dict) or set(tree) != {"type", "context", "children_spec"} or depth > _DEPTH:
        return False
    if tree["type"] not in _TREE_TYPES or not isinstance(tree["children_spec"], list):
        return False
    return _plain_context(tree["context"]) and all(_plain_branch(branch, depth + 1) for branch in tree["children_spec"])


def _plain_context(context: Any) -> bool:
    if context in (None, "null"):
        return True
    try:
        keys = json.loads(context)
    except (ValueError, TypeError):
        return False
    return isinstance(keys, list) and all(isinstance(key, str) and _IDENTIFIER.fullmatch(key) for key in keys)
