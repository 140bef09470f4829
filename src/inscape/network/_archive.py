"""Open and write ``.pt2`` files safely."""

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from inscape._errors import FileFormatError, ModelError, OutputError
from inscape.network._exported_model import ExportedModel
from inscape.network._graph_file import checked_graph
from inscape.network._read import as_example

_GRAPH = "models/model.json"
_SAMPLES = "data/sample_inputs/model.pt"
_CONFIGS = ("data/weights/model_weights_config.json", "data/constants/model_constants_config.json")
_IGNORED = re.compile(r"\.data/(version|serialization_id)|byteorder|archive_format|archive_version")
_PAYLOAD = re.compile(r"data/(weights/weight|constants/tensor)_\d+")
_LIMIT = 4 << 30
_ENTRIES = 100_000


def open_pt2(path: Path) -> nn.Module:
    """Open a ``.pt2`` file after checking everything in it.

    The archive is read once and written anew in memory from its checked parts, and torch sees only the new one.

    Args:
        path: the file.

    Returns:
        The model.

    Raises:
        FileFormatError: if the file is damaged, foreign, or holds anything that could run code.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror}") from error
    try:
        safe = checked_archive(data)
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from error
    from inscape.network._export import quiet

    try:
        with quiet():
            return ExportedModel(torch.export.load(io.BytesIO(safe))).eval()
    except Exception as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise FileFormatError(f"{path} passed the check but torch cannot open it: {first}") from error


def checked_archive(data: bytes) -> bytes:
    """Check the bytes of a ``.pt2`` file and write an archive of the checked parts.

    Args:
        data: the file.

    Returns:
        A new archive without pickled code.

    Raises:
        FileFormatError: naming the part that is damaged or could run code.
    """
    parts = _parts(data)
    checked = {"archive_format": b"pt2", "archive_version": b"0", "byteorder": b"little", ".data/version": b"6\n"}
    checked[_GRAPH] = checked_graph(parts.pop(_GRAPH))
    checked[_SAMPLES] = _without_code(parts.pop(_SAMPLES, b""), _SAMPLES)
    for config in _CONFIGS:
        folder = config.rpartition("/")[0]
        entries = _entries(parts.pop(config, b'{"config": {}}'), config)
        for name, entry in entries.items():
            place = f"{folder}/{_payload_name(entry, name)}"
            if place not in parts:
                raise FileFormatError(f"the tensor {name[:80]!r} is missing ({place})")
            payload = parts[place]
            checked[place] = _without_code(payload, place) if entry.get("use_pickle") else payload
        checked[config] = json.dumps({"config": entries}).encode()
    return _packed(checked)


def _parts(data: bytes) -> dict[str, bytes]:
    """Name inside the root folder → bytes; every name has to be a known one."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            _check_size(infos)
            roots = {info.filename.partition("/")[0] for info in infos}
            parts = {info.filename.partition("/")[2]: archive.read(info) for info in infos}
    except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, ValueError, EOFError, NotImplementedError) as error:
        raise FileFormatError(f"this is no intact .pt2 archive ({error})") from error
    except RuntimeError as error:  # an encrypted entry
        raise FileFormatError(f"this is no readable .pt2 archive ({error})") from error
    if len(roots) != 1 or len(parts) != len(infos):
        raise FileFormatError("expected one folder with distinct entries in the archive; refused")
    if _GRAPH not in parts:
        raise FileFormatError("the archive holds no models/model.json; make one with inscape.network.save_pt2")
    known = {_GRAPH, _SAMPLES, *_CONFIGS}
    for name in parts:
        if name not in known and not _IGNORED.fullmatch(name) and not _PAYLOAD.fullmatch(name):
            raise FileFormatError(f"the archive holds {name[:80]!r}, which could run code; refused")
    return parts


def _check_size(infos: list[zipfile.ZipInfo]) -> None:
    size = sum(info.file_size for info in infos)
    if size > _LIMIT or len(infos) > _ENTRIES:
        raise FileFormatError(f"the archive unpacks to {size} bytes in {len(infos)} parts; at most {_LIMIT} are opened")


def _entries(text: bytes, place: str) -> dict[str, dict[str, Any]]:
    try:
        entries = json.loads(text)["config"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileFormatError(f"{place} is damaged: {error}") from error
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise FileFormatError(f"{place} is damaged: expected one entry per tensor")
    return entries


def _payload_name(entry: dict[str, Any], name: str) -> str:
    place = entry.get("path_name")
    if not isinstance(place, str) or not re.fullmatch(r"(weight|tensor)_\d+", place):
        raise FileFormatError(
            f"the tensor {name[:80]!r} is stored as {str(place)[:80]!r}, which could run code; refused"
        )
    return place


def _without_code(payload: bytes, place: str) -> bytes:
    """Unpickle with tensors and plain containers allowed only, and pickle anew."""
    if not payload:
        return payload
    try:
        held = torch.load(io.BytesIO(payload), weights_only=True, map_location="cpu")
    except Exception as error:
        raise FileFormatError(f"{place} holds something else than tensors, which could run code; refused") from error
    buffer = io.BytesIO()
    torch.save(held, buffer)
    return buffer.getvalue()


def _packed(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(f"model/{name}", content)
    return buffer.getvalue()


def save_pt2(model: nn.Module, example: Any, path: str | Path) -> Path:
    """Write a model as a ``.pt2`` file that :func:`load` opens; the file is whole or not there.

    The model is exported in evaluation mode with a dynamic batch. The source code and the paths of the machine are
    left out.

    Args:
        model: the model, not touched.
        example: (n, *shape) input, n ≥ 1.
        path: target, ending in ``.pt2``.

    Returns:
        The path written.

    Raises:
        ModelError: if the model cannot be exported or holds something that the check refuses.
        OutputError: if the file cannot be written.
    """
    from inscape.network._export import exported

    target = Path(path)
    if target.suffix != ".pt2":
        raise OutputError(f"expected a path that ends in .pt2, got {target}")
    buffer = io.BytesIO()
    torch.export.save(exported(model, as_example(model, example)), buffer)
    try:
        data = checked_archive(buffer.getvalue())
    except FileFormatError as error:
        raise ModelError(f"the model cannot be saved as a file that is safe to open: {error}") from error
    partial = target.with_name(f".{target.name}.part")
    try:
        partial.write_bytes(data)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(
            f"cannot write {target}: {error.strerror}; choose a folder that exists and is writable"
        ) from error
    return target
