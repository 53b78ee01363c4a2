/** Milliseconds before what ended by itself is started again; they double up to the longest while it keeps ending. */
const firstWait = 500;
const longestWait = 15_000;

/** Milliseconds that it has to live to count as having been up. */
const shortLife = 60_000;

/** How long to wait, each time that one has ended by itself after so many milliseconds; 0 when it could not be started. */
export function restartWaits(): (lived: number) => number {
  let next = firstWait;
  return (lived) => {
    const wait = lived > shortLife ? firstWait : next;
    next = Math.min(wait * 2, longestWait);
    return wait;
  };
}
