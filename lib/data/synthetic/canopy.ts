/**
 * Reflectance of leaves, canopy and soil in four bands: a few equations after PROSPECT and SAIL, simple enough to run per pixel.
 *
 * - Leaf and dense canopy: infinite reflectance of a scattering medium, `r = 1 + q - sqrt(q (q + 2))`, `q = K / S` (Kubelka and
 *   Munk 1931). Absorption `K` is chlorophyll times its specific absorption in the band, and a rest, as PROSPECT adds up its
 *   constituents (Jacquemoud and Baret 1990, Remote Sensing of Environment 34, 75-91).
 * - Canopy over soil: `r = r_dense + (r_soil - r_dense) exp(-2 k LAI)`, k the canopy's extinction in the band: SAIL's two-stream
 *   solution with its coupling term left out (Verhoef 1984, Remote Sensing of Environment 16, 125-141; Goudriaan 1977).
 * - Cover: `1 - exp(-G LAI)`, G = 0.5 for leaves of all angles seen from above (Monsi and Saeki 1953; Nilson 1971).
 * - Chlorophyll is absorbed little in the red edge and the green, where reflectance keeps telling 30 from 60 ug/cm2 after red has
 *   saturated (Gitelson, Gritz and Merzlyak 2003, Journal of Plant Physiology 160, 271-282).
 */

export const syntheticBands = ['green', 'red', 'red_edge', 'nir'] as const;

/** Per band, in the order of {@link syntheticBands}: 550, 660, 720 and 800 nm. */
const leafOptics = {
  /**
   * Specific absorption of chlorophyll over scattering, cm2/ug. Its proportions are those of PROSPECT's coefficients; its size makes
   * a dense, well-fed canopy reflect 0.10, 0.03, 0.3 and 0.7, as measured over winter wheat.
   */
  chlorophyll: [0.075, 0.3, 0.0145, 0],
  /** Absorption by all else (brown pigment, water, dry matter) over scattering. */
  rest: [0.2, 0.3, 0.1, 0.07],
} as const;

/** A loam, dry: brighter towards the infrared, along the soil line (Baret, Jacquemoud and Hanocq 1993). */
const drySoil = [0.125, 0.165, 0.195, 0.235] as const;
/** How much of the dry reflectance is left when the soil is soaked. */
const wetSoil = [0.5, 0.52, 0.54, 0.57] as const;

/** Reflectance of a canopy so dense that no soil shines through. @param chlorophyll ug/cm2 of leaf */
export function denseCanopy(band: number, chlorophyll: number): number {
  const ratio = (leafOptics.chlorophyll[band] as number) * chlorophyll + (leafOptics.rest[band] as number);
  return 1 + ratio - Math.sqrt(ratio * (ratio + 2));
}

/** Reflectance of bare soil. @param brightness 1 is usual @param moisture 0 dry to 1 soaked */
export function bareSoil(band: number, brightness: number, moisture: number): number {
  return (drySoil[band] as number) * brightness * (1 - moisture * (1 - (wetSoil[band] as number)));
}

/** Share of what lies below that still shines through leaves, in this band, there and back. @param lai m2 leaf per m2 ground */
export function transmission(dense: number, lai: number): number {
  // Absorbing leaves are dark and opaque, scattering ones bright and translucent: extinction k = 0.5 (1 - r_dense) / (1 + r_dense) + 0.2.
  return Math.exp(-2 * lai * ((0.5 * (1 - dense)) / (1 + dense) + 0.2));
}

/** Share of the ground that is covered by leaves, seen from above. */
export function cover(lai: number): number {
  return 1 - Math.exp(-0.5 * lai);
}

/**
 * How well fed the crop is, 0 to 1: uptake rises with what soil and fertiliser offer and levels off, the shape of nitrogen response
 * and critical dilution curves (Justes et al. 1994, Annals of Botany 74, 397-407). @param supply kg N per hectare
 */
export function nutrition(supply: number): number {
  return 1 - Math.exp(-supply / 320);
}
