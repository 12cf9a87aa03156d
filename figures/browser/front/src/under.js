/** What stands under a key, and nothing that every object has: for keys that come from files. */
export function under(map, key) {
  return map && Object.hasOwn(map, key) ? map[key] : undefined;
}
