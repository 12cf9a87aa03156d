"""What a run leaves for TensorBoard, read back."""

import os
from dataclasses import asdict
from pathlib import Path

from checkpoints.policy.store import source_hash
from checkpoints.runs.train import main
from tests.support.tiny import BATCH, RUN, settings


def recipes_in(folder: Path) -> list[dict]:
    """Hyperparameters of each event file that has some."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    found = []
    for path in sorted(folder.glob("events.*"), key=os.path.getmtime):
        events = EventAccumulator(str(path)).Reload()
        content = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
        values = HParamsPluginData.FromString(content).session_start_info.hparams
        found.append({name: getattr(one, one.WhichOneof("kind")) for name, one in values.items()})
        said = events.summary_metadata["_hparams_/experiment"].plugin_data.content
        metrics = HParamsPluginData.FromString(said).experiment.metric_infos
        shown = {one.name.tag for one in metrics}
        # What TensorBoard lists beside a recipe are curves that are there.
        assert "train_return/peer1" in shown & set(events.Tags()["scalars"])
    return found


def test_tensorboard_carries_the_recipe_each_time_a_run_goes_on(tmp_path: Path):
    for steps in (1, 2):
        main(settings(tmp_path, steps=steps * BATCH))
    folder = tmp_path / RUN / "tensorboard"
    assert [path.is_file() for path in folder.iterdir()] == [True, True]
    recipe = asdict(settings(tmp_path).recipe)
    for found in recipes_in(folder):
        assert found.pop("run") == RUN and found.pop("code") == source_hash()
        assert found.keys() == recipe.keys()
        for name, value in recipe.items():
            assert found[name] == (value if isinstance(value, bool | int | float) else str(value))
