"""Compiled kernels: a complex over the two-element field, made small by pairing faces with facets."""

from inscape.geometry._kernels_compile import kernel


@kernel
def transpose(start, below, above_start, above):
    """Turn a list of facets into a list of cofacets.

    Args:
        start: (n + 1,) face i has the facets below[start[i]:start[i + 1]].
        below: facets.
        above_start: (n + 1,) receives where the cofacets of each face begin; zeros.
        above: receives cofacets.
    """
    for j in range(below.shape[0]):
        above_start[below[j] + 1] += 1
    for i in range(above_start.shape[0] - 1):
        above_start[i + 1] += above_start[i]
    for i in range(start.shape[0] - 1):
        for j in range(start[i], start[i + 1]):
            above[above_start[below[j]]] = i
            above_start[below[j]] += 1
    for i in range(above_start.shape[0] - 1, 0, -1):
        above_start[i] = above_start[i - 1]
    above_start[0] = 0


@kernel
def _remove(face, clock, coboundary, left, stack, top, place):
    """Remove a face; returns the fill of the stack of faces with one facet left."""
    above_start, above = coboundary
    place[face] = clock
    for j in range(above_start[face], above_start[face + 1]):
        left[above[j]] -= 1
        if left[above[j]] == 1:
            stack[top] = above[j]
            top += 1
    return top


@kernel
def coreduce(boundary, coboundary, left, stack, place, partner):
    """Take a complex apart: remove pairs of a face and its only facet that is left; without such, a lowest face.

    Faces are numbered by ascending dimension. What is removed has no facets left, or only its partner.

    Args:
        boundary: start (n + 1,) and facets of every face.
        coboundary: start (n + 1,) and cofacets of every face.
        left: (n,) number of facets of every face that are left; changed.
        stack: (n,) scratch.
        place: (n,) receives when a face was removed; all -1.
        partner: (n,) receives the face with which it was removed, -1 for none; all -1.

    Source:
        Mrozek and Batko (2009), Coreduction homology algorithm.
    """
    start, below = boundary
    clock, top, lowest = 0, 0, 0
    for face in range(place.shape[0]):
        if left[face] == 1:
            stack[top] = face
            top += 1
    while clock < place.shape[0]:
        if top > 0:
            top -= 1
            face = stack[top]
            if place[face] >= 0 or left[face] != 1:
                continue
            facet = -1
            for j in range(start[face], start[face + 1]):
                if place[below[j]] < 0:
                    facet = below[j]
            partner[facet], partner[face] = face, facet
            top = _remove(facet, clock, coboundary, left, stack, top, place)
            top = _remove(face, clock + 1, coboundary, left, stack, top, place)
            clock += 2
        else:
            while place[lowest] >= 0:
                lowest += 1
            top = _remove(lowest, clock, coboundary, left, stack, top, place)
            clock += 1


@kernel
def _push(heap, size, value):
    i = size
    heap[i] = value
    while i > 0 and heap[(i - 1) // 2] < heap[i]:
        heap[i], heap[(i - 1) // 2] = heap[(i - 1) // 2], heap[i]
        i = (i - 1) // 2
    return size + 1


@kernel
def _pop(heap, size):
    largest = heap[0]
    heap[0] = heap[size - 1]
    size -= 1
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] > heap[child]:
            child += 1
        if heap[child] <= heap[i]:
            break
        heap[i], heap[child] = heap[child], heap[i]
        i = child
    return largest, size


@kernel
def critical_boundary(face, boundary, removed, partner, scratch, out):
    """Boundary of an unpaired face in the small complex of unpaired faces, over the two-element field.

    A facet that was removed together with a face above it is replaced by the other facets of that face, latest first.

    Args:
        face: an unpaired face.
        boundary: start (n + 1,) and facets of every face.
        removed: place (n,) of each face in the order of removal, and face (n,) at each place.
        partner: (n,) from :func:`coreduce`.
        scratch: heap (n,), parity (n,) and queued (n,), both all False; they are left so.
        out: receives unpaired faces.

    Returns:
        How many faces the boundary has.
    """
    start, below = boundary
    place, at = removed
    heap, parity, queued = scratch
    size, found, current = 0, 0, face
    while True:
        for j in range(start[current], start[current + 1]):
            p = place[below[j]]
            parity[p] = not parity[p]
            if not queued[p]:
                queued[p] = True
                size = _push(heap, size, p)
        current = -1
        while size > 0 and current < 0:
            p, size = _pop(heap, size)
            queued[p] = False
            if not parity[p]:
                continue
            facet = at[p]
            if partner[facet] < 0:
                out[found] = facet
                found += 1
                parity[p] = False
            elif place[partner[facet]] > p:
                current = partner[facet]  # its boundary holds this facet and takes it out
            else:
                parity[p] = False
        if current < 0:
            return found
