import {
  ActivityCancellationType,
  CancellationScope,
  condition,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import {
  handOverSeconds,
  handOverUpdate,
  type SendTrackingRequest,
  type SentTracking,
  type TrackRunInput,
  takeBackSignal,
  trackSignal,
} from '../contract/messages.ts';

export const changed = defineSignal<[sequence: number]>(trackSignal);
export const handOver = defineUpdate<void>(handOverUpdate);
export const takeBack = defineSignal(takeBackSignal);

/** A tracker that is away is asked for a week: less and less often, up to every ten minutes. */
const { sendTracking } = proxyActivities<{ sendTracking(request: SendTrackingRequest): Promise<SentTracking> }>({
  startToCloseTimeout: '6 hours',
  scheduleToCloseTimeout: '7 days',
  heartbeatTimeout: '15 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '5 seconds', backoffCoefficient: 2, maximumInterval: '10 minutes' },
  summary: 'what the run has to show, sent to its tracker',
});

/**
 * Sends what a run has to show to its tracker, each time the run says that there is more. It is started by the run and outlives it:
 * the run never waits for a tracker. That the run is over comes as a cancellation, however it ended; what is left is sent then.
 */
export async function trackRun(input: TrackRunInput): Promise<SentTracking> {
  let wanted = -1;
  let over = false;
  let handedOver = false;
  let sending: CancellationScope | undefined;
  setHandler(changed, (sequence) => {
    wanted = Math.max(wanted, sequence);
  });
  setHandler(handOver, async () => {
    handedOver = true;
    sending?.cancel();
    // Of a run that is over, this workflow counts as cancelled.
    await CancellationScope.nonCancellable(() => condition(() => sending === undefined));
  });
  setHandler(takeBack, () => {
    handedOver = false;
  });
  CancellationScope.current().cancelRequested.catch(() => {
    over = true;
  });

  /** Undefined where it was stopped, for somebody else to send. */
  async function send(request: SendTrackingRequest): Promise<SentTracking | undefined> {
    sending = new CancellationScope();
    try {
      return await sending.run(() => sendTracking(request));
    } catch (error) {
      if (handedOver) return undefined;
      throw error;
    } finally {
      sending = undefined;
    }
  }

  return CancellationScope.nonCancellable(async () => {
    let sent: SentTracking = { places: {}, over: false };
    for (let done = -1; !sent.over; ) {
      await condition(() => over || wanted > done);
      // Whoever has taken over may have gone.
      if (handedOver) await condition(() => !handedOver, handOverSeconds * 1000);
      handedOver = false;
      const sequence = wanted;
      const outcome = await send({ ...input, sequence, over, sent: sent.places });
      if (!outcome) continue;
      sent = outcome;
      done = sequence;
      setCurrentDetails(placesText(sent));
    }
    return sent;
  });
}

function placesText({ places }: SentTracking): string {
  return Object.entries(places)
    .map(([name, place]) => `- ${name}: ${place}\n`)
    .join('');
}
