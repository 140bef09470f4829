"""The page's last chapter: where its numbers come from."""

import numpy as np

from inscape.network import model_fingerprint
from inscape.plotting import Table
from inscape.results import Context, Provenance, Section, fingerprint


def _data_fingerprint(context: Context) -> str:
    given = [value for value in (context.x, context.y) if value is not None]
    return fingerprint(*(np.asarray(value.detach().cpu()) for value in given)) if given else ""


def section(context: Context) -> Section:
    """Versions, seed, options, fingerprints and the date.

    Args:
        context: the page's context.

    Returns:
        The chapter.
    """
    origin = Provenance(
        function="inscape.report.write",
        options={"max_cells": context.max_cells} | {k: v for k, v in context.options.items() if k != "views"},
        model=model_fingerprint(context.model),
        data=_data_fingerprint(context),
        seed=context.seed,
    )
    facts: dict[str, str] = {
        "made on": origin.created,
        "system": origin.system,
        "seed": str(origin.seed),
        "model": origin.model,
        "data": origin.data or "none given",
    }
    facts |= {f"option {name}": str(value) for name, value in origin.options.items()}
    facts |= {f"version of {name}": text for name, text in origin.versions.items()}
    return Section(
        key="provenance",
        title="Where this comes from",
        paragraphs=["Fingerprints are hashes: two pages with the same fingerprints looked at the same model and data."],
        tables=[Table(columns={"what": list(facts), "value": list(facts.values())}, caption="")],
        numbers={
            "created": origin.created,
            "seed": origin.seed,
            "model": origin.model,
            "data": origin.data,
            "options": origin.options,
            "versions": origin.versions,
            "system": origin.system,
        },
    )
