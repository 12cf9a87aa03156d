# %% [markdown]
# # Bring your own environment
# Whoever can draw a state twice can be measured: a file of renderings, written by NumPy alone, is a
# world. Yours draws here; this one is made up, a square that moves on coloured ground.

# %%
import contextlib
import io
import json
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from analysis import invariance

rng = np.random.default_rng(0)
levels = np.repeat(np.arange(24), 4)  # states of one level resemble each other
places = rng.integers(0, 7, (24, 2))[levels] + rng.integers(0, 2, (96, 2))
grounds = {"grass": (40, 120, 40), "sand": (200, 180, 90), "snow": (225, 230, 240)}
frames = np.empty((96, 3, 64, 64, 3), np.uint8)
frames[:] = np.array(list(grounds.values()))[None, :, None, None]
mask = np.ones((96, 64, 64), bool)  # where the picture is background
for state, (row, column) in enumerate(8 * places):
    frames[state, :, row : row + 8, column : column + 8] = 0
    mask[state, row : row + 8, column : column + 8] = False
meta = json.dumps({"world": "squares", "variants": list(grounds), "actions": 5})
folder = Path(tempfile.mkdtemp())
parts = {"frames": frames, "level": levels, "own": np.zeros(96, int), "mask": mask, "meta": meta}
np.savez_compressed(folder / "squares.npz", **parts, **{"factor/row": places[:, 0].astype(float)})
figure, axes = plt.subplots(1, 3, figsize=(4.5, 1.7))
for ax, picture, name in zip(axes, frames[5], grounds, strict=True):
    ax.imshow(picture)
    ax.set_title(name, fontsize=8)
    ax.set_axis_off()

# %% [markdown]
# A network of yours comes in by a function of a file: here an untrained one of two convolutions.
# On a terminal: `python -m analysis.invariance --world squares.npz --policy mine.py:small`.

# %%
(folder / "mine.py").write_text("""from twinscope import Adapted
from examples.networks import Small

def small():
    network, layers = Small((64, 64, 3), 5), ("conv1", "conv2", "hidden")
    return Adapted(network, layers, id="squares/small/0", image_shape=(64, 64, 3))
""")
asked = {"world": f"{folder}/squares.npz", "policy": (f"{folder}/mine.py:small",), "untrained": 0}
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    invariance.main(invariance.Settings(**asked, output=folder, replicates=200))
rows = pd.read_csv(folder / "invariance.csv", comment="#")
rows = rows[rows["backgrounds"] == "all"]
figure, ax = plt.subplots(figsize=(3.2, 2))
ends = [rows["icc"] - rows["icc_low"], rows["icc_high"] - rows["icc"]]
ax.errorbar(rows["layer"], rows["icc"], yerr=ends, fmt="o")
ax.set_ylim(-0.5, 1)
ax.set_ylabel("ICC: 1 is all state,\nbelow 0 mostly ground")
print(rows[["layer", "icc", "icc_low", "icc_high"]].to_string(index=False))

# %% [markdown]
# Random weights follow the ground. `probes --world squares.npz` reads `factor/row` off each layer.
