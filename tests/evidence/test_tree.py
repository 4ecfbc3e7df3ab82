"""The tree agrees with RFC 6962 read naively, and refuses every proof that is not exactly right."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.verifier import tree
from evidence.verifier.errors import VerificationError
from evidence.verifier.tree import Node

# The eight leaves that the Certificate Transparency reference implementations test with, and their roots.
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def leaves_of(count: int) -> list[bytes]:
    return [tree.leaf_hash(f"leaf {number}".encode()) for number in range(count)]


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if len(leaves) < 2:
        return leaves[0] if leaves else tree.EMPTY_ROOT
    middle = 1 << ((len(leaves) - 1).bit_length() - 1)
    return tree.node_hash(naive_root(leaves[:middle]), naive_root(leaves[middle:]))


def naive_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    middle = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < middle:
        return [*naive_path(index, leaves[:middle]), naive_root(leaves[middle:])]
    return [*naive_path(index - middle, leaves[middle:]), naive_root(leaves[:middle])]


def naive_consistency(old: int, leaves: Sequence[bytes], *, known: bool = True) -> list[bytes]:
    """RFC 6962 section 2.1.2, word for word."""
    if old == len(leaves):
        return [] if known else [naive_root(leaves)]
    middle = 1 << ((len(leaves) - 1).bit_length() - 1)
    if old <= middle:
        return [*naive_consistency(old, leaves[:middle], known=known), naive_root(leaves[middle:])]
    return [*naive_consistency(old - middle, leaves[middle:], known=False), naive_root(leaves[:middle])]


class MemoryTree:
    """Nodes as the database keeps them: complete subtrees only, added by ``Frontier.append``."""

    def __init__(self) -> None:
        self.nodes: dict[Node, bytes] = {}
        self.size = 0

    def read(self, nodes: Sequence[Node]) -> Mapping[Node, bytes]:
        return {node: self.nodes[node] for node in nodes}

    def append(self, leaves: Sequence[bytes]) -> None:
        self.nodes.update(tree.read_frontier(self.size, self.read).append(leaves))
        self.nodes.update({Node(0, self.size + number): leaf for number, leaf in enumerate(leaves)})
        self.size += len(leaves)


def grown(leaves: Sequence[bytes]) -> MemoryTree:
    memory = MemoryTree()
    memory.append(leaves)
    return memory


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_of_the_reference_leaves_are_the_published_ones(size: int) -> None:
    leaves = [tree.leaf_hash(bytes.fromhex(content)) for content in CT_LEAVES[:size]]

    assert tree.tree_root(size, grown(leaves).read).hex() == CT_ROOTS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing_as_its_root() -> None:
    assert tree.tree_root(0, MemoryTree().read).hex() == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


@given(batches=st.lists(st.integers(min_value=0, max_value=40), max_size=8))
def test_a_tree_grown_in_any_batches_has_the_naive_root(batches: list[int]) -> None:
    leaves, memory = leaves_of(sum(batches)), MemoryTree()

    for batch in batches:
        memory.append(leaves[memory.size : memory.size + batch])

    assert tree.tree_root(memory.size, memory.read) == naive_root(leaves)


@given(data=st.data(), size=st.integers(min_value=1, max_value=130))
def test_an_inclusion_proof_is_the_naive_one_and_verifies(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    leaves = leaves_of(size)

    [proof] = tree.inclusion_proofs([index], size, grown(leaves).read)

    assert proof == naive_path(index, leaves)
    tree.check_inclusion(leaves[index], index, size, proof, naive_root(leaves))


@given(data=st.data(), new=st.integers(min_value=1, max_value=130))
def test_a_consistency_proof_is_the_naive_one_and_verifies(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(min_value=1, max_value=new))
    leaves = leaves_of(new)

    proof = tree.consistency_proof(old, new, grown(leaves).read)

    assert proof == naive_consistency(old, leaves)
    tree.check_consistency(old, naive_root(leaves[:old]), new, naive_root(leaves), proof)


@given(data=st.data(), size=st.integers(min_value=2, max_value=70))
def test_a_proof_of_another_length_leaf_place_or_root_is_refused(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    leaves = leaves_of(size)
    root = naive_root(leaves)
    proof = naive_path(index, leaves)
    position = data.draw(st.integers(min_value=0, max_value=len(proof) - 1))
    damaged = [bytes([value[0] ^ 1]) + value[1:] if at == position else value for at, value in enumerate(proof)]

    for refused in (
        (leaves[index], index, size, proof[:-1], root),
        (leaves[index], index, size, [*proof, root], root),
        (leaves[index], index, size, [value[:-1] for value in proof], root),
        (leaves[index], index, size, damaged, root),
        (leaves[index - 1], index, size, proof, root),
        (leaves[index], (index + 1) % size, size, proof, root),
        (leaves[index], size, size, proof, root),
        (leaves[index], -1, size, proof, root),
        (leaves[index], index, size, proof, leaves[0]),
    ):
        with pytest.raises(VerificationError):
            tree.check_inclusion(*refused)


@given(data=st.data(), new=st.integers(min_value=2, max_value=70))
def test_a_wrong_consistency_proof_is_refused(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(min_value=1, max_value=new - 1))
    leaves = leaves_of(new)
    proof, old_root, new_root = naive_consistency(old, leaves), naive_root(leaves[:old]), naive_root(leaves)

    for refused in (
        (old, old_root, new, new_root, proof[:-1]),
        (old, old_root, new, new_root, [*proof, new_root]),
        (old, new_root, new, new_root, proof),
        (old, old_root, new, old_root, proof),
        (new, old_root, old, new_root, proof),
        (0, old_root, new, new_root, proof),
    ):
        with pytest.raises(VerificationError):
            tree.check_consistency(*refused)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 1000)), unique=True))
def test_no_two_nodes_share_a_position(nodes: list[tuple[int, int]]) -> None:
    assert len({Node(*node).position for node in nodes}) == len(nodes)
