import { FurrowError } from '../../contract/errors.ts';

/**
 * An image is for Linux: of another machine neither Node nor TensorFlow fits into it. To be asked before anything is built.
 *
 * @throws FurrowError `IMAGE_BASE_INVALID`
 */
export function refuseOffLinux(request: { readonly hasBase: boolean; readonly needsTensorflow?: boolean }): void {
  if (process.platform === 'linux') return;
  if (!request.hasBase) {
    throw new FurrowError(
      'IMAGE_BASE_INVALID',
      `This worker's Node is for ${process.platform} and does not fit into an image: give the stage \`base:\`, an image with Node, or a \`queue:\` that a worker on Linux polls`,
    );
  }
  if (request.needsTensorflow) {
    throw new FurrowError(
      'IMAGE_BASE_INVALID',
      `The model needs TensorFlow, and this worker's is for ${process.platform}: give the stage a \`queue:\` that a worker on Linux polls`,
    );
  }
}
