/** How fast this attempt goes, for people to read: nothing is decided by it. */
export class Pace {
  readonly #started: { time: number; images: number; steps: number }[] = [];
  #images = 0;
  #steps = 0;
  #epochStarted = { time: performance.now(), images: 0 };

  constructor() {
    this.#mark();
  }

  /** After a step of so many plots. */
  stepped(plots: number): void {
    this.#images += plots;
    this.#steps += 1;
    this.#mark();
  }

  /** Over the last steps, with what lay between them. */
  get imagesPerSecond(): number | undefined {
    const { images, seconds } = this.#window();
    return images > 0 ? images / seconds : undefined;
  }

  secondsFor(steps: number): number | undefined {
    const { steps: taken, seconds } = this.#window();
    return taken > 0 ? (steps * seconds) / taken : undefined;
  }

  epochEnded(): { readonly seconds: number; readonly imagesPerSecond: number } {
    const seconds = (performance.now() - this.#epochStarted.time) / 1000;
    const imagesPerSecond = (this.#images - this.#epochStarted.images) / seconds;
    this.#epochStarted = { time: performance.now(), images: this.#images };
    return { seconds, imagesPerSecond };
  }

  #mark(): void {
    this.#started.push({ time: performance.now(), images: this.#images, steps: this.#steps });
    if (this.#started.length > window + 1) this.#started.shift();
  }

  #window(): { readonly images: number; readonly steps: number; readonly seconds: number } {
    const first = this.#started[0] as { time: number; images: number; steps: number };
    const last = this.#started.at(-1) as { time: number };
    return {
      images: this.#images - first.images,
      steps: this.#steps - first.steps,
      seconds: Math.max(last.time - first.time, 1e-3) / 1000,
    };
  }
}

/** Steps: enough that a pause between epochs does not make the time left jump. */
const window = 50;
