"""Columns of saliency.csv and saliency_sheet.csv."""

from analysis.records.columns import POLICY, estimate
from analysis.records.tables import Column, Schema

SCHEMA = Schema(
    "saliency",
    (
        *POLICY,
        Column("target", "text", "button: log-probability of the likeliest one; value"),
        Column("attribution", "text", "how maps were made, see analysis.policies.attributions"),
        Column("verdict", "text", "scored; too few states; by construction: a map from the twin"),
        Column("states", "int", "states scored", low=0),
        Column("levels", "int", "levels they come from", low=0),
        Column("no_mask", "int", "states left out: mask empty or full", low=0),
        Column("blank", "int", "maps left out: 0 everywhere", low=0),
        Column("rejected", "int", "maps left out: too much unexplained", low=0),
        Column("error", "float", "median share of a map that is unexplained", low=0),
        Column("area", "float", "share of the frame under the mask: chance", low=0, high=1),
        *estimate("mass", "share of the map on the background", low=0, high=1),
        *estimate("mass_over_area", "mass / area, state by state", low=0),
        *estimate("sprites", "mean of 1 - mass / mean of 1 - area", low=0),
        *estimate(
            "rank", "share of the largest pixels, as many as the mask has, on it", low=0, high=1
        ),
        *estimate("pointing", "states whose largest pixel is on the background", low=0, high=1),
        Column("amount", "float", "attribution on the background, nats or scaled reward", low=0),
        Column("change", "float", "TV, or |ΔV|, between a picture and its twins", low=0),
        *estimate("faithful", "Spearman over states, mass and change", low=-1, high=1),
        *estimate("faithful_amount", "Spearman over states, amount and change", low=-1, high=1),
        *estimate(
            "faithful_area", "Spearman over states, area and change: the control", low=-1, high=1
        ),
        Column("sanity", "text", "parameters randomised from the top: pass, fail, not run"),
        Column("sanity_layer", "text", "from which on maps stay unlike the policy's; none"),
        Column("logit_likeness", "float", "Spearman with another button's map", low=-1, high=1),
    ),
    key=("game", "id", "target", "attribution"),
    command="analysis.saliency",
)
SHEET_SCHEMA = Schema(
    "saliency_sheet",
    (
        *POLICY[:3],
        Column("attribution", "text", "how the map was made; of the likeliest button"),
        Column("state", "int", "which of the states measured", low=0),
        Column("level", "int", "level seed", low=0),
        Column("button", "int", "the one explained, by its lowest action", low=0),
        Column("change", "float", "TV between the picture and its twins", low=0, high=1),
        Column("mask_area", "float", "share of the frame under the mask", low=0, high=1),
        Column("mass_over_area", "float", "mass / area; empty: left out", low=0),
        Column("picture_line", "int", "line of its tiles in pictures.png", low=0),
        Column("map_line", "int", "line of its tile in maps.png", low=0),
        Column("map_column", "int", "column of its tile in maps.png", low=0),
    ),
    key=("game", "id", "attribution", "state"),
    command="analysis.saliency",
)
