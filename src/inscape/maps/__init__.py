"""What a model predicts on a plane, and how sure it is: label, confidence, margin, distance, transition slabs."""

from inscape.maps._map import PredictionMap as PredictionMap
from inscape.maps._predict import predict as predict
from inscape.maps._slabs import Slabs as Slabs
from inscape.maps._slabs import slabs as slabs
from inscape.maps._slabs import transition_halfwidth as transition_halfwidth
