import type { Pointers } from '../../contract/stage.ts';
import { stagePointerFolder } from '../../lib/store/names.ts';
import type { Store } from '../../lib/store/store.ts';

/** The store's pointers as stages see them: below `pointers/`, apart from manifests and run records, and JSON. */
export function attemptPointers(store: Store): Pointers {
  const root = stagePointerFolder;
  return {
    async read(name) {
      const found = await store.driver.readPointer(root + name);
      return found && { value: JSON.parse(found.text), version: found.version };
    },
    async swap(name, value, expected) {
      const version = await store.driver.swapPointer(root + name, JSON.stringify(value), expected);
      return { value, version };
    },
    async list(prefix) {
      const names = await store.driver.listPointers(root + prefix);
      return names.map((name) => name.slice(root.length));
    },
  };
}
