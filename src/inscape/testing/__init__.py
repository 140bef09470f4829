"""For tests of one's own: constructions with known counts, slow oracles, hypothesis strategies."""

from inscape.testing._arrangements import KINDS as KINDS
from inscape.testing._arrangements import Arrangement as Arrangement
from inscape.testing._arrangements import braid as braid
from inscape.testing._arrangements import enclosing_box as enclosing_box
from inscape.testing._arrangements import grid as grid
from inscape.testing._arrangements import moment_curve as moment_curve
from inscape.testing._arrangements import random_arrangement as random_arrangement
from inscape.testing._constructions import arrangement_net as arrangement_net
from inscape.testing._constructions import braid_net as braid_net
from inscape.testing._constructions import grid_net as grid_net
from inscape.testing._constructions import montufar_net as montufar_net
from inscape.testing._constructions import sawtooth as sawtooth
from inscape.testing._constructions import sequential as sequential
from inscape.testing._distances import distance_by_milp as distance_by_milp
from inscape.testing._distances import distance_by_patterns as distance_by_patterns
from inscape.testing._networks import NET_KINDS as NET_KINDS
from inscape.testing._networks import random_net as random_net
from inscape.testing._oracles import breakpoints_by_bisection as breakpoints_by_bisection
from inscape.testing._oracles import cells_by_dense_sampling as cells_by_dense_sampling
from inscape.testing._oracles import cells_by_lp as cells_by_lp
from inscape.testing._oracles import count_by_lp as count_by_lp
from inscape.testing._oracles import layers_of as layers_of
from inscape.testing._strategies import arrangements as arrangements
from inscape.testing._strategies import relu_nets as relu_nets
from inscape.testing._untouched import unchanged as unchanged
