# %% [markdown]
# # From twins to R-robustness in ten lines
# A policy is R-robust as far as its decisions do not depend on the rendering. Draw the same
# states on several backgrounds, and measure how far the probabilities of buttons move: actions
# that do the same in a game are one, since nothing follows from a preference among them.

# %%
import matplotlib.pyplot as plt
import numpy as np

from analysis.measures.decisions import Decisions, probabilities
from analysis.measures.robustness import robustness
from analysis.policies.subjects import load_subjects
from analysis.scenes.backgrounds import pairs_of, pick_backgrounds
from analysis.scenes.common import common_bank
from analysis.scenes.twin_sets import twin_set
from analysis.stats.clusters import cluster_weights

game, backgrounds = "starpilot", pick_backgrounds("starpilot", 4)
subjects = load_subjects(["starpilot/ppo/0", "starpilot/mutual/0"], controls=1)[game]

# %% [markdown]
# The ten lines:

# %%
bank = common_bank(game, "easy", 200)
twins = twin_set(game, bank, backgrounds)
plt.imshow(np.concatenate(next(twins.blocks(1)).frames[0], axis=1))
decided = {}
for one in subjects:
    readings = [reading for _, reading in twins.readings(one.policy, layers=[])]
    values = np.concatenate([reading.values for reading in readings])
    actions = probabilities(np.concatenate([reading.log_probs for reading in readings]))
    decisions = Decisions(actions, values).of_buttons(game)
    p = decisions.probs
    apart = np.abs(p[:, :, None] - p[:, None, :]).sum(-1) / 2
    first, second = np.triu_indices(len(backgrounds), 1)
    tv = apart[:, first, second].mean(1)
    print(f"{one.id}: a background moves {100 * tv.mean():.0f} % of the probability")
    decided[one.id] = decisions, tv

# %% [markdown]
# A policy that decides nothing is moved by nothing: look at the untrained one. So the change
# between backgrounds always stands beside the change between states, and their ratio is what to
# compare: 0 where decisions follow the state alone, 1 where the wallpaper moves them as much as
# the game does. Intervals here resample levels, on these four backgrounds.

# %%
weights = cluster_weights(bank.levels, 500, seed=0)
pairs = pairs_of(backgrounds, subjects[0].trained_backgrounds)["all"]
figure, ax = plt.subplots(figsize=(4, 2))
ax.set(xlim=(0, 1), xlabel="ratio: change between backgrounds ÷ between states")
for name, (decisions, tv) in decided.items():
    found = robustness(decisions, bank.levels, pairs, weights)
    assert np.isclose(found["tv"].estimate, tv.mean())
    at, low, high = found["ratio"]
    ax.errorbar([at], [str(name)], xerr=[[at - low], [high - at]], fmt="o")
    shown = (f"{key} {v:.2f} [{a:.2f}, {b:.2f}]" for key, (v, a, b) in found.items())
    print(name, *(cell for cell in shown if cell.split()[0] in ("tv", "tv_between", "ratio")))

# %% [markdown]
# `python -m analysis.robustness` does this for every shipped policy, resamples backgrounds too, and
# has seen and unseen ones apart, other changes of the picture, and cycle consistency beside it.
