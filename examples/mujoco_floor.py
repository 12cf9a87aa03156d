"""A two-legged walker on other floors under other skies: writes mujoco_floor.npz.

``python examples/mujoco_floor.py``. Textures of floor and sky are exchanged; the mask, floor and
sky, is the segmentation that MuJoCo draws itself, exact without multisampling and reflections.
pip install -r examples/mujoco_floor.requirements.txt, and libegl1 or libosmesa6 (MUJOCO_GL=osmesa).
"""

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("MUJOCO_GL", "egl")

import mujoco
import numpy as np
from export import export

SIDE = 64
FLOORS = {
    "steel": ((80, 110, 150), (170, 200, 230)),
    "desert": ((200, 160, 90), (240, 220, 180)),
    "forest": ((60, 110, 60), (150, 190, 150)),
    "dusk": ((90, 50, 70), (230, 140, 90)),
    "night": ((25, 25, 35), (10, 10, 40)),
    "snow": ((225, 230, 235), (190, 190, 200)),
}
LEG = """
<body pos="0 {side} -.25"><joint name="hip{side}" type="hinge" axis="0 1 0" range="-60 60"/>
  <geom type="capsule" fromto="0 0 0 0 0 -.35" size=".06" rgba="{rgba}"/>
  <body pos="0 0 -.35"><joint name="knee{side}" type="hinge" axis="0 1 0" range="-90 5"/>
    <geom type="capsule" fromto="0 0 0 0 0 -.35" size=".05" rgba="{rgba}"/></body></body>"""
MODEL = """
<mujoco><compiler angle="degree"/>
<visual><quality offsamples="0"/><global offwidth="64" offheight="64"/></visual>
<asset>
  <texture name="sky" type="skybox" builtin="flat" rgb1="1 1 1" width="16" height="96"/>
  <texture name="floor" type="2d" builtin="flat" rgb1="1 1 1" width="16" height="16"/>
  <material name="floor" texture="floor" texrepeat="8 8" texuniform="true" reflectance="0"/>
</asset>
<worldbody><light pos="0 -2 4" dir="0 .4 -1" diffuse=".8 .8 .8"/>
  <geom name="floor" type="plane" size="20 20 .1" material="floor"/>
  <body name="torso" pos="0 0 1.05">
    <joint name="x" type="slide" axis="1 0 0"/><joint name="z" type="slide" axis="0 0 1"/>
    <joint name="pitch" type="hinge" axis="0 1 0"/>
    <camera name="side" pos="0 -2.6 .1" xyaxes="1 0 0 0 0 1" mode="trackcom"/>
    <geom type="capsule" fromto="0 0 -.2 0 0 .25" size=".09" rgba=".9 .6 .2 1"/>{legs}</body>
</worldbody>
<actuator>{motors}</actuator></mujoco>"""


def _xml() -> str:
    sides = {"-.1": ".8 .3 .2 1", ".1": ".3 .5 .8 1"}
    legs = "".join(LEG.format(side=side, rgba=rgba) for side, rgba in sides.items())
    motors = "".join(
        f'<motor joint="{joint}{side}" gear="30" ctrlrange="-1 1"/>'
        for side in sides
        for joint in ("hip", "knee")
    )
    return MODEL.format(legs=legs, motors=motors)


class Walker:
    """A walker that stumbles; a level is the seed of its first pose."""

    def __init__(self) -> None:
        """Build the model and a renderer without multisampling."""
        self.model = mujoco.MjModel.from_xml_string(_xml())
        self.data = mujoco.MjData(self.model)
        self.renderer = mujoco.Renderer(self.model, SIDE, SIDE)
        self.drawn = -1

    def reset(self, level: int) -> None:
        """A random pose above the floor."""
        rng = np.random.default_rng(level)
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[1] = 0.1
        self.data.qpos[2:] = rng.uniform(-0.5, 0.5, self.model.nq - 2)
        mujoco.mj_forward(self.model, self.data)

    def step(self, action: np.ndarray) -> bool:
        """Act for ten steps of the simulation; it never ends."""
        self.data.ctrl[:] = action
        mujoco.mj_step(self.model, self.data, nstep=10)
        mujoco.mj_forward(self.model, self.data)
        return True

    def save(self) -> Any:
        """Everything that integration goes on from."""
        kind = mujoco.mjtState.mjSTATE_INTEGRATION
        state = np.empty(mujoco.mj_stateSize(self.model, kind))
        mujoco.mj_getState(self.model, self.data, state, kind)
        return state

    def restore(self, state: Any) -> None:
        """Put it back, and derive the rest."""
        mujoco.mj_setState(self.model, self.data, state, mujoco.mjtState.mjSTATE_INTEGRATION)
        mujoco.mj_forward(self.model, self.data)

    def draw(self, variant: int) -> np.ndarray:
        """The picture on one of the floors."""
        if variant != self.drawn:
            for name, colour in zip(("floor", "sky"), list(FLOORS.values())[variant], strict=True):
                self._paint(name, colour, checks=name == "floor")
            self.drawn = variant
        self.renderer.update_scene(self.data, camera="side")
        return self.renderer.render().copy()

    def mask(self) -> np.ndarray:
        """Floor and sky, by MuJoCo's own segmentation."""
        self.renderer.enable_segmentation_rendering()
        self.renderer.update_scene(self.data, camera="side")
        things = self.renderer.render()[..., 0]
        self.renderer.disable_segmentation_rendering()
        return np.isin(things, [-1, self.model.geom("floor").id])

    def factors(self) -> dict[str, float | int]:
        """Height, pitch and speed of the torso."""
        names = {
            "height": self.data.qpos[1],
            "pitch": self.data.qpos[2],
            "speed": self.data.qvel[0],
        }
        return {name: float(value) for name, value in names.items()}

    def _paint(self, name: str, colour: tuple[int, ...], *, checks: bool) -> None:
        texture = self.model.texture(name)
        height, width, channels = texture.height[0], texture.width[0], texture.nchannel[0]
        pixels = np.tile(np.array(colour, dtype=float), (height, width, 1))
        if checks:
            odd = (np.arange(height)[:, None] // 8 + np.arange(width) // 8) % 2
            pixels *= np.where(odd, 0.75, 1.0)[..., None]
        start = texture.adr[0]
        self.model.tex_data[start : start + pixels.size] = pixels.astype(np.uint8).ravel()
        assert channels == 3
        self.renderer._gl_context.make_current()
        mujoco.mjr_uploadTexture(self.model, self.renderer._mjr_context, texture.id)


if __name__ == "__main__":
    scene = Walker()
    meta = {"world": "mujoco-floor", "variants": list(FLOORS), "actions": "continuous"}
    target = Path(__file__).with_suffix(".npz")
    size = scene.model.nu
    export(scene, target, meta, lambda rng: rng.uniform(-1, 1, size), per_level=2, apart=(3, 12))
    scene.renderer.close()
