"""Any PyTorch model in: a topological list of operations that evaluates in float64."""

from inscape.network._network import Network as Network
from inscape.network._read import read as read
