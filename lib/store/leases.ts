/**
 * How garbage collection and running work keep out of each other's way: whoever takes what lies in the store already (a blob, a
 * finished result) renews it when it is old, which is its lease; what is younger than a collection's minimum age is never removed;
 * and what is removed is removed by its version, so that what was renewed a moment before stays.
 *
 * All that holds as long as the minimum age is longer than {@link renewAfter} and the time between the first file of a stage's
 * output and its commit together.
 */
import { work } from '../../contract/work.ts';

const hour = 3600 * 1000;

/** Milliseconds after which what is used again is renewed. */
export const renewAfter = 6 * hour;

/** Milliseconds. The longest that a fetch may take, and a bit; a `timeout:` beyond that asks for a longer minimum age. */
export const shortestMinimumAge = renewAfter + work.transfer.startToClose * 1000 + hour;
