export { trainPipeline } from './trainPipeline.ts';
