// Translates the coding kernel's source; run it after changing scripts/kernel-source.mjs.
import { writeFile } from 'node:fs/promises'
import wabt from 'wabt'
import { kernelSource } from './kernel-source.mjs'

/** The bytes of a kernel, always the same for the same source. */
export async function assemble(swizzle) {
  const { parseWat } = await wabt()
  const features = { simd: true, threads: true, relaxed_simd: true }
  const parsed = parseWat('kernel.wat', kernelSource(swizzle), features)
  try {
    return parsed.toBinary({}).buffer
  } finally {
    parsed.destroy()
  }
}

if (import.meta.main) {
  const room = new URL('../src/coding/', import.meta.url)
  await writeFile(new URL('kernel.wasm', room), await assemble('i8x16.swizzle'))
  await writeFile(new URL('kernel-relaxed.wasm', room), await assemble('i8x16.relaxed_swizzle'))
}
