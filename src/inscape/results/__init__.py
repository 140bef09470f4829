"""Results: what an answer says, what it is worth, where it comes from, and its file."""

from inscape.results._provenance import Provenance as Provenance
from inscape.results._provenance import fingerprint as fingerprint
from inscape.results._result import Result as Result
from inscape.results._result import from_bytes as from_bytes
from inscape.results._result import load as load
from inscape.results._section import Context as Context
from inscape.results._section import Figure as Figure
from inscape.results._section import Section as Section
from inscape.results._status import EXACT as EXACT
from inscape.results._status import MEASURED as MEASURED
from inscape.results._status import Status as Status
from inscape.results._status import Verdict as Verdict
