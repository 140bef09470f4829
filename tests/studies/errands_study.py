"""A tiny study for tests of the shell, in a module that workers can import."""

from inscape.plotting import Table
from inscape.results import Section
from inscape.runs import grid
from inscape.studies import Study


def work(i, rng):
    if i == 2:
        raise ValueError("two does not work")
    return {"i": i, "seed": rng}


def tasks(*, quick):
    return grid(i=range(4 if quick else 6))


def sections(outcomes):
    values = [outcome.value["i"] for outcome in outcomes if outcome.done]
    table = Table(columns={"i": values})
    return [Section(key="numbers", title="Numbers", tables=[table], numbers={"headline": {"sum": sum(values)}})]


STUDY = Study(
    name="tiny", title="A tiny study", question="What is the sum?", function=work, tasks=tasks, sections=sections
)
