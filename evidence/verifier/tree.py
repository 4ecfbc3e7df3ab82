"""The Merkle tree of RFC 6962 section 2.1: roots, inclusion proofs and consistency proofs.

Two kinds of function live here. The verifying ones take a proof from a stranger and recompute the root (RFC 9162
sections 2.1.3.2 and 2.1.4.2); a proof of the wrong length is refused, never padded or cut. The building ones read
the hashes of *complete* subtrees, which never change once written, so that each costs O(log n) reads.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from evidence.verifier.errors import VerificationError

HASH_LENGTH: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


class Node(NamedTuple):
    """A complete subtree: 2**level leaves from ``number * 2**level`` on. Level 0 is a leaf."""

    level: int
    number: int

    @property
    def position(self) -> int:
        """The node's in-order number: leaves take the even ones, and no two nodes share one."""
        return ((2 * self.number + 1) << self.level) - 1


ReadNodes = Callable[[Sequence[Node]], Mapping[Node, bytes]]


def leaf_hash(content: bytes) -> bytes:
    """SHA-256(0x00 ‖ content)."""
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


# Building


def complete_subtrees(start: int, end: int) -> list[Node]:
    """The complete subtrees that make up leaves [start, end), left to right.

    ``start`` must be a multiple of the size of the largest of them, as every subtree of a Merkle tree is.
    """
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append(Node(level, start >> level))
        start += 1 << level
    return nodes


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash of the tree whose complete subtrees, left to right, have these hashes."""
    if not hashes:
        return EMPTY_ROOT
    folded = hashes[-1]
    for left in reversed(hashes[:-1]):
        folded = node_hash(left, folded)
    return folded


class Frontier:
    """The right edge of a tree: the hashes of ``complete_subtrees(0, size)``, all that appending and the root need."""

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self._hashes = list(hashes)

    def append(self, leaves: Iterable[bytes]) -> list[tuple[Node, bytes]]:
        """Add leaves; returns the complete subtrees above the leaves that this brings."""
        grown = []
        for leaf in leaves:
            node, value = Node(0, self.size), leaf
            while node.number & 1:
                node, value = Node(node.level + 1, node.number >> 1), node_hash(self._hashes.pop(), value)
                grown.append((node, value))
            self._hashes.append(value)
            self.size += 1
        return grown

    @property
    def root(self) -> bytes:
        """The root over everything appended so far."""
        return fold(self._hashes)


def read_frontier(size: int, read: ReadNodes) -> Frontier:
    """The right edge of the stored tree of ``size`` leaves."""
    nodes = complete_subtrees(0, size)
    known = read(nodes)
    return Frontier(size, [known[node] for node in nodes])


def tree_root(size: int, read: ReadNodes) -> bytes:
    """The root over the first ``size`` leaves."""
    return read_frontier(size, read).root


def inclusion_proofs(indexes: Sequence[int], size: int, read: ReadNodes) -> list[list[bytes]]:
    """The audit path of each leaf in the tree of ``size`` leaves, lowest sibling first; one read for all of them."""
    paths = [_inclusion_ranges(index, size) for index in indexes]
    hashes = iter(_range_hashes([span for path in paths for span in path], read))
    return [[next(hashes) for _ in path] for path in paths]


def consistency_proof(old: int, new: int, read: ReadNodes) -> list[bytes]:
    """The proof that the tree of ``new`` leaves begins with the tree of ``old`` leaves (RFC 6962 section 2.1.2)."""
    if not 0 < old <= new:
        raise ValueError(f"no consistency proof from {old} to {new} leaves")
    return _range_hashes(_consistency_ranges(old, new), read)


def _range_hashes(spans: Sequence[tuple[int, int]], read: ReadNodes) -> list[bytes]:
    nodes = [complete_subtrees(start, end) for start, end in spans]
    known = read([node for group in nodes for node in group])
    return [fold([known[node] for node in group]) for group in nodes]


def _split(size: int) -> int:
    """The largest power of two smaller than ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


def _inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size} leaves")
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def _consistency_ranges(old: int, new: int) -> list[tuple[int, int]]:
    start, end, path = 0, new, []
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    # The old root itself is known to the verifier; a proper subtree of it is not.
    return path[::-1] if start == 0 else [(start, end), *path[::-1]]


# Verifying


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root to which an inclusion proof leads; raises VerificationError when its shape is wrong."""
    if not 0 <= index < size:
        raise VerificationError(f"leaf {index} is outside the tree of {size} leaves")
    _check_hashes(proof)
    expected = len(_inclusion_ranges(index, size))
    if len(proof) != expected:
        raise VerificationError(f"the proof of leaf {index} has {len(proof)} hashes where {expected} are needed")
    fn, sn, value = index, size - 1, leaf
    for sibling in proof:
        if fn & 1 or fn == sn:
            value = node_hash(sibling, value)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            value = node_hash(value, sibling)
        fn, sn = fn >> 1, sn >> 1
    return value


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf is at ``index`` of the tree with this root; raises VerificationError."""
    if root_from_inclusion(leaf, index, size, proof) != root:
        raise VerificationError(f"leaf {index} does not lead to the signed root of {size} leaves")


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the new tree begins with the old one; raises VerificationError."""
    if not 0 < old <= new:
        raise VerificationError(f"a tree of {new} leaves cannot continue one of {old}")
    _check_hashes(proof)
    expected = len(_consistency_ranges(old, new))
    if len(proof) != expected:
        raise VerificationError(f"the consistency proof has {len(proof)} hashes where {expected} are needed")
    if old == new:
        first, second = new_root, old_root
    else:
        first, second = _roots_from_consistency(old, old_root, new, proof)
    if first != old_root or second != new_root:
        raise VerificationError(f"the tree of {new} leaves does not begin with the signed tree of {old}")


def _roots_from_consistency(old: int, old_root: bytes, new: int, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    # A tree whose size is a power of two is a complete subtree of the new one, and its root starts the path.
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if fn & 1 or fn == sn:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = node_hash(second, sibling)
        fn, sn = fn >> 1, sn >> 1
    return first, second


def _check_hashes(proof: Sequence[bytes]) -> None:
    if any(len(value) != HASH_LENGTH for value in proof):
        raise VerificationError(f"a proof hash is not {HASH_LENGTH} bytes long")
