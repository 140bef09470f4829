"""Compiled kernels for polytopes of few dimensions: small linear programs, rays, which half-spaces are facets."""

import numpy as np

from inscape.geometry._kernels_compile import kernel, small_kernel

OPTIMAL, UNBOUNDED, FAILED = 0, 1, 2
OPEN, FACET, REDUNDANT, LEFT = 0, 1, 2, 3

_SHALLOW = 1e-10
_DEPENDENT = 1e-11


@small_kernel
def _dot(a, b):
    total = 0.0
    for c in range(a.shape[0]):
        total += a[c] * b[c]
    return total


@kernel
def _project(normals, active, k, p, q, r, weight):
    """Orthonormal rows q of the active normals, and the part of p that is orthogonal to them; False if dependent."""
    d = p.shape[0]
    for i in range(k):
        for c in range(d):
            q[i, c] = normals[active[i], c]
        for j in range(i):
            r[j, i] = 0.0
        for _ in range(2):
            for j in range(i):
                s = _dot(q[j], q[i])
                r[j, i] += s
                for c in range(d):
                    q[i, c] -= s * q[j, c]
        size = np.sqrt(_dot(q[i], q[i]))
        if size < _DEPENDENT:
            return False
        r[i, i] = size
        for c in range(d):
            q[i, c] /= size
        weight[i] = 0.0
    for _ in range(2):
        for i in range(k):
            s = _dot(q[i], p)
            weight[i] += s
            for c in range(d):
                p[c] -= s * q[i, c]
    return True


@kernel
def ascend(normals, bound, known, objective, x, p, q, r, weight, active):
    """Maximise over the known half-spaces from the origin, which lies strictly inside, along their faces.

    Args:
        normals: (m, d) unit normals.
        bound: (m,) right-hand sides > 0.
        known: (m,) which half-spaces hold.
        objective: (d,) direction of length 1 or near.
        x: (d,) receives the optimum.
        p: (d,) receives the ray where there is no optimum.
        q, r: (d, d) room.
        weight: (d,) room.
        active: (d,) room for half-spaces.

    Returns:
        OPTIMAL, UNBOUNDED or FAILED.
    """
    m, d = normals.shape
    k, still = 0, 0
    for c in range(d):
        x[c] = 0.0
    for _ in range(20 * (d + 5)):
        for c in range(d):
            p[c] = objective[c]
        if not _project(normals, active, k, p, q, r, weight):
            return FAILED
        size = np.sqrt(_dot(p, p))
        if k == d or size <= _DEPENDENT:
            drop, least = -1, -_DEPENDENT
            for i in range(k - 1, -1, -1):
                s = weight[i]
                for j in range(i + 1, k):
                    s -= r[i, j] * weight[j]
                weight[i] = s / r[i, i]
                if weight[i] < -_DEPENDENT and (
                    weight[i] < least if still <= d else drop < 0 or active[i] < active[drop]
                ):
                    drop, least = i, weight[i]
            if drop < 0:
                break
            for i in range(drop, k - 1):
                active[i] = active[i + 1]
            k -= 1
            continue
        hit, time = -1, np.inf
        for j in range(m):
            if known[j]:
                speed = _dot(normals[j], p)
                if speed > _SHALLOW * size:
                    t = max(bound[j] - _dot(normals[j], x), 0.0) / speed
                    if t < time:
                        hit, time = j, t
        if hit < 0:
            return UNBOUNDED
        still = still + 1 if time * size <= 1e-13 else 0
        for c in range(d):
            x[c] += time * p[c]
        active[k] = hit
        k += 1
    else:
        return FAILED
    for j in range(m):
        if known[j] and _dot(normals[j], x) - bound[j] > 1e-10 * (1.0 + bound[j]):
            return FAILED
    return OPTIMAL


@kernel
def first_hit(normals, slack, margin, ray):
    """The half-space that a ray from the origin hits first and alone, -1 for none; and when."""
    hit, time = -1, np.inf
    for j in range(normals.shape[0]):
        speed = _dot(normals[j], ray)
        if speed > 0.0 and slack[j] < time * speed:
            hit, time = j, slack[j] / speed
    if hit < 0:
        return -1, 0.0
    for j in range(normals.shape[0]):
        if j != hit and slack[j] - time * _dot(normals[j], ray) <= margin[j]:
            return -1, 0.0
    return hit, time


@kernel
def _shoot(normals, slack, margin, rays, state, known, points, reach):
    """Find facets by rays; of each facet keep the hit that is nearest to the origin."""
    for i in range(rays.shape[0]):
        hit, time = first_hit(normals, slack, margin, rays[i])
        if hit >= 0 and (state[hit] == OPEN or reach[hit] < np.inf):
            state[hit] = FACET
            known[hit] = True
            far = time * np.sqrt(_dot(rays[i], rays[i]))
            if far < reach[hit]:
                reach[hit] = far
                for c in range(normals.shape[1]):
                    points[hit, c] = time * rays[i, c]


@kernel
def _towards(normals, slack, margin, target, noise, state, points, ray):
    """A new facet on the way to a target or near it, -1 if there is none."""
    size = np.sqrt(_dot(target, target))
    spread = 0.0
    for i in range(noise.shape[0]):
        for c in range(target.shape[0]):
            ray[c] = target[c] + spread * size * noise[i, c]
        hit, time = first_hit(normals, slack, margin, ray)
        if hit >= 0 and state[hit] == OPEN:
            for c in range(target.shape[0]):
                points[hit, c] = time * ray[c]
            return hit
        spread = 0.01 if i == 0 else spread * 0.01
    return -1


@kernel
def settle(normals, slack, margin, order, rays, noise, state, known, points, reach, vectors, q, r, active):
    """Decide which open half-spaces around the origin are facets.

    Args:
        normals: (m, d) unit normals.
        slack: (m,) distances from the origin, > 0.
        margin: (m,) distances that do not decide.
        order: (m,) half-spaces in the order in which they are looked at.
        rays: (k, d) directions to shoot in first.
        noise: (t, d) random directions that break ties.
        state: (m,) OPEN or FACET; receives FACET, REDUNDANT, or LEFT where the kernel gives up.
        known: (m,) True for walls, which hold without proof; receives the facets.
        points: (m, d) zeros; receives a point of each facet.
        reach: (m,) infinities; receives how far the points are that were found by rays.
        vectors: (4, d) room.
        q, r: (d, d) room.
        active: (d,) room.

    Returns:
        Number of half-spaces that were decided within their margin.
    """
    x, p, weight, ray = vectors[0], vectors[1], vectors[2], vectors[3]
    _shoot(normals, slack, margin, rays, state, known, points, reach)
    uncertain = 0
    for position in range(order.shape[0]):
        row = order[position]
        while state[row] == OPEN:
            outcome = ascend(normals, slack, known, normals[row], x, p, q, r, weight, active)
            if outcome == FAILED:
                state[row] = LEFT
                break
            if outcome == OPTIMAL:
                excess = _dot(normals[row], x) - slack[row]
                if excess <= margin[row]:
                    state[row] = REDUNDANT
                    uncertain += excess >= -margin[row]
                    break
            new = _towards(normals, slack, margin, x if outcome == OPTIMAL else p, noise, state, points, ray)
            if new < 0:
                state[row] = LEFT
            else:
                state[new] = FACET
                known[new] = True
    return uncertain


@kernel
def link_planes(unit, doubt, key, order, reach, number):
    """Number planes; those that agree with an earlier one up to their doubts get its number.

    Args:
        unit: (m, d + 1) normal of length 1 and offset, oriented.
        doubt: (m,) how far an entry may be off.
        key: (m,) one number for each plane, equal for equal planes up to ``reach``.
        order: (m,) planes by ascending key.
        reach: largest difference of the keys of two equal planes.
        number: (m,) receives the numbers.

    Returns:
        How many numbers there are.
    """
    d = unit.shape[1] - 1
    count = 0
    for position in range(order.shape[0]):
        i = order[position]
        number[i] = -1
        back = position - 1
        while back >= 0 and key[i] - key[order[back]] <= reach:
            j = order[back]
            allowed = doubt[i] + doubt[j]
            total = 0.0
            for c in range(d):
                total += (unit[i, c] - unit[j, c]) ** 2
            if total <= allowed**2 and abs(unit[i, d] - unit[j, d]) <= allowed * (1.0 + abs(unit[j, d])):
                number[i] = number[j]
                break
            back -= 1
        if number[i] < 0:
            number[i] = count
            count += 1
    return count
