import {
  CancellationScope,
  condition,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import { type SendTrackingRequest, type SentTracking, type TrackRunInput, trackSignal } from '../contract/messages.ts';

export const changed = defineSignal<[sequence: number]>(trackSignal);

/** A tracker that is away is asked for a week: less and less often, up to every ten minutes. */
const { sendTracking } = proxyActivities<{ sendTracking(request: SendTrackingRequest): Promise<SentTracking> }>({
  startToCloseTimeout: '6 hours',
  scheduleToCloseTimeout: '7 days',
  heartbeatTimeout: '15 seconds',
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
  setHandler(changed, (sequence) => {
    wanted = Math.max(wanted, sequence);
  });
  CancellationScope.current().cancelRequested.catch(() => {
    over = true;
  });
  return CancellationScope.nonCancellable(async () => {
    let sent: SentTracking = { places: {}, over: false };
    for (let done = -1; !sent.over; ) {
      await condition(() => over || wanted > done);
      const request = { ...input, sequence: wanted, over, sent: sent.places };
      sent = await sendTracking(request);
      done = request.sequence;
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
