"""One string names a policy everywhere: ``game/method/seed[/peerK][/stepN]``.

The same string is the command-line argument, the folder, the column of a table and the label of
a plot. ``bigfish/mutual/0`` is a run, ``bigfish/mutual/0/peer1/step2097152`` one policy of it.
"""

import re
from dataclasses import dataclass

from checkpoints.console import UserError
from checkpoints.doors.reading import shown
from checkpoints.world.games import get_game

UNTRAINED = "untrained"
LARGEST = {"seed": 2**31 - 1, "peer": 63, "step": 10**12}
"""Largest numbers in an id."""
RESERVED = ("self", "peers", "seeds", "steps", "vs", "all")
"""Words that say how two policies are related, and so name no method."""
_LONGEST = 120
_PATTERN = re.compile(
    r"(?P<game>[a-z][a-z0-9-]*)/(?P<method>[a-z0-9-]+)/(?P<seed>[0-9]+)"
    r"(/peer(?P<peer>[0-9]+))?(/step(?P<step>[0-9]+))?"
)


@dataclass(frozen=True, order=True)
class PolicyId:
    """A run, a peer of it, or one kept policy; ``None`` means every peer or the last step."""

    game: str
    method: str
    seed: int
    peer: int | None = None
    step: int | None = None

    def __str__(self) -> str:
        text = f"{self.game}/{self.method}/{self.seed}"
        if self.peer is not None:
            text += f"/peer{self.peer}"
        if self.step is not None:
            text += f"/step{self.step}"
        return text

    @property
    def run(self) -> "PolicyId":
        """The run this policy belongs to."""
        return PolicyId(self.game, self.method, self.seed)

    def covers(self, other: "PolicyId") -> bool:
        """Whether ``other`` is this policy or one of this run's or peer's."""
        return self.run == other.run and all(
            mine is None or mine == theirs
            for mine, theirs in ((self.peer, other.peer), (self.step, other.step))
        )


def parse_id(text: str) -> PolicyId:
    """Read an id; it prints back unchanged.

    A method may bear any name of lower-case letters, digits and hyphens: those that
    ``checkpoints.train`` knows stand in ``checkpoints.policy.recipes``.

    Raises:
        UserError: another form, an unknown game, a word of :data:`RESERVED` for a method.
    """
    match = _PATTERN.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise UserError(
            "expected an id such as bigfish/mutual/0 or bigfish/mutual/0/peer1/step2097152, "
            f"got {shown(text)}"
        )
    get_game(match["game"])
    if match["method"] in RESERVED:
        raise UserError(
            f"{text}: expected a method's name, got {match['method']!r}, a word that tables of "
            f"pairs use, as {', '.join(RESERVED)}; choose another"
        )
    for part, largest in LARGEST.items():
        if match[part] and int(match[part]) > largest:
            raise UserError(f"{text}: expected a {part} of at most {largest:,}")
    peer, step = (int(match[part]) if match[part] else None for part in ("peer", "step"))
    parsed = PolicyId(match["game"], match["method"], int(match["seed"]), peer, step)
    if str(parsed) != text:
        raise UserError(
            f"expected numbers without leading zeros, as in {str(parsed)!r}, got {text!r}"
        )
    return parsed
