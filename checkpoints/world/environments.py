"""Procgen as a Gymnasium vector environment, with its states open for reading and writing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from checkpoints.console import UserError
from checkpoints.world.apart import Died, apart
from checkpoints.world.games import IMAGE_SHAPE, NUM_ACTIONS, Mode, get_game
from checkpoints.world.states import GameState, check_background, read_state, with_background

UNSEEN_START = 1_000_000
_MAX_STATE = 2**20  # bytes, as in Procgen's own wrapper
_TRIAL_STEPS = 64
_TRIAL_SECONDS = 30.0


@dataclass(frozen=True)
class Levels:
    """A contiguous set of level seeds ``start, …, start + count - 1``."""

    start: int
    count: int

    @staticmethod
    def train(count: int) -> "Levels":
        """The first ``count`` levels, as in Cobbe et al. 2020."""
        if not 1 <= count <= UNSEEN_START:
            raise UserError(f"expected 1 to {UNSEEN_START:,} training levels, got {count:,}")
        return Levels(0, count)

    @staticmethod
    def unseen() -> "Levels":
        """100,000 levels that no training set can contain."""
        return Levels(UNSEEN_START, 100_000)


def _import_procgen() -> Any:
    """Import procgen without old gym's notice, or say how to get it."""
    try:
        import gym_notices.notices

        gym_notices.notices.notices.clear()
        import procgen
    except ImportError as error:
        raise UserError(
            "Procgen is needed to train or to draw twins; expected Linux x86-64 with Python 3.11 "
            f"or 3.12, but importing it failed: {error}. Install it: pip install procgen-mirror"
        ) from error
    return procgen


class ProcgenVectorEnv(gymnasium.vector.VectorEnv):
    """``num_envs`` copies of one game, stepped together.

    Observations are ``(num_envs, 64, 64, 3)`` uint8, actions ``(num_envs,)`` integers in 0..14,
    rewards float32. Procgen resets an episode in the step that ends it (Gymnasium's *same-step*
    autoreset), so the observation returned beside ``terminations[i] = True`` is the first of the
    next episode. Procgen does not tell a timeout from an end: ``truncations`` is always False.

    Note:
        Keep an environment: Procgen leaks memory when they are destroyed (openai/procgen#68).
        Arrays returned by ``step`` are views that the next ``step`` overwrites.
    """

    metadata = {"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP}  # noqa: RUF012

    def __init__(
        self,
        game: str,
        *,
        levels: Levels,
        mode: Mode = "easy",
        num_envs: int = 64,
        seed: int = 0,
        num_threads: int = 0,
        backgrounds: Sequence[int] = (),
    ) -> None:
        """Create the environments.

        Args:
            game: one of the 16 names.
            levels: which level seeds may be drawn.
            mode: ``easy`` or ``hard``.
            num_envs: how many run side by side.
            seed: decides the order in which levels are drawn; 0 <= seed < 2**31.
            num_threads: Procgen's own threads; 0 steps in the calling thread.
            backgrounds: every episode is drawn on one of these, the same one whenever its level is
                played; layouts, rewards and all else stay as they are. None leaves the game's own.

        Raises:
            UserError: an unknown game, or a background that it lacks.
        """
        get_game(game)
        self.backgrounds = tuple(check_background(game, b) for b in backgrounds)
        procgen = _import_procgen()
        self.game, self.mode, self.levels = game, mode, levels
        self.num_envs = num_envs
        self.single_observation_space = gymnasium.spaces.Box(0, 255, IMAGE_SHAPE, np.uint8)
        self.single_action_space = gymnasium.spaces.Discrete(NUM_ACTIONS)
        self.observation_space = gymnasium.vector.utils.batch_space(
            self.single_observation_space, num_envs
        )
        self.action_space = gymnasium.vector.utils.batch_space(self.single_action_space, num_envs)
        self._env = procgen.ProcgenGym3Env(
            num=num_envs,
            env_name=game,
            start_level=levels.start,
            num_levels=levels.count,
            distribution_mode=mode,
            rand_seed=seed,
            num_threads=num_threads,
        )
        self._truncations = np.zeros(num_envs, dtype=bool)
        self._buffer = self._env._ffi.new(f"char[{_MAX_STATE}]")
        if self.backgrounds:
            self._redraw(np.ones(num_envs, dtype=bool))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """The present observations; Procgen fixes its seed at creation and cannot be rewound."""
        if seed is not None:
            raise UserError("Procgen is seeded when it is created: pass seed= to the constructor")
        _, observation, _ = self._env.observe()
        return observation["rgb"], {"level_seed": self.level_seeds()}

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Act once in every environment; see the class for shapes."""
        self.step_async(actions)
        return self.step_wait()

    def step_async(self, actions: np.ndarray) -> None:
        """Begin to act; with ``num_threads`` of its own, Procgen goes on while the caller does."""
        given = np.asarray(actions)
        fits = given.shape == (self.num_envs,) and given.dtype.kind in "iu"
        if not fits or given.min() < -1 or given.max() >= NUM_ACTIONS:
            raise UserError(
                f"expected {self.num_envs} whole numbers from 0 to {NUM_ACTIONS - 1}, or -1 to go "
                f"on to the next level, got {given.dtype} of shape {given.shape}; correct what "
                "chooses actions"
            )
        self._env.act(given.astype(np.int32))

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """What came of the actions begun; waits for them."""
        rewards, observation, first = self._env.observe()
        if self.backgrounds and first.any():
            self._redraw(first)
            _, observation, _ = self._env.observe()
        return observation["rgb"], rewards, first, self._truncations, {}

    def _redraw(self, began: np.ndarray) -> None:
        """Put each episode that just began on the background of its level, in place."""
        levels = self.level_seeds()
        for i in np.flatnonzero(began).tolist():
            index = self.backgrounds[levels[i] % len(self.backgrounds)]
            state = with_background(self._state(i), self.game, index)
            self._env.call_c_func("set_state", i, state, len(state))

    def level_seeds(self) -> np.ndarray:
        """The level being played in each environment, ``(num_envs,)`` int."""
        return np.array([info["level_seed"] for info in self._env.get_info()])

    def get_states(self, chosen: Iterable[int] | None = None) -> list[bytes]:
        """Procgen's serialised state of every environment, or of the ``chosen`` ones in order."""
        return [self._state(i) for i in (range(self.num_envs) if chosen is None else chosen)]

    def _state(self, i: int) -> GameState:
        size = self._env.call_c_func("get_state", i, self._buffer, _MAX_STATE)
        return GameState(self._env._ffi.buffer(self._buffer, size))

    def set_states(self, states: Sequence[bytes]) -> np.ndarray:
        """Put ``num_envs`` states back and return what they look like.

        States that are not just as ``get_states`` gave them are tried first: :meth:`try_states`.

        Raises:
            UserError: another number of states, or one that Procgen cannot live with.
        """
        if len(states) != self.num_envs:
            raise UserError(f"expected {self.num_envs} states, one each, got {len(states)}")
        self._env.callmethod("set_state", self.try_states(states))
        return self._env.observe()[1]["rgb"]

    def try_states(self, states: Sequence[bytes]) -> list[bytes]:
        """The states, marked as sound, once a copy of this process has lived in them for a while.

        Raises:
            UserError: no states of this game, or some that end the copy when they are set, drawn or
                stepped 64 times.
        """
        if all(isinstance(state, GameState) for state in states):
            return list(states)
        for state in states:
            with_background(state, self.game, read_state(state).background_index)

        def live(_: np.ndarray) -> None:
            trial = ProcgenVectorEnv(
                self.game, levels=self.levels, mode=self.mode, num_envs=len(states), num_threads=0
            )
            trial._env.callmethod("set_state", list(states))
            draws = np.random.default_rng(0)
            for _step in range(_TRIAL_STEPS):
                trial.step(draws.integers(0, NUM_ACTIONS, len(states)))

        try:
            apart(live, 0, seconds=_TRIAL_SECONDS)
        except Died as error:
            raise UserError(
                f"{self.game}: expected states that Procgen can go on from, but a copy of this "
                f"process did not live through them: {error}. Pass states of get_states(), or undo "
                "the edit"
            ) from error
        return [GameState(state) for state in states]
