/** Workflows and CPU activities. Every installation has a worker for it. */
export const mainQueue = 'furrow';
/** Training, one at a time a worker. */
export const trainQueue = 'train-gpu';
