"""Any PyTorch model in: a topological list of operations that evaluates in float64."""

from inscape.network._archive import save_pt2 as save_pt2
from inscape.network._fingerprint import model_fingerprint as model_fingerprint
from inscape.network._load import load as load
from inscape.network._network import Network as Network
from inscape.network._read import read as read
