// Policies that are ready to decide, and what they decided before.

import { bytesOf } from "../data.js";
import { decision, totalVariation } from "../policy/decisions.js";
import { policyOf, readPolicy } from "../policy/network.js";
import { Refused } from "../policy/tensors.js";
import { untrained } from "../policy/untrained.js";
import { rgb } from "./frames.js";

/** A policy in one world. */
export class Mind {
  #known = new Map();

  /**
   * @param {{slot?: string, bytes?: Uint8Array, seed?: number}} policy in a slot, in a file, or a
   *   seed of weights that are drawn here
   * @param {{shape: number[], buttons: number[][]}} world
   */
  constructor(policy, world) {
    const needed = actionsOf(world);
    const { network, made } =
      policy.seed === undefined
        ? readPolicy(policy.bytes ?? bytesOf(policy.slot), world.shape)
        : policyOf({ tensors: untrained(world.shape, needed, policy.seed) }, world.shape);
    if (network.actions !== needed) {
      throw new Refused(`it chooses among ${network.actions} actions; this world has ${needed}`);
    }
    this.network = network;
    this.made = made;
    this.world = world;
  }

  /** @param {Uint8ClampedArray} rgba */
  decide(rgba) {
    return decision(this.network, rgb(rgba), this.world.buttons);
  }

  /** The decision on a frame as the game drew it. */
  on(frames, state, variant) {
    const key = `${state}/${variant}`;
    let found = this.#known.get(key);
    if (!found) {
      const { buttons, value } = this.decide(frames.pixels(state, variant));
      found = { buttons, value };
      this.#known.set(key, found);
    }
    return found;
  }

  knows(state, variant) {
    return this.#known.has(`${state}/${variant}`);
  }

  /** TV from the decision on the state's own background to that on another. */
  shift(frames, state, own, variant) {
    const [a, b] = [own, variant].map((k) => this.on(frames, state, k).buttons);
    return totalVariation(a, b);
  }
}

/** How many actions a world has: each belongs to one button. */
function actionsOf({ buttons }) {
  return buttons.reduce((count, group) => count + group.length, 0);
}

/** Of each policy, by world: two files may give one id. */
const known = new WeakMap();

/**
 * The policy of a slot or of a dropped file, in a world, or why it cannot decide there; read once.
 * @param {{slot?: string, bytes?: Uint8Array, seed?: number}} policy
 * @returns {{mind?: Mind, refused?: string}}
 */
export function mindOf(policy, game, world) {
  const of = known.get(policy) ?? new Map();
  known.set(policy, of);
  if (!of.has(game)) of.set(game, read(policy, world));
  return of.get(game);
}

function read(policy, world) {
  try {
    return { mind: new Mind(policy, world) };
  } catch (error) {
    return { refused: error instanceof Refused ? error.message : "it cannot be read" };
  }
}
