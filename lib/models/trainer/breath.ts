/** Lets messages from the parent arrive: TensorFlow's calls do not return in between. */
export function breath(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
