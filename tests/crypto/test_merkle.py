"""The tree of the audit log: published roots, and proofs of every kind in every small tree."""

import itertools

import pytest

from rxauth.crypto.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    proves_consistency,
    proves_inclusion,
)

# The leaves and roots that implementations of RFC 6962 and RFC 9162 test themselves with.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
MOST = 20
HASHES = [leaf_hash(bytes([number])) for number in range(MOST)]


def root_of(hashes: list[bytes]) -> bytes:
    """Returns the root of a tree of leaf hashes."""
    tree = Frontier()
    for one in hashes:
        tree.append(one)
    return tree.root()


@pytest.mark.parametrize(("size", "root"), ROOTS.items(), ids=str)
def test_roots_are_those_that_are_published(size: int, root: str) -> None:
    assert root_of([leaf_hash(leaf) for leaf in LEAVES[:size]]).hex() == root


def test_a_frontier_goes_on_where_it_was_put_down() -> None:
    for size in range(MOST):
        tree = Frontier()
        for one in HASHES[:size]:
            tree.append(one)
        again = Frontier(tree.size, tree.encoded())
        assert (again.size, again.root()) == (size, tree.root())
        again.append(HASHES[size])
        assert again.root() == root_of(HASHES[: size + 1])
    assert Frontier().root() == EMPTY_ROOT
    with pytest.raises(ValueError, match="not the frontier"):
        Frontier(3, b"")


def test_every_leaf_is_proven_to_be_in_every_tree_and_nothing_else_is() -> None:
    for size in range(1, MOST + 1):
        root = root_of(HASHES[:size])
        for index in range(size):
            path = [root_of(HASHES[low:high]) for low, high in inclusion_ranges(index, size)]
            assert proves_inclusion(HASHES[index], index, size, path, root)
            assert not proves_inclusion(leaf_hash(b"another"), index, size, path, root)
            assert not proves_inclusion(HASHES[index], index, size, [*path, EMPTY_ROOT], root)
            assert not proves_inclusion(HASHES[index], (index + 1) % size, size, path, root) or size == 1
            assert not path or not proves_inclusion(HASHES[index], index, size, path[:-1], root)
    assert not proves_inclusion(HASHES[0], 1, 1, [], HASHES[0])


def test_every_tree_is_proven_to_begin_every_larger_one_and_no_other_does() -> None:
    for first, second in itertools.combinations_with_replacement(range(1, MOST + 1), 2):
        old, new = root_of(HASHES[:first]), root_of(HASHES[:second])
        path = [root_of(HASHES[low:high]) for low, high in consistency_ranges(first, second)]
        forked = root_of([*HASHES[: first - 1], leaf_hash(b"another")])
        assert proves_consistency(first, second, path, old, new)
        assert not proves_consistency(first, second, path, forked, new)
        assert not proves_consistency(first, second, [*path, EMPTY_ROOT], old, new)
        assert first == second or not proves_consistency(first, second, path[:-1], old, new)
    assert not proves_consistency(0, 1, [], EMPTY_ROOT, HASHES[0])


@pytest.mark.parametrize(("index", "size"), [(1, 1), (-1, 1), (0, 0)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_ranges(index, size)


@pytest.mark.parametrize(("first", "second"), [(0, 1), (2, 1)])
def test_there_is_no_proof_between_trees_that_do_not_follow_each_other(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="first tree"):
        consistency_ranges(first, second)


def test_au_6_a_leaf_that_equals_an_inner_node_has_another_hash() -> None:
    left, right = HASHES[:2]
    assert leaf_hash(b"\x01" + left + right) != node_hash(left, right)
    assert leaf_hash(left + right) != node_hash(left, right)
