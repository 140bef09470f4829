"""The library's errors and warning: every message says what was given, what was expected and what to do."""


class InscapeError(Exception):
    """Base of every error that this library raises on purpose."""


class InputError(InscapeError, ValueError):
    """An argument has a value that the function cannot work with."""


class InputTypeError(InscapeError, TypeError):
    """An argument has the wrong type."""


class ModelError(InscapeError, ValueError):
    """The model cannot be read: non-finite weights, a shape that does not fit, train-mode statistics."""


class UnsupportedLayerError(InscapeError, TypeError):
    """The model holds an operation that the asked-for quantity is not defined or not exact for."""


class DomainError(InscapeError, ValueError):
    """A box, segment or plane that is empty, degenerate or of the wrong dimension."""


class BudgetError(InscapeError, ValueError):
    """The work does not fit the limits that were given; a smaller domain or a larger limit is needed."""


class DataError(InscapeError, ValueError):
    """A data set that is missing, empty, damaged or unfit for the question."""


class FileFormatError(InscapeError, ValueError):
    """A file that is truncated, foreign, tampered with, of a newer schema, or unsafe to open."""


class OutputError(InscapeError, OSError):
    """A result could not be written; what was there before is intact."""


class TaskError(InscapeError, RuntimeError):
    """A task of a run did not end well, and its value was asked for."""


class DependencyError(InscapeError, ImportError):
    """An optional dependency is needed here and is not installed."""


class InscapeWarning(UserWarning):
    """Something the caller should know, that does not stop the work."""
