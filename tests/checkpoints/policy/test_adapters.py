"""Any torch module where a policy stands: read, drawn on twins, compared; and what is refused."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from analysis.measures.cka import cka
from analysis.measures.level_sums import LevelWeights
from analysis.policies.features import read
from analysis.policies.subjects import Subject, check_fits
from analysis.scenes.bank import Bank, StateList
from analysis.scenes.twin_sets import twin_set
from analysis.stats.clusters import cluster_weights
from analysis.studies.similarity.cka import compare_all
from checkpoints.console import UserError
from checkpoints.policy.adapters import Adapted
from checkpoints.policy.encoders import Policy
from checkpoints.policy.ids import parse_id
from checkpoints.policy.recipes import LAYERS
from tests.support.played import play


class Other(nn.Module):
    """As another library writes it: channels first, an in-place ReLU, values (n, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(3, 4, 8, 8), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(256, 12)
        )
        self.pi, self.v = nn.Linear(12, 15), nn.Linear(12, 1)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk(pixels)
        return self.pi(features), self.v(features)


def adapted(**given) -> Adapted:
    torch.manual_seed(0)
    network = Other()
    usual = {"forward": lambda frames: network(frames.permute(0, 3, 1, 2) / 255)}
    return Adapted(network, ("trunk.0", "trunk.3"), **usual | given)


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (10, 64, 64, 3), dtype=np.uint8)


def test_layers_and_decisions_are_those_of_the_module(frames: np.ndarray):
    policy = adapted()
    reading = read(policy, frames)
    network, pixels = policy.encoder, torch.from_numpy(frames).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        conv = network.trunk[0](pixels)
        logits, values = network(pixels)
    assert reading.layers["trunk.0"] == pytest.approx(conv.flatten(1).numpy(), abs=1e-6)
    assert reading.layers["trunk.0"].min() < 0  # before the in-place ReLU that follows
    assert reading.log_probs == pytest.approx(logits.log_softmax(-1).numpy(), abs=1e-6)
    assert reading.values == pytest.approx(values[:, 0].numpy(), abs=1e-6)


def test_an_adapted_policy_reads_as_the_policy_itself(frames: np.ndarray):
    torch.manual_seed(0)
    policy = Policy("nature", 24).eval()
    twin = Adapted(policy.encoder, LAYERS["nature"], policy, name="nature")
    one, two = read(policy, frames), read(twin, frames)
    assert all(np.array_equal(one.layers[name], two.layers[name]) for name in policy.layers)
    assert np.array_equal(one.log_probs, two.log_probs)


def test_on_twins_and_in_the_panel(tmp_path):
    played = play("starpilot")
    columns = (np.asarray(played.levels), played.time, np.zeros(4, dtype=np.int64))
    bank = Bank(StateList.of(played.states), played.observations.copy(), *columns)
    policy = adapted()
    ((states, reading),) = twin_set("starpilot", bank, (0, 5), tmp_path).readings(policy)
    assert reading.layers["trunk.3"].shape == (4, 2, 12) and states == slice(0, 4)
    x, y = reading.layers["trunk.3"][:, 0], reading.layers["trunk.0"][:, 0]
    assert cka(x, x) == pytest.approx(1) and cka(x, y) < 1


def test_in_a_comparison_with_a_policy(frames: np.ndarray):
    torch.manual_seed(0)
    ours = Policy("nature", 24).eval()
    subjects = [
        Subject(parse_id(f"starpilot/ppo/{seed}"), policy)
        for seed, policy in enumerate([ours, adapted()])
    ]
    clusters = np.arange(10)
    levels = LevelWeights(clusters, cluster_weights(clusters, 5, 0))
    found = list(compare_all(subjects, {"same": frames}, levels))
    theirs = ("trunk.0", "trunk.3")
    assert [one.layers_y for one in found] == [ours.layers, theirs, theirs]


def test_its_weights_are_counted_once():
    module = nn.Sequential(nn.Flatten(), nn.Linear(64 * 64 * 3, 15))

    def decide(frames: Tensor) -> tuple[Tensor, Tensor]:
        logits = module(frames.float())
        return logits, logits.new_zeros(len(logits))

    assert list(Adapted(module, ("1",), decide).state_dict()) == [
        "encoder.1.weight",
        "encoder.1.bias",
    ]


def test_wrong_modules_are_refused_at_once():
    with pytest.raises(UserError, match=r"unknown submodule of Other 'trunk.9'; expected one of: "):
        Adapted(Other(), ("trunk.9",))
    network = Other()
    with pytest.raises(UserError, match=r"got \(3, 12\) and \(3, 12\) for 3 frames; give forward="):
        adapted(forward=lambda frames: (network.trunk(frames.permute(0, 3, 1, 2) / 255),) * 2)
    with pytest.raises(UserError, match=r"layer 'trunk.0' to be called once.*got 0 calls"):
        adapted(forward=lambda frames: (torch.zeros(len(frames), 15), torch.zeros(len(frames))))


def test_a_module_without_parameters_is_refused():
    with pytest.raises(UserError, match="Flatten: expected a module with parameters"):
        Adapted(nn.Flatten(), ())


class Odd(nn.Module):
    def forward(self, frames: Tensor) -> dict[str, Tensor]:
        return {"frames": frames}


def test_a_layer_that_runs_twice_or_gives_more_than_a_tensor_is_refused():
    policy = adapted()

    def twice(frames: Tensor) -> tuple[Tensor, Tensor]:
        policy(frames)
        return policy(frames)

    with pytest.raises(UserError, match=r"got 2 calls giving \[torch.Size\(\[3, 4, 8, 8\]\)"):
        Adapted(policy.encoder, ("trunk.0",), twice)
    recurrent = nn.ModuleDict({"gru": nn.GRU(12, 12)})

    def through(frames: Tensor) -> tuple[Tensor, Tensor]:
        recurrent["gru"](torch.zeros(len(frames), 12))
        return policy(frames)

    # Its decisions are of single frames, but its layer takes the batch for moments in time.
    with pytest.raises(UserError, match=r"another output of layer 'gru' of the same frame beside"):
        Adapted(recurrent, ("gru",), through)
    nested = nn.ModuleDict({"odd": Odd()})

    def oddly(frames: Tensor) -> tuple[Tensor, Tensor]:
        nested["odd"](frames)
        return policy(frames)

    nested["odd"].weight = policy.encoder.pi.weight
    with pytest.raises(UserError, match=r"got 1 calls giving \['dict'\]; name another"):
        Adapted(nested, ("odd",), oddly)


class Remembers(nn.Module):
    """An LSTM that takes the rows of a batch for moments in time."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.pool, self.lstm = nn.AvgPool2d(16), nn.LSTM(48, 16)

    def forward(self, frames):
        pooled = self.pool(frames.permute(0, 3, 1, 2).float() / 255).flatten(1)
        out = self.lstm(pooled[:, None])[0][:, 0]
        return out[:, :15], out[:, 15]


class InBatches(nn.Module):
    """Batch normalisation that is never told to stop learning."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.norm, self.out = nn.AvgPool2d(16), nn.BatchNorm1d(48), nn.Linear(48, 16)

    def forward(self, frames):
        self.norm.train()
        out = self.out(self.norm(self.pool(frames.permute(0, 3, 1, 2) / 255).flatten(1)))
        return out[:, :15], out[:, 15]


class Goes(nn.Module):
    """A GRU cell that keeps its state from call to call, and is never reset."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.gru, self.state = nn.AvgPool2d(16), nn.GRUCell(48, 16), None

    def forward(self, frames):
        pooled = self.pool(frames.permute(0, 3, 1, 2) / 255).flatten(1)
        if self.state is not None and len(self.state) != len(pooled):
            self.state = None
        self.state = self.gru(pooled, self.state)
        return self.state[:, :15], self.state[:, 15]


class Noisy(Goes):
    """Draws noise at each call."""

    def forward(self, frames):
        out = self.gru(self.pool(frames.permute(0, 3, 1, 2) / 255).flatten(1))
        return out[:, :15] + torch.randn(15), out[:, 15]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (InBatches, "expected a call on 1 uint8 frames of shape .*got ValueError|beside some"),
        (Goes, "same frame at a second call|beside some|alone"),
        (Noisy, "another decision of the same frame at a second call than at the first"),
    ],
)
def test_what_depends_on_the_batch_or_on_earlier_calls_is_refused(kind, message):
    torch.manual_seed(0)
    with pytest.raises(UserError, match=message):
        Adapted(kind(), ["pool"])


def test_a_network_of_other_sizes_says_what_it_takes():
    network = nn.Sequential(nn.Flatten(), nn.Linear(84 * 84 * 3, 10))

    def decide(frames):
        out = network(frames.float())
        return out[:, :9], out[:, 9]

    one = Adapted(network, ["1"], decide, image_shape=(84, 84, 3))
    assert (one.num_actions, one.image_shape) == (9, (84, 84, 3))
    with pytest.raises(UserError, match=r"frames of shape \(64, 64, 3\), .*got RuntimeError: mat1"):
        Adapted(network, ["1"], decide)
    with pytest.raises(UserError, match=r"expected a policy of coinrun, .* and 9; let forward="):
        check_fits(one, "mine.py:make", "coinrun")


def test_a_row_that_depends_on_others_is_refused():
    with pytest.raises(UserError, match="Remembers: expected each frame to decide by itself"):
        Adapted(Remembers(), ["pool"])


class Views(nn.Module):
    """Calls view, which takes memory laid out as channels, rows, columns only."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.out = nn.AvgPool2d(8), nn.Linear(192, 16)

    def forward(self, pixels):
        return self.out(self.pool(pixels).view(len(pixels), -1))


def test_a_network_that_calls_view_is_taken_and_one_without_numbers_is_not():
    network = Views()

    def decide(frames):
        out = network(frames.permute(0, 3, 1, 2) / 255)
        return out[:, :15], out[:, 15]

    Adapted(network, ["pool"], decide)
    with torch.no_grad():
        network.out.bias[3] = torch.inf
    with pytest.raises(UserError, match="Views: expected finite logits and values, got NaN"):
        Adapted(network, ["pool"], decide)
