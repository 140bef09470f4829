"""Data sets on board and the user's own, as pairs of tensors; nothing is ever downloaded."""

from inscape.data._batches import Batches as Batches
from inscape.data._batches import batches as batches
from inscape.data._card import DataCard as DataCard
from inscape.data._check import check as check
from inscape.data._load import card as card
from inscape.data._load import load as load
from inscape.data._load import names as names
from inscape.data._split import split as split
