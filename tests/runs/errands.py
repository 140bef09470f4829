"""Task functions of the tests, in a module that worker processes can import; what is heavy is imported inside."""

import os
import signal
import time
from pathlib import Path

import numpy as np


def same(i):
    return i


def seeded(i, rng):
    return {"i": i, "seed": rng, "draw": np.random.default_rng(rng).standard_normal(3)}


def trained(width, rng):
    """A few steps of gradient descent, whose bits depend on the seed alone."""
    import torch

    from inscape.training import mlp

    source = np.random.default_rng(rng)
    model = mlp([2, width, 1], rng=rng)
    x = torch.tensor(source.standard_normal((64, 2)), dtype=torch.float32)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()
    return np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])


def threads(i):
    """Threads for arithmetic in the worker."""
    import torch

    return torch.get_num_threads()


def total(i, shared):
    return float(shared["x"].sum()) + i


def noted(i, log):
    """Write down that this was computed, in one atomic write."""
    with Path(log).open("a") as handle:
        handle.write(f"{i}\n")
    return i * i


def slowly_noted(i, log, rng):
    time.sleep(0.05)
    with Path(log).open("a") as handle:
        handle.write(f"{i}\n")
    return {"i": i, "seed": rng}


def bad(i):
    if i == 3:
        raise ValueError("three is\nbad")
    return i


def second_time(i, log):
    """Fails at the first attempt."""
    seen = Path(log).exists()
    with Path(log).open("a") as handle:
        handle.write("x")
    if not seen:
        raise RuntimeError("not yet")
    return i


def leaves(i):
    raise SystemExit(7)


def strange(i):
    """A value that no ledger takes."""
    return {"fine": 1, "deep": [{1, 2}]}


def unsendable(i):
    """A value that cannot be pickled."""
    return (k for k in range(i))


def deadly(i, poison):
    """Kills its own process if it is poisoned."""
    time.sleep(0.01)
    if i in poison:
        os.kill(os.getpid(), signal.SIGKILL)
    return i


def slow(i):
    if i == 2:
        time.sleep(60)
    return i


def deaf(i):
    """Does not hear the alarm, as compiled code does not."""
    if i == 2:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        time.sleep(60)
    return i


def large(i, size=200_000):
    return np.full(size, i, dtype=np.int8)


def stored(i):
    """A Result."""
    from inscape.results import MEASURED, Provenance
    from inscape.training import History

    curve = np.linspace(1, 0, i)
    return History(
        loss=curve,
        accuracy=curve,
        test_loss=curve,
        test_accuracy=curve,
        learning_rate=curve,
        seconds=curve,
        steps=i,
        status=MEASURED,
        provenance=Provenance(function="errand"),
    )


class Counted:
    """A shared value that writes a line whenever it is unpickled."""

    def __init__(self, log, size):
        self.log, self.data = log, np.ones(size, dtype=np.uint8)

    def __setstate__(self, state):
        self.__dict__.update(state)
        with Path(self.log).open("a") as handle:
            handle.write(f"{os.getpid()}\n")


def weighed(i, shared):
    return int(shared.data.sum()) + i


def spoiled(i, shared):
    """Writes into its copy of the shared value."""
    shared["x"][:] = -1
    return i


def marked(shared, i):
    from inscape.results import fingerprint

    return fingerprint(shared["x"])
