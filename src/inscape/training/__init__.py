"""Training: one plain loop with exact resume, its history, and small networks to start with."""

from inscape.training._evaluate import accuracy as accuracy
from inscape.training._fit import Fit as Fit
from inscape.training._fit import fit as fit
from inscape.training._history import History as History
from inscape.training._models import mlp as mlp
from inscape.training._models import small_convnet as small_convnet
from inscape.training._recipe import Recipe as Recipe
from inscape.training._recorder import Recorder as Recorder
from inscape.training._recorder import SnapshotRecorder as SnapshotRecorder
