// @ts-check
// Progress on stderr: one line that is rewritten on a terminal, a plain line every few seconds elsewhere.

/** Quiet until a step has taken this long: most have not. */
const QUIET_MS = 2000;
/** How often a log file gets a line. */
const PLAIN_EVERY_MS = 5000;
const TTY_EVERY_MS = 100;

/**
 * @typedef {object} Step
 * @property {(detail: string) => void} update  what is being done right now
 * @property {(text: string) => void} note  a line of its own that stays
 * @property {(text?: string) => void} done
 */

/**
 * Says that a step has begun. Nothing is printed for a step that ends within two seconds and has nothing to say.
 * @param {string} label
 * @param {{ out?: NodeJS.WriteStream, quietMs?: number, plainEveryMs?: number }} [options]
 * @returns {Step}
 */
export function startStep(label, { out = process.stderr, quietMs = QUIET_MS, plainEveryMs = PLAIN_EVERY_MS } = {}) {
  const started = Date.now();
  const tty = out.isTTY === true && process.env.CI === undefined;
  let detail = '';
  let shown = false;

  const show = () => {
    if (Date.now() - started < quietMs) return;
    shown = true;
    const line = `${label}${detail ? `: ${detail}` : ''} (${seconds(started)})`;
    out.write(tty ? `\r\x1b[2K${line.slice(0, (out.columns ?? 80) - 1)}` : `${line}\n`);
  };
  const clear = () => {
    if (tty && shown) out.write('\r\x1b[2K');
  };
  const timer = setInterval(show, tty ? TTY_EVERY_MS : plainEveryMs);
  // The first plain line comes when the quiet time is over, not a whole interval later.
  const first = setTimeout(show, quietMs + 50);
  timer.unref();
  first.unref();

  return {
    update(text) {
      detail = text;
    },
    note(text) {
      clear();
      out.write(`${text}\n`);
    },
    done(text) {
      clearInterval(timer);
      clearTimeout(first);
      clear();
      if (text) out.write(`${text} (${seconds(started)})\n`);
    },
  };
}

/** @param {number} bytes */
export function mebibytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

/** @param {number} started */
function seconds(started) {
  const s = (Date.now() - started) / 1000;
  return s < 60 ? `${s.toFixed(1)} s` : `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
}
