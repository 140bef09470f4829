"""A ledger as a table in a file."""

import csv
import io
import json
import math
import os
import secrets
from pathlib import Path
from typing import Any

from inscape._errors import InputError, OutputError
from inscape._optional import require
from inscape.runs._inspect import flattened, outcomes


def export(ledger: str | Path, out: str | Path, *, run: int | None = None) -> Path:
    """Write one row a task: options, replicate, seed, state, seconds, attempts, worker, error, and the value's scalars.

    Arrays are described by shape and dtype only; :func:`inscape.runs.outcomes` gives their content.

    Args:
        ledger: the ledger's file.
        out: a file that ends in ``.csv``, ``.json`` or ``.parquet`` (extra ``tables``).
        run: number of a run, None for all.

    Returns:
        The path written.

    Raises:
        InputError: if the ending is unknown.
        OutputError: if the file cannot be written; an older one stays as it was.
    """
    target = Path(out)
    if target.suffix not in _WRITERS:
        raise InputError(f"expected a file that ends in {', '.join(_WRITERS)}, got {str(target)!r}")
    rows = [flattened(outcome) for outcome in outcomes(ledger, run=run)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    content = _WRITERS[target.suffix](names, rows)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}; choose another place") from error
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _csv(names: list[str], rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _json(names: list[str], rows: list[dict[str, Any]]) -> bytes:
    strict = [{name: _finite(row.get(name)) for name in names} for row in rows]
    return json.dumps(strict, indent=1, ensure_ascii=False, allow_nan=False).encode()


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _parquet(names: list[str], rows: list[dict[str, Any]]) -> bytes:
    pandas = require("pandas", "tables")
    require("pyarrow", "tables")
    frame = pandas.DataFrame({name: [row.get(name) for row in rows] for name in names})
    mixed = [name for name in frame if len({type(v) for v in frame[name] if v is not None}) > 1]
    frame[mixed] = frame[mixed].astype(str)
    return frame.to_parquet(index=False)


_WRITERS = {".csv": _csv, ".json": _json, ".parquet": _parquet}
