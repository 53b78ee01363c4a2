import { type FailureCode, FurrowError } from '../contract/errors.ts';

/** A request that cannot be answered, as a person who sent it should read it. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** What is wrong with the images that were sent, not with the server. */
const aboutImages: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'FILE_UNREADABLE',
  'TIFF_UNSUPPORTED',
  'DATA_BAD_INPUT',
]);

/** Every error as an answer. Of those that are no fault of the request nothing is told: their text may hold anything. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof FurrowError && (aboutImages.has(error.code) || error.code.endsWith('_UNSUPPORTED'))) {
    return new Refusal(422, error.code, error.message);
  }
  const { statusCode, code } = error as { statusCode?: number; code?: string };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new Refusal(413, 'BODY_TOO_LARGE', 'The images are too large');
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new Refusal(
      415,
      'MEDIA_TYPE_UNKNOWN',
      'Send multipart/form-data with one file a band, or one image/tiff with all bands',
    );
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Refusal(statusCode, 'REQUEST_INVALID', 'The request cannot be read');
  }
  return new Refusal(500, 'INTERNAL', "The prediction failed; the server's log says why");
}
