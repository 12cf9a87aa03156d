"""What a study's file says of who is measured, beside whom."""

from analysis.policies.subjects import load_subjects
from analysis.studies.training.plan import part_path, read_plans
from checkpoints.policy.store import list_policies
from tests.support.followed import STUDY, part_names, pretend_runs, study_file


def test_parts_are_runs_and_untrained_networks_game_by_game(tmp_path):
    assert part_names(study_file(tmp_path)) == [
        *("chaser/untrained/nature-8", "chaser/ppo/0"),
        *("leaper/untrained/nature-8", "leaper/untrained/impala-8"),
        *("leaper/mutual/0", "leaper/ppo/1", "leaper/ppo-bg4/0"),
    ]
    name = part_path(tmp_path, "emergence", "leaper/untrained/nature-8")
    assert name == tmp_path / "emergence" / "leaper+untrained+nature-8.npz"


def test_a_plan_is_what_policies_that_are_loaded_say(tmp_path):
    study = study_file(tmp_path)
    root = pretend_runs(study, tmp_path / "runs")
    loaded = load_subjects(map(str, list_policies(root)), root, controls=3)
    plans = read_plans(study)
    assert set(plans) == set(loaded)
    for game, plan in plans.items():
        blank = {one.id.seed: one for one in loaded[game] if one.id.method == "untrained"}
        for control in plan.controls:
            for seed in control.seeds(3):
                one = blank.pop(seed)
                assert one.kind == control.kind
                told = plan.told(control.name, 3)["backgrounds of untrained networks"]
                assert list(one.trained_backgrounds) == told
        assert not blank
        trained = [one for one in loaded[game] if one.id.method != "untrained"]
        assert plan.shown == sorted({one.trained_backgrounds for one in trained})
        assert {plan.beside(run).kind for run in plan.runs} == {one.kind for one in trained}


def test_a_part_knows_nothing_of_neighbours_that_do_not_matter(tmp_path):
    (name,) = [one for one in part_names(study_file(tmp_path)) if "bg4" in one]
    few, more = (
        read_plans(study_file(tmp_path, text))["leaper"].told(name, 2)
        for text in (STUDY, STUDY + "  - {id: leaper/mutual/9, steps: 64}\n")
    )
    assert few == more
    other = STUDY + "  - {id: leaper/ppo-bg2/0, steps: 64}\n"
    assert few != read_plans(study_file(tmp_path, other))["leaper"].told(name, 2)
