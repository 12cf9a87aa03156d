# %% [markdown]
# # Bring your own factor
# A factor is a function from a state to a number or a class. `python -m probes --list coinrun`
# shows those there are. Here is one that is not: how much of the picture is solid ground?

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import r2_score

from analysis.policies.features import read
from analysis.policies.subjects import load_subjects
from analysis.scenes.common import common_bank, draw_twins
from probes.factors.frame import View, number
from probes.factors.targets import measure
from probes.readers.controls import pixels
from probes.readers.crossfit import crossfit
from probes.readers.splits import deal_folds
from probes.studies.questions import ask


def ground_share(view: View) -> float:
    """Cells of wall in the picture, as a share of all cells in it."""
    return len(view.in_view(view.cells("wall", "wall_top"))) / view.reach**2


ground = number("ground_share", "share", 0, 1, "solid ground in the picture", ground_share)
bank = common_bank("coinrun", "easy", 200)
found = measure("coinrun", bank.states, [ground, "hazard_distance"])
print(found.missing, found.constant)

# %% [markdown]
# Trust a factor only after looking: the states with the least and the most of it.

# %%
values = found.values["ground_share"]
least, most = values.argmin(), values.argmax()
print(f"{values[least]:.2f} and {values[most]:.2f} of the picture is ground")
pair = np.concatenate([np.asarray(bank.observations[i]) for i in (least, most)], axis=1)
plt.imshow(pair)

# %% [markdown]
# Then ask the last layer for it, and the pixels. `ask` says whether it can be asked for at all
# (missing, constant, too few); pictures on another background are predicted, never fitted on.

# %%
levels, seen = np.asarray(bank.levels), np.asarray(bank.observations)
folds, twins = deal_folds(levels, seen), draw_twins("coinrun", bank)
plt.imshow(np.concatenate([seen[0], twins[0]], axis=1))
question = ask(ground, values, levels, folds)
assert question.task is not None, question.verdict
lines = {"pixels": (pixels(seen), pixels(twins))}
for one in load_subjects(["coinrun/ppo/0"], controls=1)["coinrun"]:
    here, there = (read(one.policy, frames, ["hidden"]).layers for frames in (seen, twins))
    lines[f"{one.id.method}, hidden"] = here["hidden"], there["hidden"]
scores = {}
for name, (x, other) in lines.items():
    held = crossfit(x, [question.task], folds, other)
    both = {"R²": held.predicted, "on a twin": held.transferred}
    scores[name] = {key: r2_score(values, told[:, 0]) for key, told in both.items()}
table = pd.DataFrame(scores).T
table.plot.barh(figsize=(4, 2), xlim=(-1, 1), legend="reverse")
table.round(2)

# %% [markdown]
# A score means something only above that of the untrained encoder. Training showed one background,
# so that *on a twin* is a wallpaper new to policy and probe: below 0, guessing the mean is better.
