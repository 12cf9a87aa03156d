"""A study: runs -> parts -> tables -> figures, on one machine or as jobs of a scheduler.

Runs grow in place under `runs/` and are no outputs: Snakemake deletes what a failed job was to
write. What it is told of a run is a note, written once the run is done or cannot be trained; a part
is measured of what stands in the run by then. Of other runs a part knows the study file alone.
"""

import json
import shlex
from hashlib import sha256
from importlib import import_module

from analysis.studies.training.plan import part_path, read_plans
from checkpoints.console import parse_options
from checkpoints.policy.ids import parse_id
from checkpoints.policy.store import source_hash, versions
from checkpoints.runs.note import complaints, note_all, note_path
from checkpoints.runs.study import read_study

STUDY = Path(config["study"])
SHIPPED = STUDY.resolve() == ROOT / "study.yaml"
RUNS = Path(config.get("runs", "runs"))
PARTS = Path(config.get("parts", f".cache/study/{STUDY.stem}"))
RESULTS = config.get("tables", TABLES if SHIPPED else f"results/{STUDY.stem}")
SETTINGS = config.get("settings", "")  # of both measures, such as "--states 300"
TRAINING = bool(int(config.get("train", 1)))  # 0 measures what there is
RETRY = bool(int(config.get("retry", 0)))  # 1 tries again what failed
MEASURES = {WRITTEN[module][0]: module for module in ("analysis.emergence", "probes.steps")}
JOBS = 50  # that a run may take, where jobs have a limit of time
MARGIN = 15  # minutes before that limit at which training saves and ends

PLANNED = {str(run.id): run for run in read_study(STUDY)}
NOTES = {name: str(note_path(PARTS / "runs", run)) for name, run in PLANNED.items()}
PLANS = read_plans(STUDY)
NAMES = [name for plan in PLANS.values() for name in plan.parts]
if not workflow.remote_exec:
    # A setting that is none is said now, and not by the first job after days of training.
    for module in MEASURES.values():
        parse_options(import_module(module).Settings, shlex.split(SETTINGS), name=f"python -m {module}")
    note_all(PLANNED.values(), RUNS, PARTS / "runs", training=TRAINING, retry=RETRY)


def named(wildcards):
    """A run, or untrained networks, by the file of its note or part."""
    return wildcards.name.replace("+", "/")


def game_of(wildcards):
    """The game of a part."""
    return wildcards.name.partition("+")[0]


def teacher_of(wildcards):
    """A run that learns from another one of the study is trained after it."""
    teacher = PLANNED[named(wildcards)].recipe.teacher.partition("@")[0]
    return NOTES.get(str(parse_id(teacher).run), []) if teacher else []


def before_control(wildcards):
    """The first control of a game draws its states and twins; whatever else there is waits."""
    first = PLANS[game_of(wildcards)].controls[0].name
    return [] if first == named(wildcards) else part_path(PARTS, wildcards.table, first)


def decides(wildcards):
    """All that a part follows from beside its run: code, settings, and what the study is like."""
    told = PLANS[game_of(wildcards)].told(named(wildcards), 1)
    return sha256(json.dumps([code_of(wildcards.table), SETTINGS, told]).encode()).hexdigest()[:16]


@cache
def code_of(table):
    """The code that a part is of: those that it is joined with must be of the same."""
    packages = dict.fromkeys(("checkpoints", "analysis", MEASURES[table].partition(".")[0]))
    return [source_hash(ROOT / one) for one in packages], versions()


def training_options(wildcards, resources):
    """Training saves and ends before its job's time is up: what a scheduler sends comes too late.

    On a GPU whatever asks for a part of one, as `gres: shard:1` does.
    """
    minutes = resources.get("runtime")
    hours = f"--hours {max(minutes - MARGIN, minutes / 2) / 60:.4f}" if minutes else ""
    gpu = resources.get("gpu") or resources.get("gres")
    return f"{hours} --device {'cuda' if gpu else 'cpu'}"


wildcard_constraints:
    name=r"[^/]+",
    table="|".join(MEASURES),


if TRAINING:

    # A job that was told to stop, or killed, is called again and goes on from its last save.
    rule train:
        input:
            teacher_of,
        output:
            f"{PARTS}/runs/{{name}}.json",
        params:
            run=named,
            options=training_options,
        retries: 0 if workflow.remote_exec else JOBS
        threads: 1
        message:
            "training {params.run}"
        shell:
            "{sys.executable} -m checkpoints.queue {STUDY} --output {RUNS} --only {params.run}"
            " --retry --threads {threads} {params.options} --note {output} || test -e {output}"


# Twice more, where the machine was at fault. In no group: all that waits for it would be of that.
rule control:
    input:
        before_control,
    output:
        f"{PARTS}/{{table}}/{{name,[^/]+[+]untrained[+][^/]+}}.npz",
    params:
        name=named,
        module=lambda wildcards: MEASURES[wildcards.table],
        decides=decides,
    retries: 0 if workflow.remote_exec else 2
    message:
        "{params.module} of {params.name}"
    shell:
        "{sys.executable} -m {params.module} {params.name} --study {STUDY} --root {RUNS}"
        " --parts {PARTS} --overwrite {SETTINGS}"


use rule control as measure with:
    input:
        before_control,
        lambda wildcards: NOTES[named(wildcards)],
    output:
        f"{PARTS}/{{table}}/{{name,[^/]+[+][0-9]+}}.npz",
    group:
        "measure"


for table, module in MEASURES.items():

    rule:
        name:
            f"join_{table}"
        input:
            [part_path(PARTS, table, name) for name in NAMES],
        output:
            update([f"{RESULTS}/{name}.csv" for name in WRITTEN[module]]),
        params:
            module=module,
        localrule: True
        message:
            "{params.module}: joining the parts of all runs"
        shell:
            "{sys.executable} -m {params.module} --study {STUDY} --root {RUNS} --parts {PARTS}"
            " --output {RESULTS} --overwrite {SETTINGS}"


ALL_PARTS = [part_path(PARTS, table, name) for table in MEASURES for name in NAMES]
MEASURED = [f"{RESULTS}/{name}.csv" for module in MEASURES.values() for name in WRITTEN[module]]


rule drawn:
    input:
        MEASURED,
    output:
        touch(f"{PARTS}/figures.done"),
    localrule: True
    message:
        "python -m figures emergence onsets"
    shell:
        "{sys.executable} -m figures emergence onsets --tables {RESULTS} --overwrite"


# Contrasts of the shipped study are a step of the other graph; which methods another one compares,
# and whether it does, is for its owner to ask. Notes and parts are named here because Snakemake does
# not miss one that lies before a table which is there.
rule study:
    localrule: True
    message:
        "every run that could be is trained, measured and joined"
    input:
        NOTES.values(),
        ALL_PARTS,
        MEASURED,
        f"{TABLES}/contrasts.csv" if RESULTS == TABLES else rules.drawn.output,


onsuccess:
    for line in complaints(PLANNED.values(), RUNS):
        print(line)
