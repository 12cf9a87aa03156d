# %% [markdown]
# # Probe one layer
# What can a straight line read off the last hidden layer of a shipped policy? Two hundred
# states of starpilot, on levels that no policy was trained on. Every state is drawn twice: on a
# background of group A, where probes are fitted, and on one of group B, which none has been
# fitted on.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from analysis.policies.features import read
from analysis.policies.subjects import load_subjects
from probes.readers.linear import LinearProbe
from probes.studies.probing import probe_game
from probes.studies.questions import gather

subjects = load_subjects(["starpilot/ppo/0"], controls=1)["starpilot"]
names = ["agent_x", "agent_y", "count_flyer", "count_own_bullet", "time", "background"]
sights = gather("starpilot", "easy", states=200, seed=0, factors=names)
plt.imshow(np.concatenate([sights.fitted[0], sights.unseen[0]], axis=1))

# %% [markdown]
# By hand first: how many enemies fly in view? Fitted on four folds of levels, tested on the
# fifth. Whole levels lie on one side, for two frames of one level are hardly two observations.

# %%
(count,) = (task.values for task in sights.tasks if task.name == "count_flyer")
x = read(subjects[0].policy, sights.fitted, ["hidden"]).layers["hidden"]
tested = sights.folds == 0
probe = LinearProbe().fit(x[~tested], count[~tested], groups=sights.bank.levels[~tested])
by_hand = probe.score(x[tested], count[tested])
print(f"R² {by_hand:.2f} on {tested.sum()} states of unseen levels")

# %% [markdown]
# Now all folds and all factors, beside what a score has to beat: raw pixels, the time since the
# episode began, and the same encoder untrained. R² for numbers, balanced accuracy for `background`.

# %%
layers = probe_game(subjects, sights, ["hidden"], replicates=200, seed=0)
rows = pd.DataFrame([row for layer in layers for row in layer])
beside = rows.pivot(index="factor", columns="method", values="score")
ours = rows[rows["method"] == "ppo"].set_index("factor")
ours = ours[["low", "high", "chance", "control_score", "transfer"]]
beside = beside.loc[names, ["pixels", "time", "untrained", "ppo"]]
ax = beside.plot.bar(figsize=(5, 2), ylabel="score", ylim=(-0.2, 1), rot=20, fontsize=7)
ax.legend(bbox_to_anchor=(1, 1))
beside.join(ours).round(2)

# %% [markdown]
# Read a line like this: the policy knows a factor *beyond time* only where `ppo` exceeds `time`,
# and *whatever the wallpaper* only where `transfer` keeps up. Few states make wide intervals
# (`low` to `high`, over levels); `python -m probes` takes 1,000 and every layer. That a factor
# can be read does not say that the policy uses it: see `python -m analysis.erasure`.
