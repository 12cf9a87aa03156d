# %% [markdown]
# # Bring your own checkpoint
# **Weights of known programs** are recognised by their tensors: CleanRL, the code of arXiv
# 2501.02481, train-procgen-pytorch, auto-drac and impoola. Nothing is unpickled.
# ```
# python -m checkpoints.convert agent.pt starpilot/ppo/7 --mode easy --levels 0 --steps 25000000
# ```
# The same, in Python, on random weights under CleanRL's names:

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from analysis.measures.cka import cka
from analysis.measures.icc import measure
from analysis.policies.features import read
from analysis.policies.subjects import load_subjects
from analysis.scenes.common import common_bank
from checkpoints.policy.adapters import Adapted
from checkpoints.policy.encoders import Policy
from checkpoints.policy.foreign import convert
from checkpoints.policy.tensor_names import SOURCES
from checkpoints.world.renderer import Renderer

torch.manual_seed(0)
ours, names = Policy("impala").state_dict(), SOURCES["cleanrl ppo_procgen"].tensors()
agent = {theirs: ours[name] for theirs, name in names.items()}
policy, source = convert(agent)
print(source, policy.layers)

# %% [markdown]
# **Any other torch module** takes five lines: the module, its weights, how frames go in, and the
# names of the layers to read. Here it is a small stranger, untrained.

# %%
network = nn.Sequential(nn.Conv2d(3, 16, 8, 4), nn.ReLU(), nn.Flatten(), nn.Linear(3600, 16))
# With your own: network.load_state_dict(safetensors.torch.load_file("weights.safetensors")).


def decide(pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of the 15 actions, and a value, of uint8 frames (n, 64, 64, 3)."""
    out = network(pixels.permute(0, 3, 1, 2) / 255)
    return out[:, :15], out[:, 15]


stranger = Adapted(network, ["1", "3"], decide, name="stranger")

# %% [markdown]
# Every measure takes it from here, such as CKA with a shipped policy, and the ICC over twins.

# %%
bank = common_bank("starpilot", "easy", 200)
frames = Renderer("starpilot").render(bank.states, [0, 4, 8])
figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2), layout="constrained")
left.imshow(np.concatenate(frames[0], axis=1))
right.set_xlabel("ICC over backgrounds")
shipped = load_subjects(["starpilot/ppo/0"], controls=0)["starpilot"][0].policy
for name, one in {"converted": policy, "stranger": stranger, "shipped": shipped}.items():
    last = one.layers[-1]
    x = read(one, frames.reshape(-1, 64, 64, 3), [last]).layers[last].reshape(len(bank), 3, -1)
    y = read(shipped, frames[:, 0], ["hidden"]).layers["hidden"]
    icc = measure(x, bank.levels, replicates=200).icc
    low, high = np.percentile(icc[1:], [2.5, 97.5])
    right.errorbar([icc[0]], [name], xerr=[[icc[0] - low], [high - icc[0]]], fmt="o")
    print(f"{name}: ICC {icc[0]:.2f} [{low:.2f}, {high:.2f}], CKA with PPO {cka(x[:, 0], y):.2f}")

# %% [markdown]
# The first two are untrained: what they reach is the floor, of two that see the same pictures.
