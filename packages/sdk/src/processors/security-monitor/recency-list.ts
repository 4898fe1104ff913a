/** What can be in one {@link RecencyList} at a time. */
export interface Listed {
  before: Listed | undefined;
  after: Listed | undefined;
}

/** A list in the order of use, the oldest first. All it does takes the same time however long it is. */
export class RecencyList<T extends Listed> {
  // Deleting the first key of a Map again and again is slow: its iterator walks over all that was deleted before.
  #oldest: Listed | undefined;
  #latest: Listed | undefined;

  get oldest(): T | undefined {
    return this.#oldest as T | undefined;
  }

  add(item: T): void {
    item.before = this.#latest;
    item.after = undefined;
    if (this.#latest === undefined) this.#oldest = item;
    else this.#latest.after = item;
    this.#latest = item;
  }

  remove(item: T): void {
    if (item.before === undefined) this.#oldest = item.after;
    else item.before.after = item.after;
    if (item.after === undefined) this.#latest = item.before;
    else item.after.before = item.before;
    item.before = undefined;
    item.after = undefined;
  }
}
