"""Parameter space: a model as a function of its parameters."""

from inscape.parameters._borrowed import Borrowed as Borrowed
from inscape.parameters._borrowed import borrowed as borrowed
