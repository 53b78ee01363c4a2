import { type Tracking, trackingModes, type WandbSettings } from '../../../contract/tracking.ts';
import { findAccount, wandbUrl } from './account.ts';

const howToLogIn = 'set WANDB_API_KEY for the worker, or run `wandb login` there';

/** What a pipeline's `mode` comes to on this machine; `auto` listens to `WANDB_MODE`, as W&B's own clients do. */
export async function decideTracking(
  { mode: said, ...settings }: WandbSettings,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Tracking> {
  const asked = said === 'auto' ? (trackingModes.find((mode) => mode === env.WANDB_MODE) ?? 'auto') : said;
  const tracking = { ...settings, url: wandbUrl(env) };
  if (asked === 'disabled' || asked === 'offline') return { ...tracking, mode: asked };
  if (await findAccount(env)) return { ...tracking, mode: 'online' };
  if (asked === 'auto') return { ...tracking, mode: 'disabled', notice: `W&B is off: there is no key; ${howToLogIn}` };
  return {
    ...tracking,
    mode: 'online',
    notice: `W&B waits for a key: ${howToLogIn}; \`furrow tracking sync\` sends what is logged until then`,
  };
}
