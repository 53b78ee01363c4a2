export { trackRun } from './trackRun.ts';
export { trainPipeline } from './trainPipeline.ts';
