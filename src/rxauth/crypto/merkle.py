"""The Merkle tree of RFC 9162 §2.1 over SHA-256: roots, and proofs that an entry or an older tree is in a tree."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
Range = tuple[int, int]  # leaves from the first number up to, and without, the second


def leaf_hash(entry: bytes) -> bytes:
    """Hashes an entry; its first byte keeps an entry from posing as an inner node."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hashes two subtrees."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that only grows, in as many hashes as its size has bits set."""

    __slots__ = ("_roots", "size")

    def __init__(self, size: int = 0, encoded: bytes = b"") -> None:
        if len(encoded) != HASH_BYTES * size.bit_count():
            raise ValueError("not the frontier of a tree of that size")
        self.size = size
        self._roots = [encoded[at : at + HASH_BYTES] for at in range(0, len(encoded), HASH_BYTES)]

    def append(self, leaf: bytes) -> None:
        """Adds a leaf, by its hash."""
        full = self.size
        while full & 1:
            leaf = node_hash(self._roots.pop(), leaf)
            full >>= 1
        self._roots.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Returns the hash of the tree so far."""
        if not self._roots:
            return EMPTY_ROOT
        root = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            root = node_hash(left, root)
        return root

    def encoded(self) -> bytes:
        """Returns what the constructor takes back."""
        return b"".join(self._roots)


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Returns the subtrees whose roots prove that leaf `index` is in a tree (RFC 9162 §2.1.3.1), lowest first."""
    if not 0 <= index < size:
        raise ValueError("there is no such leaf")
    low, high, path = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            low = middle
    return path[::-1]


def consistency_ranges(first: int, second: int) -> list[Range]:
    """Returns the subtrees whose roots prove that one tree begins another (RFC 9162 §2.1.4.1), lowest first."""
    if not 0 < first <= second:
        raise ValueError("the first tree has a leaf, and no more than the second")
    low, high, path = 0, second, []
    while high != first:
        middle = low + _split(high - low)
        if first <= middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            low = middle
    if low > 0:  # else it is the first tree itself, which the verifier has
        path.append((low, high))
    return path[::-1]


def proves_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Tells whether `path` leads from a leaf to a root (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    here, last = index, size - 1
    for sibling in path:
        if last == 0:
            return False
        if here & 1 or here == last:
            leaf = node_hash(sibling, leaf)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            leaf = node_hash(leaf, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and leaf == root


def proves_consistency(first: int, second: int, path: Sequence[bytes], first_root: bytes, second_root: bytes) -> bool:
    """Tells whether `path` shows that the first tree begins the second (RFC 9162 §2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    hashes = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not path:
        return False
    here, last = first - 1, second - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and (old, new) == (first_root, second_root)


def _split(size: int) -> int:
    """Returns the largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
