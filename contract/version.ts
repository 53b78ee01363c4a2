/**
 * The version of what every stage shares: the wrapper in `activities/attempt/` and the contract. They are left out of the
 * fingerprints, so that a clearer comment there does not train all models again; raise this by hand when a change there can
 * change what a stage makes.
 */
export const sharedVersion = 1;
