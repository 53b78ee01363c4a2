/** What is said when there is no memory: by TensorFlow, V8, C++, Node, the C library and its loader. */
export const allocationFailed =
  /OOM when allocating|javascript OOM|RESOURCE_EXHAUSTED|std::bad_alloc|out of memory|Array buffer allocation failed|Cannot allocate memory|failed to map segment/i;
