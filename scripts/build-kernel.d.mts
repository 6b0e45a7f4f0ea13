/** The bytes of a kernel, always the same for the same source. */
export function assemble(
  swizzle: 'i8x16.swizzle' | 'i8x16.relaxed_swizzle',
): Promise<Uint8Array<ArrayBuffer>>
