# %% [markdown]
# # Compare two methods
# Does mutual distillation make a layer depend less on the background than PPO does? And does
# that layer still say what is there? Twins answer the first question, probes the second.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from analysis.measures.icc import measure
from analysis.policies.subjects import load_subjects
from analysis.scenes.backgrounds import pick_backgrounds
from analysis.scenes.twin_sets import twin_set
from probes.studies.probing import probe_game
from probes.studies.questions import gather

LAYER = "conv3"
ids = ["starpilot/ppo/0", "starpilot/ppo/1", "starpilot/mutual/0"]
subjects = load_subjects(ids, controls=1)["starpilot"]

# %% [markdown]
# Twins: 200 states, each on the same four backgrounds. The intraclass correlation (ICC) is 1
# where the background changes nothing; the effective rank beside it exposes a layer that changes
# nothing because it says nothing.

# %%
sights = gather("starpilot", "easy", 200, 0, ["count_flyer", "background"])
bank = sights.bank
twins = twin_set("starpilot", bank, pick_backgrounds("starpilot", 4))
plt.imshow(np.concatenate(next(twins.blocks(1)).frames[0], axis=1))
lines = []
for one in subjects:
    parts = [reading.layers[LAYER] for _, reading in twins.readings(one.policy, [LAYER])]
    icc = measure(np.concatenate(parts), bank.levels, replicates=200)
    low, high = np.percentile(icc.icc[1:], [2.5, 97.5])
    cells = {"ICC": icc.icc[0], "low": low, "high": high, "effective rank": icc.effective_rank}
    lines.append({"id": str(one.id), "verdict": icc.verdict, **cells})
invariance = pd.DataFrame(lines).set_index("id")

# %% [markdown]
# Probes: the background itself, and enemies in view, whose count should survive another
# background (`transfer`).

# %%
layers = probe_game(subjects, sights, [LAYER], replicates=200, seed=0)
rows = pd.DataFrame([row for layer in layers for row in layer]).set_index("id")
flyers, background = (rows[rows["factor"] == name] for name in ("count_flyer", "background"))
probes = {
    "flyers, R²": flyers["score"],
    "the same, transfer": flyers["transfer"],
    "background, accuracy": background["score"],
}
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 2), sharey=True, layout="constrained")
ends = abs(invariance[["low", "high"]].sub(invariance["ICC"], axis=0)).to_numpy().T
left.errorbar(invariance["ICC"], range(len(invariance)), xerr=ends, fmt="o")
left.set_xlabel("ICC over backgrounds")
table = invariance.join(pd.DataFrame(probes))
ax = table[list(probes)].plot.barh(ax=right, ylabel="", fontsize=7)
ax.legend(bbox_to_anchor=(1, 1), fontsize=7)
table.round(2)

# %% [markdown]
# A difference between methods counts only if it is larger than the one between PPO's own two
# seeds, and the two mutual peers are one training run, not two: this is an observation on three
# runs. The intervals speak of levels, never of seeds.
